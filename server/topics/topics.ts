// Owns the live tree of the topics under our subscriptions: per topic the counts, the rate, the last payload and its
// result. Promises to stay within its limits and to count what it leaves out. Never judges a message.
import type { Topics, TopicsQuery } from '#shared/schemas/topics'
import { Heard } from './heard'
import type { Carried, Verdict } from './heard'
import { levelsOf } from './levels'

export interface TopicsLimits {
  topics: number
  /** Stored bytes of the last payload of a topic. */
  topicPayloadBytes: number
}

/** Longer topics are not stored: no accepted topic is nearly as long. */
const MAX_TOPIC_LENGTH = 1_024
/** Without room, topics that have been silent for this long are dropped; this check runs at most this often. */
const FORGET_AFTER_MS = 3_600_000
const FORGET_EVERY_MS = 60_000

export interface TopicTree {
  /** Notes a message and its result. */
  take: (message: Carried, verdict: Verdict, nowMs: number) => void
  answer: (query: TopicsQuery, nowMs: number) => Topics
  /** Every stored topic. */
  heard: () => MapIterator<[string, Heard]>
}

export function createTopics(limits: TopicsLimits): TopicTree {
  const heard = new Map<string, Heard>()
  let unlisted = 0
  let forgotten = 0
  let lookedMs = -Infinity

  function add(topic: string, nowMs: number): Heard | undefined {
    if (topic.length > MAX_TOPIC_LENGTH || (heard.size >= limits.topics && !makeRoom(nowMs))) {
      unlisted++
      return undefined
    }
    const entry = new Heard(nowMs)
    heard.set(topic, entry)
    return entry
  }

  function makeRoom(nowMs: number): boolean {
    if (nowMs - lookedMs < FORGET_EVERY_MS) return false
    lookedMs = nowMs
    for (const [topic, { lastMs }] of heard) {
      if (nowMs - lastMs < FORGET_AFTER_MS) continue
      heard.delete(topic)
      forgotten++
    }
    return heard.size < limits.topics
  }

  return {
    take(message, verdict, nowMs) {
      const entry = heard.get(message.topic) ?? add(message.topic, nowMs)
      entry?.take(message, verdict, nowMs, limits.topicPayloadBytes)
    },
    answer: (query, nowMs) => ({ topics: heard.size, limit: limits.topics, unlisted, forgotten, levels: levelsOf(heard, query, nowMs) }),
    heard: () => heard.entries(),
  }
}
