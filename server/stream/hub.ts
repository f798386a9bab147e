// Owns the open event streams. Promises every client the snapshot (or what it missed) first, then every event in
// order; an event is encoded once for all clients that asked for the same. A client that cannot keep up gets the
// latest state of each device and a notice. A client that reads nothing is closed. No client can delay another. Never
// interprets an event.
import type { StreamEvent, StreamRequest } from '#shared/schemas/events'
import { createKeepalive, CLOSE_REASONS } from './keepalive'
import type { ClosedClient, WatchedClient } from './keepalive'
import { createEventLog } from './event-log'
import type { LiveEvent, LiveType, Move, Numbering } from './event-log'
import type { Frame, Framing } from './frames'
import { devicesOf, subscriptionOf, wantedBy } from './subscription-filter'
import type { Grouping, Subscription } from './subscription-filter'
import { createChannel, channelKey } from './channel'
import type { ChannelDelivery, Channel, StreamOptions } from './channel'
import { createSubscriber } from './subscriber'
import type { StreamClient, Subscriber } from './subscriber'
import { createStreamStats } from './stream-stats'
import type { StreamCounts } from './stream-stats'

export interface HubOptions {
  maxClients: number
  maxClientsPerAddress: number
  /** Bytes that may wait for one client before its events are merged. */
  maxBufferedBytes: number
  /** Bytes that may wait for all slow clients together before each gets only {@link CROWDED} of its own limit. */
  maxWaitingBytes: number
  stuckMs: number
  /** Bytes of events that are stored for clients that reconnect. */
  logBudget: number
  states: StatesSource
  grouping: Grouping
  /** Where event numbers come from, if not from here. */
  numbering?: Numbering
  /** The broker's state as the data of a `broker` event; `isLimited`: for a client that may not see every device. */
  broker: (isLimited: boolean) => string
}

/** The states of devices as JSON. */
export interface StatesSource {
  /** All of them, as a JSON array. */
  all: () => Buffer
  /** Of these, as far as they are known, as a JSON array. */
  of: (deviceIds: Iterable<string>) => string
  /** The latest of one device as basic events: the data of a `telemetry` and of a `state` event. */
  latest: (deviceId: string) => { type: LiveType, data: string }[]
}

export interface Hub {
  /**
   * `after`: the id of the last event that a client has. False: there are too many clients, and it has been closed.
   */
  add: (client: StreamClient, options: StreamOptions, after?: string) => boolean
  /** Which limit leaves no room for another client from this address, if any. */
  limitReachedFor: (address: string) => 'all' | 'address' | undefined
  remove: (clientId: string) => void
  /** Answers a request of a client. */
  request: (clientId: string, request: StreamRequest) => void
  /** Publishes an event whose data is encoded already; a `device` event says where the device was and is. */
  publish: (type: LiveType, deviceId: string | undefined, data: string, moved?: Move) => void
  /** Sends what was published so far; otherwise that happens at the end of the event-loop turn. */
  flush: () => void
  /** The number in the id of an event; NaN: the id is not from this server. */
  numberOf: (id: string) => number
  /** With numbers from outside: events begin after one, or everything up to one has been published. */
  begin: (n: number) => void
  passed: (n: number) => void
  size: () => number
  counts: () => StreamCounts
  /** Starts polling for slow and dead clients. */
  start: () => void
  /** Ends every stream: the server stops, and clients should reconnect. */
  stop: () => void
}

const CLOSE_TRY_LATER = 1013
const CLOSE_RESTART = 1012
const CROWDED = 1 / 8
interface ChannelGroup { channel: Channel, members: Set<Subscriber> }
interface Member extends WatchedClient { group: ChannelGroup }

export function createHub(options: HubOptions): Hub {
  const { grouping } = options
  const log = createEventLog(options.logBudget, options.numbering)
  const members = new Map<string, Member>()
  const groups = new Map<string, ChannelGroup>()
  const perAddress = new Map<string, number>()
  const stats = createStreamStats()
  const keepalive = createKeepalive({ members, attempt, giveUp, heartbeat })
  const limits = {
    bufferBytes: () => options.maxBufferedBytes * (keepalive.waitingBytes() < options.maxWaitingBytes ? 1 : CROWDED),
    stuckMs: options.stuckMs,
    onMerged: stats.merge,
  }
  // The events of this event-loop turn: they are sent together, in one write per client.
  let turn: LiveEvent[] = []

  function endTurn() {
    if (turn.length === 0) return
    const events = turn
    turn = []
    stats.publish(events.length)
    log.add(events)
    for (const { channel } of groups.values()) channel.offer(events)
  }

  function groupOf(wanted: StreamOptions): ChannelGroup {
    const key = channelKey(wanted)
    const held = groups.get(key)
    if (held) return held
    const members = new Set<Subscriber>()
    const channel = createChannel(wanted, {
      log,
      grouping,
      statesText: options.states.of,
      catchUp: deviceIds => catchUp(deviceIds, wanted),
      broker: () => options.broker(true),
      deliver: delivery => deliver(members, delivery),
    })
    const group = { members, channel }
    groups.set(key, group)
    return group
  }

  function deliver(receivers: Set<Subscriber>, { events, frames }: ChannelDelivery) {
    const made = new Map<Framing, Buffer>()
    function bytesFor(framing: Framing): Buffer {
      const held = made.get(framing)
      if (held) return held
      const bytes = framing.join(frames())
      made.set(framing, bytes)
      return bytes
    }
    stats.offer(events.length, receivers.size)
    // Nothing is allocated per client here: a message may go to thousands.
    for (const subscriber of receivers) {
      try {
        if (!subscriber.deliver(bytesFor, events)) keepalive.add(subscriber)
      }
      catch {
        giveUp(subscriber, 'failed')
      }
    }
  }

  /** A client that fails affects no other. */
  function attempt(subscriber: Subscriber, act: () => void) {
    try {
      act()
    }
    catch {
      giveUp(subscriber, 'failed')
    }
  }

  function catchUp(deviceIds: readonly string[], wanted: StreamOptions): Frame[] {
    // A device that has left a group is not wanted any more, or may not be seen.
    const still = deviceIds.filter(wantedBy(wanted, grouping) ?? (() => true))
    if (wanted.extended) return [{ text: `{"type":"states","data":${options.states.of(still)}}` }]
    return still.flatMap(options.states.latest).map(({ type, data }) => ({ text: `{"type":"${type}","data":${data}}` }))
  }

  /** From now on a client gets what its channel delivers; what waits there is older. */
  function join(subscriber: Subscriber): ChannelGroup {
    const group = groupOf(subscriber.options)
    group.channel.flush()
    group.members.add(subscriber)
    return group
  }

  function leave(subscriber: Subscriber, { channel, members }: ChannelGroup) {
    members.delete(subscriber)
    if (members.size > 0) return
    channel.flush()
    groups.delete(channelKey(subscriber.options))
  }

  function remove(clientId: string) {
    const member = members.get(clientId)
    if (!member) return
    const { subscriber, group } = member
    members.delete(clientId)
    keepalive.remove(subscriber)
    leave(subscriber, group)
    const { address } = subscriber.client
    const others = (perAddress.get(address) ?? 1) - 1
    if (others > 0) perAddress.set(address, others)
    else perAddress.delete(address)
  }

  function drop({ client }: Subscriber, code: number, reason: string) {
    remove(client.id)
    close(client, code, reason)
  }

  function giveUp(subscriber: Subscriber, why: ClosedClient) {
    stats.giveUp(why)
    drop(subscriber, CLOSE_TRY_LATER, CLOSE_REASONS[why])
  }

  function sendInitial(subscriber: Subscriber, after: string | undefined) {
    const { client, options: wanted } = subscriber
    const { channel } = groupOf(wanted)
    const last = channel.idOf(log.last())
    const id = wanted.extended ? last : undefined
    const missed = after ? channel.after(after) : undefined
    const broker = frameOf('broker', options.broker(wanted.deviceScope !== undefined), id)
    if (missed && 'events' in missed) {
      const { frames, count } = channel.missed(missed.events)
      return subscriber.sendInitial([client.framing.join([frameOf(
        'resumed',
        `{"missed":${count}}`,
        after,
      ), ...frames, broker])])
    }
    const head = `{"type":"snapshot"${id === undefined ? '' : `,"id":"${id}"`}${missed ? `,"reason":"${missed.reason}"` : ''},"data":`
    subscriber.sendInitial([...client.framing.around(
      head,
      statesOf(devicesOf(wanted, grouping)),
      '}',
      last,
    ), client.framing.join([broker])])
  }

  function statesOf(devices: ReadonlySet<string> | undefined): Buffer {
    return devices ? Buffer.from(options.states.of(devices)) : options.states.all()
  }

  function subscribe(member: Member, interest: Subscription) {
    const { subscriber } = member
    endTurn()
    member.group.channel.flush()
    leave(subscriber, member.group)
    subscriber.options = { ...subscriber.options, extended: true, ...interest }
    member.group = join(subscriber)
    const id = member.group.channel.idOf(log.last())
    const devices = devicesOf(subscriber.options, grouping)
    const isAll = !interest.devices && !interest.groups
    const answer = frameOf(
      'subscribed',
      JSON.stringify({ devices: isAll ? null : devices?.size ?? null, groups: interest.groups?.size }),
      id,
    )
    const { framing } = subscriber.client
    attempt(subscriber, () => subscriber.sendInitial([framing.join([answer]), ...framing.around(
      `{"type":"states","id":"${id}","data":`,
      statesOf(devices),
      '}',
      id,
    )]))
  }

  /** Tells extended clients the last event they were sent, and how far behind they are. */
  function heartbeat() {
    const time = new Date().toISOString()
    endTurn()
    for (const { subscriber, group } of members.values()) {
      if (!subscriber.options.extended || subscriber.isCoalescing()) continue
      group.channel.flush()
      const beat = frameOf('heartbeat', JSON.stringify({ time, ...subscriber.lag() }), group.channel.idOf(log.last()))
      attempt(subscriber, () => subscriber.client.write(subscriber.client.framing.join([beat])))
    }
  }

  function limitReachedFor(address: string): 'all' | 'address' | undefined {
    if (members.size >= options.maxClients) return 'all'
    return (perAddress.get(address) ?? 0) >= options.maxClientsPerAddress ? 'address' : undefined
  }

  return {
    limitReachedFor,
    add(client, wanted, after) {
      const limit = limitReachedFor(client.address)
      if (limit) return reject(client, limit === 'all' ? 'too many clients' : 'too many clients from this address')
      const others = perAddress.get(client.address) ?? 0
      // The snapshot contains what the turn has published so far.
      endTurn()
      const subscriber = createSubscriber(client, wanted, limits, catchUp)
      perAddress.set(client.address, others + 1)
      members.set(client.id, { subscriber, group: join(subscriber), received: undefined, buffered: 0 })
      attempt(subscriber, () => sendInitial(subscriber, after))
      return true
    },
    remove,
    request(clientId, request) {
      const member = members.get(clientId)
      if (!member) return
      const { client } = member.subscriber
      if (request.type === 'subscribe') return subscribe(member, subscriptionOf(request))
      attempt(member.subscriber, () => client.write(client.framing.join([{ text: '{"type":"pong"}' }])))
    },
    publish(type, deviceId, data, moved) {
      if (turn.length === 0) setImmediate(endTurn)
      turn.push(log.number(type, deviceId, data, moved))
    },
    flush: endTurn,
    numberOf: log.numberOf,
    begin: log.begin,
    passed: log.passed,
    size: () => members.size,
    counts: () => ({
      ...stats.counts(),
      slowClients: keepalive.slowClients(),
      waitingBytes: keepalive.waitingBytes(),
    }),
    start: keepalive.start,
    stop() {
      keepalive.stop()
      endTurn()
      for (const { channel } of groups.values()) channel.flush()
      for (const { subscriber } of members.values()) drop(subscriber, CLOSE_RESTART, 'the server is restarting')
    },
  }
}

function frameOf(type: StreamEvent['type'], data: string, id: string | undefined): Frame {
  return { id, text: id === undefined ? `{"type":"${type}","data":${data}}` : `{"type":"${type}","id":"${id}","data":${data}}` }
}

function reject(client: StreamClient, reason: string): false {
  close(client, CLOSE_TRY_LATER, reason)
  return false
}

function close(client: StreamClient, code: number, reason: string) {
  try {
    client.close(code, reason)
  }
  catch {
    // It is closed already.
  }
}
