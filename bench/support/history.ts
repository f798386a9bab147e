import type { DeviceState } from '#shared/schemas/device'
import { join } from 'node:path'
import { withStatus, withTelemetry } from '#shared/utils/device-state'
import type { History } from '../../server/history/contract.ts'
import { createHistory } from '../../server/history/history.ts'
import type { Restored } from '../../server/history/store.ts'

/** Last states by deviceId, to be kept up to date by what appends. */
export type LastStates = Map<string, Pick<DeviceState, 'deviceId'>>

/** Opens the history in a server's folder without a server, and closes it again. */
export function withHistory<T>(folder: string, states: LastStates, use: (history: History) => T): T {
  const history = createHistory({
    file: join(folder, 'history.db'),
    durability: 'normal',
    unacknowledged: 1_000,
    retention: { rawDays: 0, minuteDays: 0, hourDays: 0, bytes: Number.MAX_SAFE_INTEGER },
    stateOf: deviceId => JSON.stringify(states.get(deviceId)),
    onFault: (reason) => { if (reason !== null) throw new Error(reason) },
    onDamaged: (movedTo) => { throw new Error(`The history was damaged: ${movedTo}.`) },
    onOpen: restored => restoredStates(restored).forEach((state, deviceId) => states.set(deviceId, state)),
  })
  history.open()
  try {
    return use(history)
  }
  finally {
    history.close()
  }
}

/** Of the devices with something in the journal; what is packed has its state beside it. */
function restoredStates({ records }: Restored): Map<string, DeviceState> {
  const states = new Map<string, DeviceState>()
  for (const { kind, value } of records) {
    const held = states.get(value.deviceId)
    states.set(value.deviceId, kind === 'telemetry' ? withTelemetry(held, value) : withStatus(held, value))
  }
  return states
}
