import { describe, expect, it } from 'vitest'
import { matches } from '../../../../server/mqtt/examination'

describe('a topic filter', () => {
  it.each([
    ['sensors/#', 'sensors/tor-1/telemetry', true],
    ['sensors/#', 'sensors', true],
    ['sensors/#', 'sensorsx/a', false],
    ['sensors/+/telemetry', 'sensors/tor-1/telemetry', true],
    ['sensors/+/telemetry', 'sensors/a/b/telemetry', false],
    ['sensors/+', 'sensors', false],
    ['a/b', 'a/b/c', false],
    ['#', 'anything/at/all', true],
  ])('%s and %s: %s', (filter, topic, fits) => {
    expect(matches(filter, topic)).toBe(fits)
  })
})
