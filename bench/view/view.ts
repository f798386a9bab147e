// The first visit, with an empty cache, to a server that knows many devices: how soon there is something to look at, and how much script it takes.
import type { Browser } from 'playwright-core'
import { z } from 'zod'
import { count, median, table, verdict } from '../support/figures.ts'
import type { BenchOptions, Say } from '../support/bench.ts'
import { withPages } from '../support/pages.ts'
import { until } from '../support/until.ts'

const DEVICES = 10_000
const RATE = 1_000
const SCREEN = { width: 1_440, height: 900 }
const CONTENT_TARGET_MS = 1_500
const SCRIPT_TARGET_KB = 350
const KILOBYTE = 1_000
/** What a page shows when it shows what it is for. */
const PAGES = [
  { name: 'overview', path: '/', content: '[data-testid=device]' },
  { name: 'device', path: '/devices/bench-0000', content: '[data-testid=values]' },
] as const

const VisitSchema = z.object({
  /** Milliseconds since the address was entered: the first paint of anything, the largest part, the content that the page is for. */
  firstPaintMs: z.number(),
  largestPaintMs: z.number(),
  contentMs: z.number(),
  scriptBytes: z.number(),
  allBytes: z.number(),
})
type Visit = z.infer<typeof VisitSchema>

export async function benchView({ rounds }: BenchOptions, say: Say) {
  return withPages(DEVICES, RATE, async ({ browser, url }) => {
    say(`\nFirst view: ${count(DEVICES)} devices, ${count(RATE)} messages/s, ${rounds} visits each with a new profile, Chromium ${browser.version()}`)
    const pages: (Visit & { name: string })[] = []
    for (const { name, path, content } of PAGES) {
      const visits: Visit[] = []
      for (let i = 0; i < rounds; i++) visits.push(await visit(browser, url + path, content))
      pages.push({ name, ...middle(visits) })
    }
    report(pages, say)
    return { devices: DEVICES, rounds, pages }
  })
}

async function visit(browser: Browser, url: string, content: string): Promise<Visit> {
  const context = await browser.newContext({ viewport: SCREEN, locale: 'en-GB' })
  const page = await context.newPage()
  await page.addInitScript(watchPaints, content)
  await page.goto(url, { waitUntil: 'networkidle' })
  await until(async () => await page.evaluate('watched.contentMs') !== 0)
  const seen = VisitSchema.parse(await page.evaluate('watched.sum()'))
  await context.close()
  return seen
}

/** Runs inside the page, before anything else of it. */
function watchPaints(content: string) {
  const watched = { firstPaintMs: 0, largestPaintMs: 0, contentMs: 0, sum }
  new PerformanceObserver((list) => {
    for (const { name, startTime } of list.getEntries()) if (name === 'first-contentful-paint') watched.firstPaintMs = startTime
  }).observe({ type: 'paint', buffered: true })
  new PerformanceObserver((list) => {
    for (const { startTime } of list.getEntries()) watched.largestPaintMs = startTime
  }).observe({ type: 'largest-contentful-paint', buffered: true })
  requestAnimationFrame(function look() {
    if (!document.querySelector(content)) requestAnimationFrame(look)
    // The time of the frame itself may be that of a task before it.
    else watched.contentMs = performance.now()
  })
  function sum() {
    const loaded = performance.getEntriesByType('resource').filter(entry => entry instanceof PerformanceResourceTiming)
    const bytes = (of: PerformanceResourceTiming[]) => of.reduce((total, { encodedBodySize }) => total + encodedBodySize, 0)
    return { ...watched, scriptBytes: bytes(loaded.filter(({ name }) => name.endsWith('.js'))), allBytes: bytes(loaded) }
  }
  Reflect.set(globalThis, 'watched', watched)
}

function middle(visits: readonly Visit[]): Visit {
  const of = (name: keyof Visit) => median(visits.map(visit => visit[name]))
  return { firstPaintMs: of('firstPaintMs'), largestPaintMs: of('largestPaintMs'), contentMs: of('contentMs'), scriptBytes: of('scriptBytes'), allBytes: of('allBytes') }
}

function report(pages: readonly (Visit & { name: string })[], say: Say) {
  const heads = ['page', 'first paint, ms', 'largest paint, ms', 'content, ms', `target: under ${count(CONTENT_TARGET_MS)}`, 'script, kB as sent', `target: under ${SCRIPT_TARGET_KB}`, 'everything, kB']
  const rows = pages.map(({ name, firstPaintMs, largestPaintMs, contentMs, scriptBytes, allBytes }) => [
    name, count(firstPaintMs), count(largestPaintMs), count(contentMs), verdict(contentMs < CONTENT_TARGET_MS),
    count(scriptBytes / KILOBYTE), verdict(scriptBytes < SCRIPT_TARGET_KB * KILOBYTE), count(allBytes / KILOBYTE),
  ])
  say(`\n${table(heads, rows)}`)
}
