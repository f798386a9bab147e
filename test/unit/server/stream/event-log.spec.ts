import { describe, expect, it } from 'vitest'
import { createEventLog } from '../../../../server/stream/event-log'
import type { EventLog } from '../../../../server/stream/event-log'

function say(log: EventLog, data: string) {
  log.add([log.number('telemetry', 'gate', data)])
}
const after = (log: EventLog, n: number) => {
  const missed = log.after(log.idOf(n))
  return 'events' in missed ? missed.events.map(event => [event.n, event.data]) : missed.reason
}

describe('events with numbers from elsewhere', () => {
  it('go on behind any number, whether there is an event of it or not', () => {
    let current = 0
    const log = createEventLog(10_000, { epoch: () => 'site', current: () => current })
    log.begin(100)
    for (const n of [103, 107, 110]) {
      current = n
      say(log, String(n))
    }
    expect(log.idOf(110)).toBe('site.110')
    expect([after(log, 100), after(log, 103), after(log, 105), after(log, 110)]).toEqual([[[103, '103'], [107, '107'], [110, '110']], [[107, '107'], [110, '110']], [[107, '107'], [110, '110']], []])
    // What came before the start is not remembered, what is to come not known.
    expect([after(log, 99), after(log, 111)]).toEqual(['too-old', 'restarted'])
    log.passed(111)
    expect(after(log, 111)).toEqual([])
    expect([log.numberOf('site.7'), log.numberOf('else.7'), log.numberOf('site.x'), log.numberOf('')]).toEqual([7, NaN, NaN, NaN])
  })

  it('are forgotten beyond the budget, the oldest first', () => {
    let current = 0
    const log = createEventLog(200, { epoch: () => 'site', current: () => current })
    for (current = 10; current <= 200; current += 10) say(log, 'x'.repeat(50))
    expect([after(log, 10), after(log, 190)]).toEqual(['too-old', [[200, 'x'.repeat(50)]]])
  })
})
