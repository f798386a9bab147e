// From publish to painted pixel in a Chromium: the overview, beside a bare page on the same stream, with other viewers connected.
import { setTimeout as sleep } from 'node:timers/promises'
import { chromium } from 'playwright-core'
import type { Page } from 'playwright-core'
import { BROWSER_FLAGS, findBrowser } from '../../tools/programs/find.ts'
import { AT_ONCE, startBroker } from '../support/broker.ts'
import { startWorker } from '../support/child.ts'
import { count, percentile, table, verdict } from '../support/figures.ts'
import type { BenchOptions, Say } from '../support/bench.ts'
import { startServer } from '../support/server.ts'
import { until } from '../support/until.ts'
import { barePage } from './bare-page.ts'
import { clockOf, ROW, take, watchRows } from './probe.ts'
import { sinceStamp } from './stamp.ts'

const RATE = 1_000
const DEVICES = 1_000
const VIEWERS = 100
/** Half of a large screen: some thirty rows. */
const SCREEN = { width: 1_920, height: 2_160 }
const SECONDS = 6
const SETTLE_MS = 4_000
/** Longer than this between two frames is seen. */
const GAP_MS = 50
const TARGET_MS = 100

interface Shown {
  name: string
  messages: number
  p50Ms: number
  p95Ms: number
  p99Ms: number
  maxMs: number
  /** The same until the next frame began: no pixel is later. */
  nextFrameP99Ms: number
  longTasks: number
  longestTaskMs: number
  gaps: number
  longestGapMs: number
  clockErrorMs: number
}

export async function benchBrowser({ seconds = SECONDS }: BenchOptions, say: Say) {
  const executablePath = await findBrowser()
  const broker = await startBroker(undefined, [AT_ONCE])
  const server = await startServer({ env: { NUXT_MQTT_URL: broker.url } })
  await server.connected()
  const counted = { sent: 0, ready: 0, bytes: 0 }
  const onMessage = (message: object) => void Object.assign(counted, message)
  const publisher = startWorker(new URL('publisher.ts', import.meta.url).pathname, { args: [broker.url, String(RATE), String(DEVICES)], onMessage })
  const viewers = startWorker(new URL('client.ts', import.meta.url).pathname, { args: [String(server.port), String(VIEWERS)], onMessage })
  const browser = await chromium.launch({ ...(executablePath && { executablePath }), args: BROWSER_FLAGS })
  say(`\nBrowser: ${count(RATE)} messages/s of ${count(DEVICES)} devices at QoS 1, ${VIEWERS} more viewers, Chromium ${browser.version()}, ${broker.what}`)
  const failed = Promise.race([server.failed, publisher.failed, viewers.failed, broker.failed])
  try {
    await Promise.race([failed, until(async () => counted.ready === VIEWERS && (await server.health()).devices === DEVICES)])
    return await Promise.race([failed, measureAll()])
  }
  finally {
    await browser.close()
    for (const worker of [viewers, publisher, server, broker]) await worker.stop()
  }

  async function measureAll() {
    const devices = await inSight()
    say(`${devices.length} devices in sight`)
    const bare = await measureBare('bare page, every message', devices, '')
    const batched = await measureBare('bare page, batches of 20 ms', devices, '?after=&batch=20')
    const page = await openOverview()
    const overview = await measure('overview', page)
    await page.close()
    return report([bare, batched, overview], say)
  }

  async function openOverview(): Promise<Page> {
    const page = await browser.newPage({ viewport: SCREEN, locale: 'en-GB' })
    await page.goto(`${server.url}/?sort=name`)
    await page.locator(ROW).first().waitFor()
    return page
  }

  async function inSight(): Promise<string[]> {
    const page = await openOverview()
    await sleep(SETTLE_MS)
    const links = await page.locator(`${ROW} a`).all()
    const boxes = await Promise.all(links.map(async link => ({ name: await link.innerText(), box: await link.boundingBox() })))
    await page.close()
    return boxes.filter(({ box }) => box && box.y + box.height <= SCREEN.height).map(({ name }) => name)
  }

  async function measureBare(name: string, devices: readonly string[], query: string): Promise<Shown> {
    // In a document of the server: from elsewhere Chromium would not let it connect to this machine. Its script would not run under the server's policy.
    const page = await browser.newPage({ viewport: SCREEN, bypassCSP: true })
    await page.goto(`${server.url}/api/health`)
    await page.setContent(barePage(devices, query))
    const shown = await measure(name, page)
    await page.close()
    return shown
  }

  async function measure(name: string, page: Page): Promise<Shown> {
    await sleep(SETTLE_MS)
    const before = await clockOf(page)
    await watchRows(page)
    await sleep(seconds * 1_000)
    const { seen, longTasks, gaps } = await take(page)
    const after = await clockOf(page)
    say(`${name}: done`)
    const ms = (at: (one: typeof seen[number]) => number) =>
      seen.map(one => sinceStamp(one.stamp, at(one) * 1_000 + before.offsetUs) / 1_000).toSorted((a, b) => a - b)
    const latencies = ms(({ painted }) => painted)
    return {
      name,
      messages: seen.length,
      p50Ms: percentile(latencies, 0.5),
      p95Ms: percentile(latencies, 0.95),
      p99Ms: percentile(latencies, 0.99),
      maxMs: percentile(latencies, 1),
      nextFrameP99Ms: percentile(ms(({ next }) => next), 0.99),
      longTasks: longTasks.length,
      longestTaskMs: Math.max(0, ...longTasks),
      gaps: gaps.filter(gap => gap > GAP_MS).length,
      longestGapMs: Math.max(0, ...gaps),
      clockErrorMs: (Math.max(before.errorUs, after.errorUs) + Math.abs(before.offsetUs - after.offsetUs)) / 1_000,
    }
  }
}

function report(pages: readonly [Shown, Shown, Shown], say: Say) {
  const [bare, batched, overview] = pages
  const heads = ['publish to painted, ms', 'p50', 'p95', 'p99', 'max', 'p99 to the next frame', 'messages', 'tasks over 50 ms (longest)', `frames over ${GAP_MS} ms (longest)`]
  const rows = pages.map(({ name, messages, p50Ms, p95Ms, p99Ms, maxMs, nextFrameP99Ms, longTasks, longestTaskMs, gaps, longestGapMs }) => [
    name, ...[p50Ms, p95Ms, p99Ms, maxMs, nextFrameP99Ms].map(ms => count(ms, 1)), count(messages),
    `${longTasks} (${count(longestTaskMs)})`, `${gaps} (${count(longestGapMs)})`])
  say(`\n${table(heads, rows)}\n`)
  const ratios = { p99Ratio: overview.p99Ms / bare.p99Ms, p99RatioBatched: overview.p99Ms / batched.p99Ms }
  say(`clocks compared to within ${count(Math.max(...pages.map(({ clockErrorMs }) => clockErrorMs)), 2)} ms`)
  say(`p99, overview / bare page: ${ratios.p99Ratio.toFixed(2)}; / bare page with the same batches: ${ratios.p99RatioBatched.toFixed(2)}`)
  say(`p99 of the overview until the next frame: ${count(overview.nextFrameP99Ms, 1)} ms (target: under ${TARGET_MS} ms, ${verdict(overview.nextFrameP99Ms < TARGET_MS)})`)
  return { pages, ...ratios }
}
