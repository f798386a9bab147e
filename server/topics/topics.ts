// Owns the live tree of what the broker carries under our subscriptions: per topic how much, how often, the last payload and
// what was made of it. Promises to grow no further than its limits and to count what it leaves out. Never judges a message.
import type { Topics, TopicsQuery } from '#shared/schemas/topics'
import { Heard } from './heard'
import type { Carried, Verdict } from './heard'
import { levelsOf } from './levels'

export interface TopicsLimits {
  topics: number
  /** Bytes kept of the last payload of a topic. */
  topicPayloadBytes: number
}

/** Longer topics than this are not kept: none that is accepted comes near it. */
const MAX_KEPT_LENGTH = 1_024
/** When there is no room, topics that have been silent for so long are forgotten; looked for at most so often. */
const FORGET_AFTER_MS = 3_600_000
const FORGET_EVERY_MS = 60_000

export interface TopicTree {
  /** Notes a message and what was made of it. */
  take: (message: Carried, verdict: Verdict, nowMs: number) => void
  answer: (query: TopicsQuery, nowMs: number) => Topics
  /** Every topic that is kept. */
  heard: () => MapIterator<[string, Heard]>
}

export function createTopics(limits: TopicsLimits): TopicTree {
  const heard = new Map<string, Heard>()
  let unlisted = 0
  let forgotten = 0
  let lookedMs = -Infinity

  function add(topic: string, nowMs: number): Heard | undefined {
    if (topic.length > MAX_KEPT_LENGTH || (heard.size >= limits.topics && !makeRoom(nowMs))) {
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
