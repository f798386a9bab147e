// A short look at everything the broker carries, over a connection of its own: on request, for some seconds, limited
// in messages and bytes. It never stores a payload, never acknowledges anything, never stays connected.
import mqtt from 'mqtt'
import type { MqttClient } from 'mqtt'
import type { Examination } from '#shared/schemas/doctor'
import { commonOptions } from './client-options'
import type { Access } from './client-options'
import { faultOfError } from './faults'
import { INSTALLATION_PROPERTY } from './session-options'

export interface ExaminationOptions extends Access {
  url: string
  protocolVersion: 4 | 5
  /** Our own subscriptions, and the topic of our own status. */
  filters: readonly string[]
  statusTopic: string
  /** Our own topics are below it, under this name. */
  root: string
  installation: string
  /** How long it lasts. */
  ms: number
}

/** It ends early after this many messages, or bytes on the wire. */
const MAX_EXAMINED_MESSAGES = 5_000
const MAX_BYTES = 16_777_216
const MAX_PACKET_BYTES = 1_048_576
const MAX_TOPICS = 2_000
const MAX_LISTED = 100
/** Longer names are cut. */
const MAX_TOPIC_LENGTH = 512
/** Without an answer by then it has failed. */
const TIMEOUT_MS = 10_000
const EVERYTHING = '#'
const WORDS = new Set(['online', 'offline'])
const MAX_WORD_BYTES = 10

interface Seen {
  messages: number
  within: number
  ownStatusSeen: boolean
  others: Map<string, Examination['others'][number]>
  strangers: Map<string, Examination['strangers'][number]>
}

/** Subscribes to `#` for some seconds and returns what came. Never rejects. */
export function examine(options: ExaminationOptions): Promise<Examination> {
  const begun = Date.now()
  const seen: Seen = { messages: 0, within: 0, ownStatusSeen: false, others: new Map(), strangers: new Map() }
  const client = mqtt.connect(options.url, {
    ...commonOptions(options, options.protocolVersion),
    clientId: `${options.clientId}-examination`,
    clean: true,
    ...(options.protocolVersion === 5 && { properties: { sessionExpiryInterval: 0, maximumPacketSize: MAX_PACKET_BYTES } }),
  })
  return new Promise((resolve) => {
    const timers = [setTimeout(end, TIMEOUT_MS + options.ms, 'failed', 'The broker did not answer.', false)]

    function end(outcome: Examination['outcome'], reason: string | null, isCut: boolean) {
      for (const timer of timers) clearTimeout(timer)
      // Later failures are ignored.
      client.removeAllListeners().on('error', () => {})
      client.end(true)
      resolve(reportOf(seen, { at: new Date(begun).toISOString(), outcome, reason, isCut, seconds: (Date.now() - begun) / 1_000 }))
    }

    client.once('connect', () => {
      countBytes(client, () => end('looked', null, true))
      client.subscribe(EVERYTHING, { qos: 0 }, (error, _granted, packet) => {
        if (error) return end(packet ? 'refused' : 'failed', packet ? 'The broker refuses the subscription to #.' : 'The connection to the broker was lost.', false)
        timers.push(setTimeout(end, options.ms, 'looked', null, false))
      })
    })
    client.on('message', (topic, payload, { retain, properties }) => {
      const [installation = null] = [properties?.userProperties?.[INSTALLATION_PROPERTY]].flat()
      note(seen, options, { topic, retained: retain, installation, isWord: WORDS.has(payload.toString('utf8', 0, MAX_WORD_BYTES)) })
      if (seen.messages >= MAX_EXAMINED_MESSAGES) end('looked', null, true)
    })
    client.once('error', error => end('failed', faultOfError(error).reason, false))
    client.once('close', () => end('failed', 'The broker closed the connection.', false))
  })
}

function countBytes(client: MqttClient, onTooMany: () => void) {
  let bytes = 0
  client.stream.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes > MAX_BYTES) onTooMany()
  })
}

interface Heard {
  topic: string
  retained: boolean
  /** Which installation has published it, by its own property. */
  installation: string | null
  /** `online` or `offline`. */
  isWord: boolean
}

function note(seen: Seen, options: ExaminationOptions, heard: Heard) {
  const { filters, statusTopic, root } = options
  const { topic: name, retained } = heard
  seen.messages++
  if (name === statusTopic) seen.ownStatusSeen = true
  if (`${name}/`.startsWith(`${root}/`)) {
    const topic = name.slice(0, MAX_TOPIC_LENGTH)
    if (!isOurs(heard, options) && seen.strangers.size < MAX_LISTED) seen.strangers.set(topic, { topic, installation: heard.installation?.slice(0, MAX_TOPIC_LENGTH) ?? null })
    if (matches(`${root}/status/#`, name)) return
  }
  if (filters.some(filter => matches(filter, name))) {
    seen.within++
    return
  }
  const topic = name.slice(0, MAX_TOPIC_LENGTH)
  const known = seen.others.get(topic)
  if (known) known.messages++
  else if (seen.others.size < MAX_TOPICS) seen.others.set(topic, { topic, messages: 1, retained })
}

/** Whether we, a replica of ours, or our last will may have published it. */
function isOurs({ topic, retained, installation, isWord }: Heard, { statusTopic, root, installation: own, protocolVersion }: ExaminationOptions): boolean {
  if (installation !== null) return installation === own
  // Over MQTT 3.1.1 our messages carry no name.
  if (topic === statusTopic) return isWord && protocolVersion === 4
  // A replica of an older version may have stopped long ago.
  return isWord && topic.startsWith(`${root}/status/`) && (retained || protocolVersion === 4)
}

type Ending = Pick<Examination, 'at' | 'outcome' | 'reason' | 'isCut' | 'seconds'>

function reportOf({ messages, within, ownStatusSeen, others, strangers }: Seen, ending: Ending): Examination {
  const busiest = [...others.values()].sort((a, b) => b.messages - a.messages || a.topic.localeCompare(b.topic))
  return { ...ending, messages, ownStatusSeen, within, others: busiest.slice(0, MAX_LISTED), othersTotal: others.size, strangers: [...strangers.values()] }
}

/** Whether a topic is one of those that a filter asks for (MQTT 5.0, section 4.7). */
export function matches(filter: string, topic: string): boolean {
  const wanted = filter.split('/')
  const levels = topic.split('/')
  for (const [i, level] of wanted.entries()) {
    if (level === '#') return true
    if (levels[i] === undefined || (level !== '+' && level !== levels[i])) return false
  }
  return wanted.length === levels.length
}
