// Owns the open event streams. Promises every client the snapshot (or what it has missed) first and then every event in
// order, encoded once for all who asked for the same; a client that cannot keep up gets the latest of each device and is
// told so; one that takes nothing is closed. No client can delay another. Never asks what an event means.
import type { StreamEvent, StreamRequest } from '#shared/schemas/events'
import { createKeepalive, IN_WORDS } from './keepalive'
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
  /** Bytes that may wait for one client before events are merged for it. */
  maxBufferedBytes: number
  /** Bytes that may wait for all slow clients together before each may have only {@link CROWDED} of its own limit. */
  maxWaitingBytes: number
  stuckMs: number
  /** Bytes of events that are remembered for clients that come back. */
  logBudget: number
  states: StatesSource
  grouping: Grouping
  /** Where the numbers of events come from, if not from here. */
  numbering?: Numbering
  /** How things stand besides the devices, as the data of a `broker` event; `isLimited`: for somebody who may not see every device. */
  broker: (isLimited: boolean) => string
}

/** The states of devices as JSON. */
export interface StatesSource {
  /** All of them, as a JSON array. */
  all: () => Buffer
  /** Of these, as far as they are known, as a JSON array. */
  of: (deviceIds: Iterable<string>) => string
  /** The latest of one device in the seed's words: the data of a `telemetry`, and of a `state` event. */
  latest: (deviceId: string) => { type: LiveType, data: string }[]
}

export interface Hub {
  /** `after`: the event id behind which a client wants to go on. False: there are too many, and it has been closed. */
  add: (client: StreamClient, options: StreamOptions, after?: string) => boolean
  /** Who leaves no room for another client from there, if anybody does. */
  crowdFor: (address: string) => 'all' | 'address' | undefined
  remove: (clientId: string) => void
  /** Answers what a client says. */
  request: (clientId: string, request: StreamRequest) => void
  /** Publishes an event whose data is encoded already; a `device` event says where the device belonged and belongs. */
  publish: (type: LiveType, deviceId: string | undefined, data: string, moved?: Move) => void
  /** Lets go what was published so far; without it that happens at the end of the event-loop turn. */
  flush: () => void
  /** The number in the id of an event; NaN: that is none of this server's. */
  numberOf: (id: string) => number
  /** With numbers from elsewhere: events begin behind one, or everything up to one has been told. */
  begin: (n: number) => void
  passed: (n: number) => void
  size: () => number
  counts: () => StreamCounts
  /** Starts looking after slow and dead clients. */
  start: () => void
  /** Ends every stream: the server is going away and clients should come back. */
  stop: () => void
}

const CLOSE_TRY_LATER = 1013
const CLOSE_RESTART = 1012
const CROWDED = 1 / 8
interface Group { lane: Channel, members: Set<Subscriber> }
interface Member extends WatchedClient { group: Group }

export function createHub(options: HubOptions): Hub {
  const { grouping } = options
  const log = createEventLog(options.logBudget, options.numbering)
  const members = new Map<string, Member>()
  const groups = new Map<string, Group>()
  const perAddress = new Map<string, number>()
  const tally = createStreamStats()
  const care = createKeepalive({ members, attempt, giveUp, heartbeat })
  const limits = {
    bufferBytes: () => options.maxBufferedBytes * (care.waitingBytes() < options.maxWaitingBytes ? 1 : CROWDED),
    stuckMs: options.stuckMs,
    onMerged: tally.merge,
  }
  // The events of this event-loop turn: they leave together, in one write per client.
  let turn: LiveEvent[] = []

  function endTurn() {
    if (turn.length === 0) return
    const events = turn
    turn = []
    tally.publish(events.length)
    log.keep(events)
    for (const { lane } of groups.values()) lane.offer(events)
  }

  function groupOf(wanted: StreamOptions): Group {
    const key = channelKey(wanted)
    const held = groups.get(key)
    if (held) return held
    const members = new Set<Subscriber>()
    const lane = createChannel(wanted, {
      log,
      grouping,
      statesText: options.states.of,
      catchUp: deviceIds => catchUp(deviceIds, wanted),
      broker: () => options.broker(true),
      deliver: delivery => deliver(members, delivery),
    })
    const group = { members, lane }
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
    tally.offer(events.length, receivers.size)
    // Nothing is made per client here: a message may go to thousands.
    for (const subscriber of receivers) {
      try {
        if (!subscriber.deliver(bytesFor, events)) care.add(subscriber)
      }
      catch {
        giveUp(subscriber, 'failed')
      }
    }
  }

  /** A client that fails harms nobody else. */
  function attempt(subscriber: Subscriber, act: () => void) {
    try {
      act()
    }
    catch {
      giveUp(subscriber, 'failed')
    }
  }

  function catchUp(deviceIds: readonly string[], wanted: StreamOptions): Frame[] {
    // Who has left a group since is not wanted any more, or may not be seen.
    const still = deviceIds.filter(wantedBy(wanted, grouping) ?? (() => true))
    if (wanted.extended) return [{ text: `{"type":"states","data":${options.states.of(still)}}` }]
    return still.flatMap(options.states.latest).map(({ type, data }) => ({ text: `{"type":"${type}","data":${data}}` }))
  }

  /** From now on a client gets what its lane delivers; what waits there is from before. */
  function join(subscriber: Subscriber): Group {
    const group = groupOf(subscriber.options)
    group.lane.flush()
    group.members.add(subscriber)
    return group
  }

  function leave(subscriber: Subscriber, { lane, members }: Group) {
    members.delete(subscriber)
    if (members.size > 0) return
    lane.flush()
    groups.delete(channelKey(subscriber.options))
  }

  function remove(clientId: string) {
    const member = members.get(clientId)
    if (!member) return
    const { subscriber, group } = member
    members.delete(clientId)
    care.remove(subscriber)
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
    tally.giveUp(why)
    drop(subscriber, CLOSE_TRY_LATER, IN_WORDS[why])
  }

  function greet(subscriber: Subscriber, after: string | undefined) {
    const { client, options: wanted } = subscriber
    const { lane } = groupOf(wanted)
    const last = lane.idOf(log.last())
    const id = wanted.extended ? last : undefined
    const missed = after ? lane.after(after) : undefined
    const broker = frameOf('broker', options.broker(wanted.reach !== undefined), id)
    if (missed && 'events' in missed) {
      const { frames, count } = lane.missed(missed.events)
      return subscriber.greet([client.framing.join([frameOf('resumed', `{"missed":${count}}`, after), ...frames, broker])])
    }
    const head = `{"type":"snapshot"${id === undefined ? '' : `,"id":"${id}"`}${missed ? `,"reason":"${missed.reason}"` : ''},"data":`
    subscriber.greet([...client.framing.around(head, statesOf(devicesOf(wanted, grouping)), '}', last), client.framing.join([broker])])
  }

  function statesOf(devices: ReadonlySet<string> | undefined): Buffer {
    return devices ? Buffer.from(options.states.of(devices)) : options.states.all()
  }

  function subscribe(member: Member, interest: Subscription) {
    const { subscriber } = member
    endTurn()
    member.group.lane.flush()
    leave(subscriber, member.group)
    subscriber.options = { ...subscriber.options, extended: true, ...interest }
    member.group = join(subscriber)
    const id = member.group.lane.idOf(log.last())
    const devices = devicesOf(subscriber.options, grouping)
    const isAll = !interest.devices && !interest.groups
    const told = frameOf('subscribed', JSON.stringify({ devices: isAll ? null : devices?.size ?? null, groups: interest.groups?.size }), id)
    const { framing } = subscriber.client
    attempt(subscriber, () => subscriber.greet([framing.join([told]), ...framing.around(`{"type":"states","id":"${id}","data":`, statesOf(devices), '}', id)]))
  }

  /** Tells those who asked for something up to where they have been told, and how far behind they are. */
  function heartbeat() {
    const time = new Date().toISOString()
    endTurn()
    for (const { subscriber, group } of members.values()) {
      if (!subscriber.options.extended || subscriber.isCoalescing()) continue
      group.lane.flush()
      const beat = frameOf('heartbeat', JSON.stringify({ time, ...subscriber.lag() }), group.lane.idOf(log.last()))
      attempt(subscriber, () => subscriber.client.write(subscriber.client.framing.join([beat])))
    }
  }

  function crowdFor(address: string): 'all' | 'address' | undefined {
    if (members.size >= options.maxClients) return 'all'
    return (perAddress.get(address) ?? 0) >= options.maxClientsPerAddress ? 'address' : undefined
  }

  return {
    crowdFor,
    add(client, wanted, after) {
      const crowd = crowdFor(client.address)
      if (crowd) return turnAway(client, crowd === 'all' ? 'too many clients' : 'too many clients from this address')
      const others = perAddress.get(client.address) ?? 0
      // The snapshot holds what the turn has brought so far.
      endTurn()
      const subscriber = createSubscriber(client, wanted, limits, catchUp)
      perAddress.set(client.address, others + 1)
      members.set(client.id, { subscriber, group: join(subscriber), heard: undefined, buffered: 0 })
      attempt(subscriber, () => greet(subscriber, after))
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
    counts: () => ({ ...tally.counts(), slowClients: care.slowClients(), waitingBytes: care.waitingBytes() }),
    start: care.start,
    stop() {
      care.stop()
      endTurn()
      for (const { lane } of groups.values()) lane.flush()
      for (const { subscriber } of members.values()) drop(subscriber, CLOSE_RESTART, 'the server is restarting')
    },
  }
}

function frameOf(type: StreamEvent['type'], data: string, id: string | undefined): Frame {
  return { id, text: id === undefined ? `{"type":"${type}","data":${data}}` : `{"type":"${type}","id":"${id}","data":${data}}` }
}

function turnAway(client: StreamClient, reason: string): false {
  close(client, CLOSE_TRY_LATER, reason)
  return false
}

function close(client: StreamClient, code: number, reason: string) {
  try {
    client.close(code, reason)
  }
  catch {
    // It is gone already.
  }
}
