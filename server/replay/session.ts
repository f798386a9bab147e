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
  /** @throws while no history can be read. */
  past: () => HistoryReader
  /** Why nothing can be shown of a moment (microseconds since 1970). */
  faultOf: (at: number) => Promise<{ code: string, message: string } | undefined>
  /** Messages that one replay holds ahead. */
  most: number
  /** Beyond so many waiting bytes a client is slow, and its replay waits. */
  bufferBytes: number
  /** A device as it is today. */
  now: (deviceId: string) => DeviceState | undefined
  intervalOf: (deviceId: string) => number | undefined
  /** Who is in which group today. */
  grouping: Grouping
  /** How things stand besides the devices, as the data of a `broker` event; `isLimited`: for somebody who may not see every device. */
  broker: (isLimited: boolean) => string
}

const CLOCK_EVERY_MS = 250
const IDLE_CLOCK_EVERY_MS = 10_000
/** Requests that wait for the one being answered; of jumps only the last does. */
const MOST_WAITING = 16
const TOO_MANY = textOf({ type: 'error', data: { code: 'request-refused', message: `${MOST_WAITING} requests are waiting for an answer already.` } })

const NONE: ReadonlySet<string> = new Set()

/** One client that watches the past. `fail` is called when it cannot go on. */
export function createReplaySession(client: StreamClient, stream: StreamOptions, { past, faultOf, most, bufferBytes, now, intervalOf, grouping, broker }: ReplayOptions, fail: () => void) {
  /** What was asked for last. */
  let interest: Subscription = stream
  let devices = devicesOf(stream, grouping)
  let isOpen = true
  /** Whether there is a moment to go on from. */
  let isShown = false
  let clockToldMs = 0
  // One thing after the other: the next begins when the one before is told.
  let work = Promise.resolve()
  let waiting = 0
  /** The jump that waits; the last of several counts. */
  let sought: WantedReplay | undefined

  const cursor = createMessageCursor({ past, most, isOpen: () => isOpen })
  const playback = createPlaybackClock(cursor)
  const presence = createPastPresence(intervalOf)

  function say(texts: readonly string[]) {
    if (isOpen && texts.length > 0) client.write(client.framing.join(texts.map(text => ({ text }))))
  }

  function clockText(): string {
    clockToldMs = Date.now()
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

  /** The devices that are followed at the moment of the clock, as a JSON array. */
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
      if (fault) return say([textOf({ type: 'error', data: { code: fault.code, message: fault.message } })])
      playback.go(at, devices)
      isShown = true
      const states = await statesText(isWanted)
      if (!isWanted()) return
      if (speed > 0) playback.play(speed)
      else playback.hold()
      say([
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

  /** From now on these devices: after `texts` comes what is known of them at the moment of the clock. */
  function follow(chosen: ReadonlySet<string> | undefined, texts: readonly string[]) {
    devices = chosen
    cursor.interrupt()
    void queue(async () => {
      if (isShown) playback.go(playback.at(), devices)
      const states = isShown ? await statesText(() => isOpen) : '[]'
      playback.hold()
      say([...texts, `{"type":"states","data":${states}}`])
    })
  }

  async function step() {
    if (!isShown) return
    const messages = await playback.step()
    say([...telemetryTexts(messages), ...presenceTexts(), clockText()])
  }

  /** Does something after everything before it. */
  function queue(act: () => Promise<void> | void): Promise<void> {
    waiting++
    return work = work.then(async () => {
      try {
        if (isOpen) await act()
      }
      catch {
        // The store was closed or has failed; it says so itself.
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
    const isDue = !playback.isPlaying() || Date.now() - clockToldMs >= CLOCK_EVERY_MS
    say(isDue ? [...texts, clockText()] : texts)
  }

  return {
    client,
    start: seek,
    /** Called all the time: moves on as far as the clock has. */
    tick() {
      if (waiting > 0) return
      if (playback.isPlaying()) void queue(advance)
      else if (clockToldMs > 0 && Date.now() - clockToldMs >= IDLE_CLOCK_EVERY_MS) say([clockText()])
    },
    request(request: StreamRequest) {
      if (request.type === 'ping') return say([textOf({ type: 'pong' })])
      if (request.type === 'seek') return seek({ at: toMicroseconds(request.at), speed: 0 })
      if (waiting >= MOST_WAITING) return say([TOO_MANY])
      if (request.type === 'subscribe') return subscribe(subscriptionOf(request))
      if (request.type === 'step') return void queue(step)
      void queue(() => {
        if (!isShown) return
        if (request.type === 'play') playback.play(request.speed)
        else playback.pause()
        say([clockText()])
      })
    },
    /** Devices belong elsewhere now: what may not be seen any more is withdrawn at once, what may be seen only now is shown. */
    reconsider() {
      if (!stream.deviceScope) return
      const before = devices ?? NONE
      const now = devicesOf({ ...interest, deviceScope: stream.deviceScope }, grouping)
      if (!now || (now.size === before.size && before.isSubsetOf(now))) return
      say([...before.difference(now)].map(deviceId => textOf({ type: 'withdrawn', data: { deviceId } })))
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
