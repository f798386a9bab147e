import { expect, it } from 'vitest'
import { createFleet } from '../../../../server/fleet/fleet'
import { createSnapshot } from '../../../../server/fleet/snapshot'
import { createStateMessages } from '../../../../server/fleet/state-messages'
import { telemetry } from '../../shared/fixtures'

it('tells the newest of every metric as one message, and which have no value', () => {
  const fleet = createFleet({ devices: 10, metricsPerMessage: 10, fleetBytes: 1e6 })
  const states = createStateMessages(fleet, createSnapshot(fleet))
  const latest = () => states.latest('tor-1').map(({ data }): unknown => JSON.parse(data))
  fleet.applyTelemetry({ ...telemetry('tor-1', { tempC: 1, pulses: '9007199254740993' }, 30), exact: ['pulses'] }, 1)
  fleet.applyTelemetry({ ...telemetry('tor-1', {}, 20), absent: ['tempC', 'humidity'] }, 1)
  const { ts } = telemetry('tor-1', {}, 20)
  expect(latest()).toEqual([{ deviceId: 'tor-1', ts, receivedAt: ts, metrics: { pulses: '9007199254740993' }, exact: ['pulses'], absent: ['tempC', 'humidity'] }])
  const now = telemetry('tor-1', { tempC: 2, humidity: 40, pulses: 5 })
  fleet.applyTelemetry(now, 1)
  expect(latest()).toEqual([now])
})

it('tells presence, interval and limit as an event does', () => {
  const fleet = createFleet({ devices: 10, metricsPerMessage: 10, fleetBytes: 1e6 })
  fleet.applyTelemetry(telemetry('tor-1', { tempC: 1 }), 1)
  const change = { deviceId: 'tor-1', presence: 'live', since: '2026-01-01T12:00:00.000Z', intervalSeconds: 10, silentAfterSeconds: 66 } as const
  fleet.applyPresence(change)
  expect(createStateMessages(fleet, createSnapshot(fleet)).latest('tor-1').at(-1)).toEqual({ type: 'presence', data: JSON.stringify(change) })
})
