// Owns replays: the fleet at a past time, and streams that play from there with the events of the live stream.
// Promises that a replay that cannot be read or sent as fast as requested becomes slower, and that no number of
// replays blocks the event loop or grows without limit. Never writes anything, never touches the live fleet.
import type { DeviceState } from '#shared/schemas/device'
import type { StreamEvent, StreamRequest } from '#shared/schemas/events'
import type { WantedReplay } from '../stream/request'
import type { StreamOptions } from '../stream/channel'
import type { StreamClient } from '../stream/subscriber'
import { createPastPresence } from './presence'
import { createReplaySession } from './session'
import type { ReplayOptions, ReplaySession } from './session'
import { pastDeviceState } from './past-device-state'

export interface ReplaysOptions extends ReplayOptions {
  /** Replays, and queries for a past time, at once. */
  mostReplays: number
}

export interface Replays {
  add: (client: StreamClient, options: StreamOptions, wanted: WantedReplay) => void
  has: (clientId: string) => boolean
  remove: (clientId: string) => void
  request: (clientId: string, request: StreamRequest) => void
  /** The earliest time that can be shown, in microseconds since 1970; undefined: there is none. */
  earliest: () => Promise<number | undefined>
  /** The devices at a time (microseconds since 1970), all or some; undefined: too many queries at once. */
  devicesAt: (at: number, deviceIds?: readonly string[]) => Promise<DeviceState[] | undefined>
  /** The labels of some devices have changed. */
  reconsider: () => void
  /** Whether as many are running as are allowed. */
  isBusy: () => boolean
  size: () => number
  /** Ends every replay: the server stops. */
  stop: () => void
}

/** Often enough for a screen; slower updates would be visible as jumps. */
const TICK_MS = 25
const PING_EVERY_MS = 20_000
const CLOSE_CANNOT_GO_ON = 1011
const CLOSE_RESTART = 1012
const CLOSE_TRY_LATER = 1013

const BUSY = JSON.stringify({ type: 'error', data: { code: 'replays-busy', message: 'As many replays are running as are allowed.' } } satisfies StreamEvent)

interface Watched { session: ReplaySession, heard: number | undefined }

export function createReplays(options: ReplaysOptions): Replays {
  const sessions = new Map<string, Watched>()
  let questions = 0
  let ticking: NodeJS.Timeout | undefined
  let pinging: NodeJS.Timeout | undefined

  function isBusy(): boolean {
    return sessions.size + questions >= options.mostReplays
  }

  function remove(clientId: string) {
    sessions.get(clientId)?.session.close()
    sessions.delete(clientId)
    if (sessions.size > 0) return
    clearInterval(ticking)
    clearInterval(pinging)
    ticking = pinging = undefined
  }

  function drop(client: StreamClient, code: number, reason: string) {
    remove(client.id)
    close(client, code, reason)
  }

  function tick() {
    for (const { session } of sessions.values()) session.tick()
  }

  /** A client that has sent nothing since the last ping is closed. */
  function ping() {
    for (const watched of sessions.values()) {
      const { client } = watched.session
      const heard = client.receivedBytes()
      if (heard !== undefined && heard === watched.heard) {
        drop(client, CLOSE_TRY_LATER, 'no answer to a ping')
        continue
      }
      watched.heard = heard
      client.write(client.framing.ping)
    }
  }

  return {
    add(client, stream, wanted) {
      if (isBusy()) {
        client.write(client.framing.join([{ text: BUSY }]))
        return close(client, CLOSE_TRY_LATER, 'too many replays')
      }
      const session = createReplaySession(client, stream, options, () => drop(client, CLOSE_CANNOT_GO_ON, 'the history cannot be read'))
      sessions.set(client.id, { session, heard: undefined })
      ticking ??= setInterval(tick, TICK_MS).unref()
      pinging ??= setInterval(ping, PING_EVERY_MS).unref()
      session.start(wanted)
    },
    has: clientId => sessions.has(clientId),
    remove,
    request: (clientId, request) => sessions.get(clientId)?.session.request(request),
    earliest: () => options.past().earliest(),
    async devicesAt(at, deviceIds) {
      if (isBusy()) return undefined
      questions++
      try {
        const presence = createPastPresence(options.intervalOf)
        const devices: DeviceState[] = []
        await options.past().devicesAt(at, deviceIds, (deviceId, moment) => {
          const change = presence.begin(deviceId, moment.times.map(time => time / 1_000), at / 1_000)
          devices.push(pastDeviceState(deviceId, moment, at, options.now(deviceId), change))
        }, () => true)
        return devices
      }
      finally {
        questions--
      }
    },
    reconsider() {
      for (const { session } of sessions.values()) session.reconsider()
    },
    isBusy,
    size: () => sessions.size,
    stop() {
      for (const { session } of sessions.values()) drop(session.client, CLOSE_RESTART, 'the server is restarting')
    },
  }
}

function close(client: StreamClient, code: number, reason: string) {
  try {
    client.close(code, reason)
  }
  catch {
    // It is closed already.
  }
}
