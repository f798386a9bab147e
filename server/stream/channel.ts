import { scopeKey } from '#shared/device/device-scope'
import { isAddition, isOfState, keyOf } from './event-log'
import type { EventLog, LiveEvent, Missed } from './event-log'
import type { Frame } from './frames'
import { isIn, wantedBy } from './subscription-filter'
import type { Grouping, ScopedSubscription } from './subscription-filter'
import { hasAppeared, seenOf, tagOf } from './scope-filter'

/** What a client asked for, limited to what it may see. */
export interface StreamOptions extends ScopedSubscription {
  /** Events carry ids, and the client knows all event types, not only the basic ones. */
  extended: boolean
  mode: 'every' | 'latest'
  /** Least time between two deliveries in milliseconds; 0: one delivery per event-loop turn. */
  everyMs: number
}

/** Events for all clients that asked for the same; encoded when the first of them can take them. */
export interface ChannelDelivery { events: readonly LiveEvent[], frames: () => Frame[] }

export interface ChannelParts {
  log: EventLog
  grouping: Grouping
  /** States of devices as a JSON array. */
  statesText: (deviceIds: Iterable<string>) => string
  /** The latest state of devices, in a form that these clients know. */
  catchUp: (deviceIds: readonly string[]) => Frame[]
  /** The broker's state as clients that do not see every device may know it. */
  broker: () => string
  deliver: (delivery: ChannelDelivery) => void
}

/** A batch leaves early when it holds this many events. */
const BATCH_EVENTS = 10_000

/** Clients with equal keys share a channel. */
export function channelKey({ extended, mode, everyMs, devices, groups, deviceScope }: StreamOptions): string {
  const [deviceIds, groupNames] = [devices && [...devices].sort(), groups && [...groups].sort()]
  return JSON.stringify([extended, mode, everyMs, deviceIds, groupNames, scopeKey(deviceScope)])
}

/** One way to deliver events: which, how often, in what form. */
export function createChannel(
  { extended, mode, everyMs, devices, groups, deviceScope }: StreamOptions,
  { log, grouping, statesText, catchUp, broker, deliver }: ChannelParts,
) {
  const wants = wantedBy({ devices, groups, deviceScope }, grouping)
  const tag = tagOf(deviceScope)
  let waiting: LiveEvent[] = []
  // With `latest`: the last event of each key.
  const latest = new Map<string, LiveEvent>()
  let timer: NodeJS.Timeout | undefined
  let lastFlush = -Infinity
  // The last event that was offered to this channel.
  let seen = log.last()

  function idOf(n: number): string {
    return tag === undefined ? log.idOf(n) : `${log.idOf(n)}.${tag}`
  }

  function frames(events: readonly LiveEvent[]): Frame[] {
    const joined = joinedOf(events)
    if (mode === 'latest') return latestFrames(events, joined)
    const known = extended ? events : events.filter(event => !isAddition(event))
    const framesOfKnown = everyMs > 0 ? batchFrames(known) : known.map(frameOf)
    // First and without an id: a client that loses the connection after it gets it again.
    return joined.length === 0 ? framesOfKnown : [...catchUp(joined), ...framesOfKnown]
  }

  /** Devices that have just joined a wanted group, or may be seen only now: the client knows nothing of them yet. */
  function joinedOf(events: readonly LiveEvent[]): string[] {
    if (!groups && !deviceScope) return []
    return events.flatMap((event) => {
      const { type, deviceId } = event
      if (type !== 'device' || deviceId === undefined || wants?.(deviceId) === false) return []
      const hasJoined = groups
        ? isIn(groups, grouping.groupOf(deviceId))
        : deviceScope && hasAppeared(event, deviceScope)
      return hasJoined ? deviceId : []
    })
  }

  function frameOf({ n, type, data }: LiveEvent): Frame {
    const id = idOf(n)
    return { id, text: extended ? `{"type":"${type}","id":"${id}","data":${data}}` : `{"type":"${type}","data":${data}}` }
  }

  /** Runs of telemetry as one frame each; other events keep their place in between. */
  function batchFrames(events: readonly LiveEvent[]): Frame[] {
    const built: Frame[] = []
    let run: LiveEvent[] = []
    function endRun() {
      const last = run.at(-1)
      if (!last) return
      const id = idOf(last.n)
      built.push({ id, text: `{"type":"batch","id":"${id}","data":[${run.map(({ data }) => data).join()}]}` })
      run = []
    }
    for (const event of events) {
      if (event.type === 'telemetry') {
        run.push(event)
        continue
      }
      endRun()
      built.push(frameOf(event))
    }
    endRun()
    return built
  }

  /**
   * One delivery: only its last frame has an id. A client that loses the connection before it has not had the rest.
   */
  function latestFrames(events: readonly LiveEvent[], joined: readonly string[]): Frame[] {
    const changed = new Set([...events.filter(isOfState).flatMap(({ deviceId }) => deviceId ?? []), ...joined])
    // Some may have moved meanwhile to where they may not be seen.
    if (deviceScope && wants) for (const deviceId of changed) if (!wants(deviceId)) changed.delete(deviceId)
    const parts = [
      // A device that was deleted and has come back is among the states.
      ...events.filter(({ type }) => type === 'forgotten'),
      ...(changed.size === 0 ? [] : [{ type: 'states', data: statesText(changed) }]),
      ...events.filter(event => !isOfState(event) && event.type !== 'forgotten'),
    ]
    const id = idOf(seen)
    return parts.map(({ type, data }, i) => i < parts.length - 1
      ? { text: `{"type":"${type}","data":${data}}` }
      : { id, text: `{"type":"${type}","id":"${id}","data":${data}}` })
  }

  /** The events of a turn for this channel. Labels and groups go to every client, for every list shows names. */
  function wantedOf(events: readonly LiveEvent[]): readonly LiveEvent[] {
    if (extended && !wants) return events
    if (deviceScope) {
      return seenOf(events, deviceScope, grouping, broker)
        .filter(event => !isOfState(event) || wants?.(event.deviceId ?? '') === true)
    }
    return events.filter(event => isOfState(event) ? wants?.(event.deviceId ?? '') ?? true : extended || !isAddition(event))
  }

  function flush() {
    clearTimeout(timer)
    timer = undefined
    const events = mode === 'latest' ? [...latest.values()] : waiting
    waiting = []
    latest.clear()
    if (events.length === 0) return
    lastFlush = performance.now()
    deliver({ events, frames: () => frames(events) })
  }

  return {
    /** Takes the events of a turn. */
    offer(events: readonly LiveEvent[]) {
      seen = events.at(-1)?.n ?? seen
      const wanted = wantedOf(events)
      if (wanted.length === 0) return
      if (everyMs === 0) return deliver({ events: wanted, frames: () => frames(wanted) })
      if (mode === 'latest') {
        for (const event of wanted) latest.set(keyOf(event), event)
      }
      else {
        for (const event of wanted) waiting.push(event)
      }
      if (waiting.length >= BATCH_EVENTS) return flush()
      // The first change after a pause is sent at once, or with its batch.
      const rest = mode === 'latest' ? lastFlush + everyMs - performance.now() : everyMs
      if (rest <= 0) flush()
      else timer ??= setTimeout(flush, rest)
    },
    /** Delivers what waits; also ends the channel. */
    flush,
    /** The id of an event for clients of this channel. */
    idOf,
    /** The events after an id that a client names. An id from other rights is refused: it belongs to other devices. */
    after(id: string): Missed | { reason: 'other-rights' } {
      return id.split('.')[2] === tag ? log.after(id) : { reason: 'other-rights' }
    },
    /** What a client has missed, in this channel's form, and the number of events. */
    missed(events: readonly LiveEvent[]): { frames: Frame[], count: number } {
      const wanted = wantedOf(events)
      // How many events others have missed is not public.
      return { frames: frames(wanted), count: deviceScope ? wanted.length : events.length }
    },
  }
}
export type Channel = ReturnType<typeof createChannel>
