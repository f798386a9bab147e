// Deletes devices. First a device is only hidden and its messages are still stored, so until a certain time it can be
// restored unchanged. Then it is deleted in one transaction, and its packed data in the background. Promises that
// after a restart a device is either deleted or not, and that no retained message brings one back.
import { z } from 'zod'
import type { DeviceStatusChange } from '#shared/schemas/device'
import type { ForgottenDevice } from '#shared/schemas/events'
import type { KnownDevice } from '#shared/schemas/profile'
import type { Telemetry } from '#shared/schemas/telemetry'
import { readJson } from '#shared/text/json'
import type { Fleet } from '../fleet/fleet'
import { isSignOfLife } from '../fleet/presence/presence'
import type { PresenceWatch } from '../fleet/presence/presence'
import type { RecentMessages } from '../fleet/recent-messages'
import type { History } from '../history/contract'
import type { DocumentChange, Documents } from '../history/documents'
import type { Hub } from '../stream/hub'
import type { Refusal, Registry } from '../registry/contract'

export interface DeviceDeletionParts {
  fleet: Fleet
  presence: PresenceWatch
  counters: { clear: (place: number, deviceId: string) => void }
  recent: RecentMessages
  registry: Registry
  hub: Pick<Hub, 'publish'>
  history: Pick<History, 'forget'> | undefined
  documents: Pick<Documents, 'all' | 'write'>
  /** How long a device can be brought back. */
  undoMs: number
  /** Names of forgotten devices that are remembered; beyond it the oldest go. */
  maxRemembered: number
  /** Whether it is for this server to erase what cannot be brought back any more. */
  isOurs?: () => boolean
}

export interface DeviceDeletion {
  /** Takes up what an earlier start has left; whenever the documents can be read anew. */
  load: () => void
  /** Undefined: nothing is known of such a device. */
  forget: (deviceId: string) => Promise<ForgottenDevice | Refusal | undefined>
  /** Brings a device back as it was; undefined: there is none to bring back (any more). */
  restore: (deviceId: string) => Promise<KnownDevice | Refusal | undefined>
  /** A note that was written elsewhere; returns what must be published. */
  follow: (deviceId: string, body: string | undefined) => { type: 'forgotten' | 'states', data: string } | undefined
  /** Whether a message is one that a forgotten device must not come back for; its own word makes it a new device. */
  ignores: (message: Telemetry | DeviceStatusChange) => boolean
  stop: () => void
}

/** The kind of its documents. */
export const FORGOTTEN = 'forgotten'
const RETRY_MS = 5_000
const NoteSchema = z.object({ until: z.number(), gone: z.literal(true).optional() })

/** `timer` is undefined while something is being done about it. */
interface Pending { until: number, timer: NodeJS.Timeout | undefined }

export function createDeviceDeletion(parts: DeviceDeletionParts): DeviceDeletion {
  const { fleet, registry, hub, history, documents } = parts
  const pending = new Map<string, Pending>()
  /** Devices that are gone, oldest first. */
  const gone = new Set<string>()

  function arm(deviceId: string, until: number, inMs: number) {
    const timer = setTimeout(() => void erase(deviceId), Math.max(0, inMs))
    timer.unref()
    pending.set(deviceId, { until, timer })
  }

  function hide(deviceId: string, until: number) {
    fleet.hide(deviceId)
    arm(deviceId, until, until - Date.now())
  }

  async function note(deviceId: string, body: object | null): Promise<Refusal | undefined> {
    try {
      await documents.write([{ kind: FORGOTTEN, name: deviceId, body: body && JSON.stringify(body) }])
      return undefined
    }
    catch (error) {
      return { code: 'registry-unavailable', message: error instanceof Error ? error.message : 'It cannot be stored.' }
    }
  }

  /** The end of what is in memory, at once with the transaction. */
  function drop(deviceId: string) {
    pending.delete(deviceId)
    const place = fleet.drop(deviceId)
    if (place !== undefined) parts.counters.clear(place, deviceId)
    parts.presence.forget(deviceId)
    parts.recent.forget(deviceId)
    remember(deviceId)
  }

  function remember(deviceId: string) {
    gone.add(deviceId)
    for (const oldest of gone) {
      if (gone.size <= parts.maxRemembered) break
      gone.delete(oldest)
      void note(oldest, null)
    }
  }

  async function erase(deviceId: string) {
    const held = pending.get(deviceId)
    if (!held) return
    if (parts.isOurs?.() === false) return arm(deviceId, held.until, RETRY_MS)
    held.timer = undefined
    const mark: DocumentChange = { kind: FORGOTTEN, name: deviceId, body: JSON.stringify({ until: held.until, gone: true }) }
    const refused = await registry.forget(deviceId, async (changes) => {
      if (history) return history.forget(deviceId, [...changes, mark], () => drop(deviceId))
      await documents.write([...changes, mark])
      drop(deviceId)
    })
    // The store reports why. Until it works again nothing has happened.
    if (refused && pending.has(deviceId)) arm(deviceId, held.until, RETRY_MS)
  }

  function stop() {
    for (const { timer } of pending.values()) clearTimeout(timer)
    pending.clear()
  }

  return {
    load() {
      stop()
      gone.clear()
      const notes = documents.all(FORGOTTEN).flatMap(({ name, body }) => {
        const { data } = NoteSchema.safeParse(readJson(body))
        return data ? [{ name, ...data }] : []
      })
      for (const { name, until, gone: isGone } of notes.sort((a, b) => a.until - b.until)) {
        if (!isGone) hide(name, until)
        // It has come back since, and the note could not be deleted.
        else if (!fleet.get(name)) remember(name)
      }
    },
    async forget(deviceId) {
      const isKnown = () => fleet.get(deviceId) !== undefined || Object.keys(registry.get(deviceId)).length > 1
      if (!pending.has(deviceId)) {
        if (!isKnown()) return undefined
        const until = Date.now() + parts.undoMs
        const refused = await note(deviceId, { until })
        if (refused) return refused
        if (!pending.has(deviceId)) {
          hide(deviceId, until)
          hub.publish('forgotten', deviceId, JSON.stringify(toForgotten(deviceId, until)))
        }
      }
      return toForgotten(deviceId, pending.get(deviceId)?.until ?? Date.now())
    },
    async restore(deviceId) {
      const held = pending.get(deviceId)
      if (!held?.timer) return undefined
      clearTimeout(held.timer)
      held.timer = undefined
      const refused = await note(deviceId, null)
      if (refused) {
        arm(deviceId, held.until, held.until - Date.now())
        return refused
      }
      pending.delete(deviceId)
      if (fleet.show(deviceId)) hub.publish('states', deviceId, JSON.stringify([fleet.get(deviceId)]))
      return registry.get(deviceId)
    },
    follow(deviceId, body) {
      const note = body === undefined ? undefined : NoteSchema.safeParse(readJson(body)).data
      if (note?.gone) return void drop(deviceId)
      if (note) {
        if (!pending.has(deviceId)) hide(deviceId, note.until)
        return { type: 'forgotten', data: JSON.stringify(toForgotten(deviceId, note.until)) }
      }
      gone.delete(deviceId)
      const held = pending.get(deviceId)
      clearTimeout(held?.timer)
      pending.delete(deviceId)
      if (held) fleet.show(deviceId)
      const device = fleet.get(deviceId)
      return device && held ? { type: 'states', data: JSON.stringify([device]) } : undefined
    },
    ignores(message) {
      if (gone.size === 0 || !gone.has(message.deviceId)) return false
      if (!isSignOfLife(message)) return true
      gone.delete(message.deviceId)
      void note(message.deviceId, null)
      return false
    },
    stop,
  }
}

function toForgotten(deviceId: string, until: number): ForgottenDevice {
  return { deviceId, until: new Date(until).toISOString(), undoSeconds: Math.max(0, until - Date.now()) / 1_000 }
}
