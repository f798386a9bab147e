import { TelemetryMessageSchema } from '#shared/schemas/telemetry'
import { describe, expect, it } from 'vitest'
import { isOrdinary } from '../../../../../server/sources/sensors/ordinary'
import { chance, seedOf } from '../../../../../tools/simulator/random'
import { malformed } from '../../../../fixtures/malformed'

const ODD = [undefined, null, '', 'x', 0, -0, -1, 1.5, 2 ** 53, Number.NaN, Infinity, true, [], [1], {}, { a: 1 }] as const
const TIMES = ['2025-11-02T12:00:00Z', '2025-11-02T12:00:00.123456+01:00', '2025-11-02T12:00:00', '2025-02-30T12:00:00Z', '2024-02-29T00:00:00Z', '2025-11-02', 'now', 0]
const KEYS = ['ts', 'seq', 'deviceId', 'metrics', 'extra', 'constructor']

describe('an ordinary message', () => {
  it('is one that the schema accepts and leaves as it is, whatever is made of one', () => {
    const seed = seedOf('ordinary')
    let drawn = 0
    const random = () => chance(seed, drawn++)
    const pick = <T>(of: readonly T[]): T | undefined => of[Math.floor(random() * of.length)]
    let ordinary = 0
    for (let i = 0; i < 20_000; i++) {
      const message: Record<string, unknown> = { metrics: { tempC: 21.3, doorState: 'open', armed: true } }
      if (random() < 0.5) message.ts = pick(TIMES)
      if (random() < 0.5) message.seq = pick(ODD)
      if (random() < 0.3) message[pick(KEYS) ?? ''] = pick(ODD)
      if (random() < 0.3) message.metrics = { ok: 1, odd: pick(ODD) }
      if (!isOrdinary(message)) continue
      ordinary++
      expect(TelemetryMessageSchema.safeParse(message)).toEqual({ success: true, data: message })
    }
    expect(ordinary).toBeGreaterThan(2_000)
  })

  it('is what devices usually send', () => {
    expect(isOrdinary({ deviceId: 'a', ts: '2025-11-02T12:00:00Z', seq: 7, metrics: { tempC: 21.3, doorState: 'open', armed: false } })).toBe(true)
  })

  it('is nothing malformed that the schema refuses', () => {
    const parsed = malformed.flatMap(({ payload }) => {
      try {
        const value: unknown = JSON.parse(payload.toString())
        return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : []
      }
      catch {
        return []
      }
    })
    expect(parsed.length).toBeGreaterThan(20)
    for (const message of parsed) {
      if (!TelemetryMessageSchema.safeParse(message).success) expect(isOrdinary(message)).toBe(false)
    }
  })
})
