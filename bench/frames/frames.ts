// A page that stays open: frames, memory and nodes of the overview in both forms, minute by minute, with a large fleet that speaks.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Browser } from 'playwright-core'
import { count, table, verdict } from '../support/figures.ts'
import type { BenchOptions, Say } from '../support/bench.ts'
import { withPages } from '../support/pages.ts'
import { takeStretch, watchFrames } from './watch.ts'
import type { Stretch } from './watch.ts'

const DEVICES = 10_000
const RATE = 1_000
const SCREEN = { width: 1_440, height: 900 }
const FORMS = ['table', 'tiles'] as const
const SECONDS = 20
/** The time is divided into so many stretches: minutes, when it is ten of them. */
const STRETCHES = 10
const LOADING_MS = 5_000
const LONGEST_TARGET_MS = 200
const P95_TARGET_MS = 33
const GROWTH_TARGET = 1.1

interface Held { form: string, stretches: Stretch[], p95Ms: number, longestMs: number, growth: number }

export async function benchFrames({ seconds = SECONDS }: BenchOptions, say: Say) {
  return withPages(DEVICES, RATE, async ({ browser, url }) => {
    say(`\nFrames: ${count(DEVICES)} devices, ${count(RATE)} messages/s at QoS 1, ${count(seconds)} s for each form of the overview, Chromium ${browser.version()}`)
    const held: Held[] = []
    for (const form of FORMS) held.push(await watchForm(browser, url, form, seconds))
    report(held, say)
    return { devices: DEVICES, rate: RATE, seconds, forms: held }
  })
}

async function watchForm(browser: Browser, url: string, form: string, seconds: number): Promise<Held> {
  const page = await browser.newPage({ viewport: SCREEN, locale: 'en-GB' })
  await page.goto(`${url}/?form=${form}`)
  await page.getByTestId('device').first().waitFor()
  await sleep(LOADING_MS)
  const inside = await page.context().newCDPSession(page)
  await watchFrames(page)
  const stretches: Stretch[] = []
  for (let i = 0; i < STRETCHES; i++) {
    await sleep(seconds * 1_000 / STRETCHES)
    stretches.push(await takeStretch(page, inside))
  }
  await page.close()
  const [second, last] = [stretches[1], stretches.at(-1)]
  return {
    form,
    stretches,
    p95Ms: Math.max(...stretches.map(({ p95Ms }) => p95Ms)),
    longestMs: Math.max(...stretches.map(({ longestMs }) => longestMs)),
    growth: second && last ? last.heapMb / second.heapMb : Number.NaN,
  }
}

function report(held: readonly Held[], say: Say) {
  const heads = ['form, tenth of the time', 'frames', 'p95, ms', 'longest, ms', 'tasks over 50 ms', 'heap without garbage, MB', 'nodes']
  const rows = held.flatMap(({ form, stretches }) => stretches.map(({ frames, p95Ms, longestMs, longTasks, heapMb, nodes }, i) => [
    `${form} ${i + 1}`, count(frames), count(p95Ms, 1), count(longestMs), count(longTasks), count(heapMb, 1), count(nodes),
  ]))
  say(`\n${table(heads, rows)}\n`)
  for (const { form, p95Ms, longestMs, growth } of held) {
    say(`${form}: longest ${count(longestMs)} ms (target: at most ${LONGEST_TARGET_MS}, ${verdict(longestMs <= LONGEST_TARGET_MS)}), p95 ${count(p95Ms, 1)} ms (target: under ${P95_TARGET_MS}, ${verdict(p95Ms < P95_TARGET_MS)}), heap at the end / after two tenths ${growth.toFixed(2)} (target: at most ${GROWTH_TARGET}, ${verdict(growth <= GROWTH_TARGET)})`)
  }
}
