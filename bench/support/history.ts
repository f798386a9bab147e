import { join } from 'node:path'
import type { Telemetry } from '#shared/schemas/telemetry'
import { withTelemetry } from '#shared/device/device-state'
import type { History } from '../../server/history/contract.ts'
import { createHistory } from '../../server/history/sqlite/history.ts'

/** The last message of each device, by deviceId: in the benches it holds all of its metrics, and is its state. */
export type LastMessages = Map<string, Telemetry>

/** Opens the history in a server's folder without a server, and closes it again. What appends keeps `last` up to date. */
export function withHistory<T>(folder: string, last: LastMessages, use: (history: History) => T): T {
  const history = openHistory(folder, last)
  try {
    return use(history)
  }
  finally {
    void history.close()
  }
}

/** The same for whoever closes it himself. */
export function openHistory(folder: string, last: LastMessages): History {
  const history = createHistory({
    file: join(folder, 'history.db'),
    durability: 'normal',
    unacknowledged: 1_000,
    retention: { rawDays: 0, minuteDays: 0, hourDays: 0, bytes: Number.MAX_SAFE_INTEGER },
    stateOf(deviceId) {
      const telemetry = last.get(deviceId)
      return telemetry && JSON.stringify(withTelemetry(undefined, telemetry))
    },
    onFault: (reason) => { if (reason !== null) throw new Error(reason) },
    onDamaged: (movedTo) => { throw new Error(`The history was damaged: ${movedTo}.`) },
    onOpen({ records }) {
      for (const { kind, value } of records) {
        if (kind === 'telemetry') last.set(value.deviceId, value)
      }
    },
  })
  history.open()
  return history
}
