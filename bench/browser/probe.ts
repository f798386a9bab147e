import type { Page } from 'playwright-core'
import { z } from 'zod'
import { nowUs } from '../support/stamp.ts'
import { STAMP_ON_PAGE } from './stamp.ts'

/** A row of a page, in which stamps are looked for. */
export const ROW = '[data-testid=device]'
const ROUNDS = 200

const TakenSchema = z.object({
  /** Each stamp that has come into sight, when its frame was painted, and when the next one began: milliseconds of the page's clock. */
  seen: z.array(z.object({ stamp: z.number(), painted: z.number(), next: z.number() })),
  /** Milliseconds of tasks over 50 ms, and between two frames. */
  longTasks: z.array(z.number()),
  gaps: z.array(z.number()),
})
export type Taken = z.infer<typeof TakenSchema>

/** Begins to watch what a page shows, or begins anew. The function runs inside the page. */
export async function watchRows(page: Page) {
  await page.evaluate(({ row, pattern }) => {
    const stampText = new RegExp(pattern)
    const taken: Taken = { seen: [], longTasks: [], gaps: [] }
    const inSight = new Set([...document.querySelectorAll(row)].filter(({ getBoundingClientRect }, i, all) =>
      getBoundingClientRect.call(all[i]).bottom <= innerHeight))
    const channel = new MessageChannel()
    let drawn: number[] = []
    let handedOver: { stamps: number[], painted: number }[] = []

    new MutationObserver((records) => {
      const wasIdle = drawn.length === 0
      for (const { type, target, addedNodes } of records) {
        const texts = type === 'characterData' ? [target] : [...addedNodes]
        const parent = target instanceof Element ? target : target.parentElement
        if (!inSight.has(parent?.closest(row) ?? document.body)) continue
        for (const { textContent } of texts) if (stampText.test(textContent ?? '')) drawn.push(Number(textContent?.replaceAll(/\D/g, '')))
      }
      // What is drawn in a frame is painted at its end, before any other task.
      if (wasIdle && drawn.length > 0) channel.port2.postMessage(null)
    }).observe(document.body, { subtree: true, childList: true, characterData: true })
    channel.port1.onmessage = () => {
      handedOver.push({ stamps: drawn, painted: performance.now() })
      drawn = []
    }
    let last = performance.now()
    requestAnimationFrame(function frame() {
      const now = performance.now()
      taken.gaps.push(now - last)
      last = now
      for (const { stamps, painted } of handedOver) taken.seen.push(...stamps.map(stamp => ({ stamp, painted, next: now })))
      handedOver = []
      requestAnimationFrame(frame)
    })
    new PerformanceObserver(list => taken.longTasks.push(...list.getEntries().map(({ duration }) => duration))).observe({ type: 'longtask' })
    Reflect.set(globalThis, 'taken', taken)
  }, { row: ROW, pattern: STAMP_ON_PAGE })
}

/** What has been seen since the page is watched. */
export async function take(page: Page): Promise<Taken> {
  return TakenSchema.parse(await page.evaluate('taken'))
}

/** What to add to microseconds of a page's clock for the machine's monotonic clock, and how far that may be off. */
export async function clockOf(page: Page): Promise<{ offsetUs: number, errorUs: number }> {
  let best = { offsetUs: 0, errorUs: Infinity }
  for (let i = 0; i < ROUNDS; i++) {
    const asked = nowUs()
    const there = Number(await page.evaluate('performance.now()')) * 1_000
    const answered = nowUs()
    const errorUs = (answered - asked) / 2
    if (errorUs < best.errorUs) best = { offsetUs: (asked + answered) / 2 - there, errorUs }
  }
  return best
}
