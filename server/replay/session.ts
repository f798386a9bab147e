import type { DeviceState, PresenceChange } from '#shared/schemas/device'
import type { StreamEvent, StreamRequest } from '#shared/schemas/events'
import { toMicroseconds } from '#shared/time/time'
import type { ScannedMessage } from '../history/queries/range-scan'
import type { HistoryReader } from '../history/queries/history-reader'
import { fromStored } from '../history/engine/records'
import { devicesOf, subscriptionOf } from '../stream/subscription-filter'
import type { Grouping, Subscription } from '../stream/subscription-filter'
import type { WantedReplay } from '../stream/request'
import type { StreamOptions } from '../stream/channel'
import type { StreamClient } from '../stream/subscriber'
import { createPlaybackClock } from './playback-clock'
import { createPastPresence } from './presence'
import { createMessageCursor } from './message-cursor'
import { pastDeviceState } from './past-device-state'

export interface ReplayOptions {
  /** @throws while the history cannot be read. */
  past: () => HistoryReader
  /** Why a time (microseconds since 1970) cannot be shown. */
  faultOf: (at: number) => Promise<{ code: string, message: string } | undefined>
  /** Messages that one replay reads ahead. */
  most: number
  /** With more waiting bytes a client is slow, and its replay waits. */
  bufferBytes: number
  /** A device as it is today. */
  now: (deviceId: string) => DeviceState | undefined
  intervalOf: (deviceId: string) => number | undefined
  /** The present members of groups. */
  grouping: Grouping
  /** The broker's state as the data of a `broker` event; `isLimited`: for a client that may not see every device. */
  broker: (isLimited: boolean) => string
}

const CLOCK_EVERY_MS = 250
const IDLE_CLOCK_EVERY_MS = 10_000
/** Requests that wait for the running one; of several jumps only the last runs. */
const MOST_WAITING = 16
const TOO_MANY = textOf({ type: 'error', data: { code: 'request-refused', message: `${MOST_WAITING} requests are waiting for an answer already.` } })

const NONE: ReadonlySet<string> = new Set()

/** One client of a replay. `fail` is called when it cannot continue. */
export function createReplaySession(client: StreamClient, stream: StreamOptions, { past, faultOf, most, bufferBytes, now, intervalOf, grouping, broker }: ReplayOptions, fail: () => void) {
  /** The last requested position. */
  let interest: Subscription = stream
  let devices = devicesOf(stream, grouping)
  let isOpen = true
  /** Whether there is a position to continue from. */
  let isShown = false
  let clockSentMs = 0
  // One action after the other: the next begins when the one before is sent.
  let work = Promise.resolve()
  let waiting = 0
  /** The waiting jump; the last of several counts. */
  let sought: WantedReplay | undefined

  const cursor = createMessageCursor({ past, most, isOpen: () => isOpen })
  const playback = createPlaybackClock(cursor)
  const presence = createPastPresence(intervalOf)

  function send(texts: readonly string[]) {
    if (isOpen && texts.length > 0) client.write(client.framing.join(texts.map(text => ({ text }))))
  }

  function clockText(): string {
    clockSentMs = Date.now()
    return textOf({ type: 'clock', data: playback.clock() })
  }

  function telemetryTexts(messages: readonly ScannedMessage[]): string[] {
    const reader = past()
    // What was read ahead may be of devices that are not followed any more.
    const followed = messages.filter(({ device }) => devices?.has(reader.nameOf(device)) !== false)
    const bodies = followed.map(({ device, message }) => {
      const telemetry = fromStored(reader.nameOf(device), message)
      presence.heard(telemetry.deviceId, message.time / 1_000)
      return JSON.stringify(telemetry)
    })
    if (stream.everyMs > 0) return bodies.length > 0 ? [`{"type":"batch","data":[${bodies.join()}]}`] : []
    return bodies.map(body => `{"type":"telemetry","data":${body}}`)
  }

  function presenceTexts(): string[] {
    return presence.changes(playback.at() / 1_000).filter(({ deviceId }) => devices?.has(deviceId) !== false).map(data => textOf({ type: 'presence', data }))
  }

  /** The followed devices at the time of the clock, as a JSON array. */
  async function statesText(isWanted: () => boolean): Promise<string> {
    const at = playback.at()
    const texts: string[] = []
    presence.clear()
    await past().devicesAt(at, devices && [...devices], (deviceId, moment) => {
      // It may have been withdrawn meanwhile.
      if (devices?.has(deviceId) === false) return
      const change: PresenceChange = presence.begin(deviceId, moment.times.map(time => time / 1_000), at / 1_000)
      texts.push(JSON.stringify(pastDeviceState(deviceId, moment, at, now(deviceId), change)))
    }, isWanted)
    return `[${texts.join()}]`
  }

  function seek(wanted: WantedReplay) {
    const isWaiting = sought !== undefined
    sought = wanted
    cursor.interrupt()
    if (isWaiting) return
    void queue(async () => {
      const { at, speed } = sought ?? wanted
      sought = undefined
      const isWanted = () => isOpen && sought === undefined
      const fault = await faultOf(at)
      if (fault) return send([textOf({ type: 'error', data: { code: fault.code, message: fault.message } })])
      playback.go(at, devices)
      isShown = true
      const states = await statesText(isWanted)
      if (!isWanted()) return
      if (speed > 0) playback.play(speed)
      else playback.hold()
      send([
        `{"type":"snapshot","data":${states}}`,
        `{"type":"broker","data":${broker(stream.deviceScope !== undefined)}}`,
        clockText(),
      ])
    })
  }

  function subscribe(wanted: Subscription) {
    interest = wanted
    const isAll = !wanted.devices && !wanted.groups
    const chosen = devicesOf({ ...wanted, deviceScope: stream.deviceScope }, grouping)
    follow(chosen, [textOf({ type: 'subscribed', data: { devices: isAll ? null : chosen?.size ?? null, groups: wanted.groups?.size } })])
  }

  /** From now on these devices: after `texts` the client gets their state at the time of the clock. */
  function follow(chosen: ReadonlySet<string> | undefined, texts: readonly string[]) {
    devices = chosen
    cursor.interrupt()
    void queue(async () => {
      if (isShown) playback.go(playback.at(), devices)
      const states = isShown ? await statesText(() => isOpen) : '[]'
      playback.hold()
      send([...texts, `{"type":"states","data":${states}}`])
    })
  }

  async function step() {
    if (!isShown) return
    const messages = await playback.step()
    send([...telemetryTexts(messages), ...presenceTexts(), clockText()])
  }

  /** Runs after all earlier actions. */
  function queue(act: () => Promise<void> | void): Promise<void> {
    waiting++
    return work = work.then(async () => {
      try {
        if (isOpen) await act()
      }
      catch {
        // The store was closed or has failed; it reports that itself.
        if (isOpen) fail()
      }
      finally {
        waiting--
      }
    })
  }

  async function advance() {
    if (client.bufferedBytes() > bufferBytes) return playback.hold()
    const messages = await playback.tick()
    const texts = [...telemetryTexts(messages), ...presenceTexts()]
    const isDue = !playback.isPlaying() || Date.now() - clockSentMs >= CLOCK_EVERY_MS
    send(isDue ? [...texts, clockText()] : texts)
  }

  return {
    client,
    start: seek,
    /** Called periodically: moves on as far as the clock has. */
    tick() {
      if (waiting > 0) return
      if (playback.isPlaying()) void queue(advance)
      else if (clockSentMs > 0 && Date.now() - clockSentMs >= IDLE_CLOCK_EVERY_MS) send([clockText()])
    },
    request(request: StreamRequest) {
      if (request.type === 'ping') return send([textOf({ type: 'pong' })])
      if (request.type === 'seek') return seek({ at: toMicroseconds(request.at), speed: 0 })
      if (waiting >= MOST_WAITING) return send([TOO_MANY])
      if (request.type === 'subscribe') return subscribe(subscriptionOf(request))
      if (request.type === 'step') return void queue(step)
      void queue(() => {
        if (!isShown) return
        if (request.type === 'play') playback.play(request.speed)
        else playback.pause()
        send([clockText()])
      })
    },
    /**
     * Labels have changed: devices that may not be seen any more are withdrawn at once, newly visible ones are shown.
     */
    reconsider() {
      if (!stream.deviceScope) return
      const before = devices ?? NONE
      const now = devicesOf({ ...interest, deviceScope: stream.deviceScope }, grouping)
      if (!now || (now.size === before.size && before.isSubsetOf(now))) return
      send([...before.difference(now)].map(deviceId => textOf({ type: 'withdrawn', data: { deviceId } })))
      follow(now, [])
    },
    close() {
      isOpen = false
      cursor.interrupt()
    },
  }
}
export type ReplaySession = ReturnType<typeof createReplaySession>

function textOf(event: StreamEvent): string {
  return JSON.stringify(event)
}
