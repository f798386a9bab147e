import { isUtf8 } from 'node:buffer'
import type { Topic, TopicBranch, TopicEntry, Topics, TopicsQuery, TopicVerdict } from '#shared/schemas/topics'
import type { Heard } from './heard'

type Level = Topics['levels'][number]
/** A branch while its topics are being counted. */
interface Branch { heard: Heard, topic: string, topics: number, messages: number, rate: number, lastMs: number, rejected: number }

// Line breaks and tabs are text.
// eslint-disable-next-line no-control-regex
const NO_TEXT = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F]/
const LONGEST_UTF8 = 4

/** One level of the tree for each `under`; with `q` every matching topic, however deep. */
export function levelsOf(heard: ReadonlyMap<string, Heard>, { under, q = [], limit }: TopicsQuery, nowMs: number): Level[] {
  return under.map(prefix => q.length > 0 ? found(heard, prefix, q, limit, nowMs) : children(heard, prefix, limit, nowMs))
}

function found(heard: ReadonlyMap<string, Heard>, under: string, words: readonly string[], limit: number, nowMs: number): Level {
  const fitting: [string, Heard][] = []
  for (const [topic, entry] of heard) {
    const text = `${topic}\n${entry.deviceId ?? ''}\n${entry.reason ?? ''}\n${entry.names.join('\n')}`.toLowerCase()
    if (topic.startsWith(under) && words.every(word => text.includes(word))) fitting.push([topic, entry])
  }
  return cut(under, fitting, limit, (topic, entry) => topicOf(topic, entry, nowMs))
}

function children(heard: ReadonlyMap<string, Heard>, under: string, limit: number, nowMs: number): Level {
  const byPath = new Map<string, Branch>()
  for (const [topic, entry] of heard) {
    if (!topic.startsWith(under)) continue
    const end = topic.indexOf('/', under.length)
    const path = end < 0 ? topic : topic.slice(0, end + 1)
    const branch = byPath.get(path)
    if (branch) count(branch, entry, nowMs)
    else byPath.set(path, count({ heard: entry, topic, topics: 0, messages: 0, rate: 0, lastMs: 0, rejected: 0 }, entry, nowMs))
  }
  // A branch with one topic is shown as that topic: no need to open it.
  return cut(under, [...byPath], limit, (path, branch) => branch.topics === 1 ? topicOf(branch.topic, branch.heard, nowMs) : branchOf(path, branch))
}

function count(branch: Branch, entry: Heard, nowMs: number): Branch {
  branch.topics++
  branch.messages += entry.messages
  branch.rate += entry.rate(nowMs)
  branch.lastMs = Math.max(branch.lastMs, entry.lastMs)
  if (entry.reason !== undefined) branch.rejected++
  return branch
}

/** The first of them by name. */
function cut<T>(under: string, entries: [string, T][], limit: number, toEntry: (path: string, value: T) => TopicEntry): Level {
  const { compare } = NATURAL
  entries.sort(([a], [b]) => compare(a, b))
  return { under, entries: entries.slice(0, limit).map(([path, value]) => toEntry(path, value)), more: Math.max(0, entries.length - limit) }
}

const NATURAL = new Intl.Collator('en', { numeric: true })

function branchOf(path: string, { topics, messages, rate, lastMs, rejected }: Branch): TopicBranch {
  return { kind: 'branch', path, topics, messages, rate, lastAt: new Date(lastMs).toISOString(), rejected }
}

function topicOf(topic: string, entry: Heard, nowMs: number): Topic {
  return {
    kind: 'topic',
    topic,
    messages: entry.messages,
    rate: entry.rate(nowMs),
    lastAt: new Date(entry.lastMs).toISOString(),
    qos: entry.qos,
    replayed: entry.replayed,
    payload: { ...payloadOf(entry.sample, entry.bytes), bytes: entry.bytes },
    verdict: verdictOf(entry),
  }
}

function verdictOf({ reason, detail, isState, deviceId = '', names, count, status }: Heard): TopicVerdict {
  if (reason !== undefined) return { kind: 'rejected', reason, detail }
  return isState ? { kind: 'state', deviceId, status } : { kind: 'telemetry', deviceId, metrics: [...names], count }
}

function payloadOf(sample: string, bytes: number): { encoding: 'text' | 'base64', data: string } {
  const raw = Buffer.from(sample, 'latin1')
  const text = textOf(raw, raw.length < bytes)
  return text === undefined || NO_TEXT.test(text)
    ? { encoding: 'base64', data: raw.toString('base64') }
    : { encoding: 'text', data: text }
}

/** The bytes as UTF-8, undefined when they are not; a character that was cut in two is left out. */
function textOf(bytes: Buffer, isCut: boolean): string | undefined {
  const shortest = isCut ? Math.max(0, bytes.length - LONGEST_UTF8) : bytes.length
  for (let end = bytes.length; end >= shortest; end--) {
    const whole = bytes.subarray(0, end)
    if (isUtf8(whole)) return whole.toString('utf8')
  }
  return undefined
}
