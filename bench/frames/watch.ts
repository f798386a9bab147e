import type { CDPSession, Page } from 'playwright-core'
import { z } from 'zod'
import { percentile } from '../support/figures.ts'

const MEGABYTE = 1_000_000

const CountersSchema = z.object({ nodes: z.number() })
const HeapSchema = z.object({ usedSize: z.number() })
const GapsSchema = z.array(z.number())

/** A stretch of time on a page. */
export interface Stretch {
  frames: number
  /** Milliseconds from frame to frame. */
  p95Ms: number
  longestMs: number
  /** Tasks over 50 ms. */
  longTasks: number
  /** At its end, after all garbage has been collected. */
  heapMb: number
  nodes: number
}

/** Notes the time between frames from now on. The function runs inside the page. */
export async function watchFrames(page: Page) {
  await page.evaluate(() => {
    const watched: { gaps: number[], longTasks: number[] } = { gaps: [], longTasks: [] }
    let last = performance.now()
    requestAnimationFrame(function frame(now) {
      watched.gaps.push(now - last)
      last = now
      requestAnimationFrame(frame)
    })
    new PerformanceObserver(list => watched.longTasks.push(...list.getEntries().map(({ duration }) => duration))).observe({ type: 'longtask' })
    Reflect.set(globalThis, 'watched', watched)
  })
}

/** What was noted since it was taken last. Collecting garbage takes the page some frames, which are not counted. */
export async function takeStretch(page: Page, inside: CDPSession): Promise<Stretch> {
  const [gaps, longTasks] = z.tuple([GapsSchema, GapsSchema]).parse(await page.evaluate('[watched.gaps, watched.longTasks]'))
  await inside.send('HeapProfiler.collectGarbage')
  const { usedSize } = HeapSchema.parse(await inside.send('Runtime.getHeapUsage'))
  const { nodes } = CountersSchema.parse(await inside.send('Memory.getDOMCounters'))
  await page.evaluate('requestAnimationFrame(() => { watched.gaps.length = 0; watched.longTasks.length = 0 })')
  const sorted = gaps.toSorted((a, b) => a - b)
  return { frames: gaps.length, p95Ms: percentile(sorted, 0.95), longestMs: sorted.at(-1) ?? Number.NaN, longTasks: longTasks.length, heapMb: usedSize / MEGABYTE, nodes }
}
