import { describe, expect, it } from 'vitest'
import type { Clock } from '../../../../tools/simulator/clock'
import { createPacer } from '../../../../tools/simulator/pacer'
import { runSimulation } from '../../../../tools/simulator/run'
import type { SimulatedMessage } from '../../../../tools/simulator/site'

const MESSAGE: SimulatedMessage = { topic: 'sensors/a/telemetry', payload: '{}', retain: false }
const endless = { next: () => MESSAGE }

/** A clock that only moves when somebody sleeps. */
function fakeClock(onSleep: (nowMs: number) => void = () => undefined): Clock {
  let nowMs = 0
  return {
    nowMs: () => nowMs,
    wallMs: () => 1_700_000_000_000 + nowMs,
    sleep: async (ms) => {
      // Time passes while nobody sleeps as well.
      nowMs += ms || 0.1
      onSleep(nowMs)
    },
  }
}

describe('a run', () => {
  it.each([[0.5, 10], [7, 3], [2_000, 5], [50_000, 2]])('sends %d messages a second for %d seconds', async (rate, seconds) => {
    let sent = 0
    await runSimulation({
      site: endless,
      publisher: { hasRoom: () => true, publish: () => void sent++ },
      pacer: createPacer(rate, 0),
      clock: fakeClock(),
      signal: new AbortController().signal,
      untilMs: seconds * 1_000,
    })
    expect(sent).toBe(rate * seconds)
  })

  it('sends nothing without room, catches up on a second at most and keeps the rate afterwards', async () => {
    const sentAt: number[] = []
    const clock = fakeClock()
    const pacer = createPacer(100, 0)
    await runSimulation({
      site: endless,
      publisher: { hasRoom: () => clock.nowMs() < 1_000 || clock.nowMs() >= 5_000, publish: () => void sentAt.push(clock.nowMs()) },
      pacer,
      clock,
      signal: new AbortController().signal,
      untilMs: 6_000,
    })
    expect(sentAt.filter(atMs => atMs >= 1_000 && atMs < 5_000)).toEqual([])
    expect(sentAt.length + pacer.skipped()).toBe(600)
    expect(pacer.skipped()).toBeGreaterThanOrEqual(295)
    expect(pacer.skipped()).toBeLessThanOrEqual(305)
  })

  it('ends when it is told to', async () => {
    const stop = new AbortController()
    let sent = 0
    await runSimulation({
      site: endless,
      publisher: { hasRoom: () => true, publish: () => void sent++ },
      pacer: createPacer(10, 0),
      clock: fakeClock(nowMs => nowMs >= 2_000 && stop.abort()),
      signal: stop.signal,
    })
    expect(sent).toBeGreaterThanOrEqual(19)
    expect(sent).toBeLessThanOrEqual(20)
  })

  it('lets time pass while every device is silent', async () => {
    let sent = 0
    await runSimulation({
      site: { next: () => undefined },
      publisher: { hasRoom: () => true, publish: () => void sent++ },
      pacer: createPacer(10, 0),
      clock: fakeClock(),
      signal: new AbortController().signal,
      untilMs: 2_000,
    })
    expect(sent).toBe(0)
  })
})
