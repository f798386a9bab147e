import { describe, expect, it } from 'vitest'
import type { TopicEntry } from '#shared/schemas/topics'
import { topicRows, withOpened } from '#shared/mqtt/topic-rows'

const lastAt = '2026-01-01T12:00:00.000Z'
const branch = (path: string): TopicEntry => ({ kind: 'branch', path, topics: 2, messages: 2, rate: 0, lastAt, rejected: 0 })
const topic = (name: string): TopicEntry => ({
  kind: 'topic', topic: name, messages: 1, rate: 0, lastAt, qos: 0, replayed: false, payload: { encoding: 'text', data: '', bytes: 0 },
  verdict: { kind: 'rejected', reason: 'payload-empty', detail: '' },
})
const LEVELS = [
  { under: '', entries: [branch('a/'), topic('b')], more: 1 },
  { under: 'a/', entries: [branch('a/x/'), topic('a/y/telemetry')], more: 2 },
  { under: 'a/x/', entries: [topic('a/x/1')], more: 0 },
]

describe('the rows of a tree', () => {
  it('stand below their branch as far as branches are open', () => {
    const { rows, more } = topicRows(LEVELS, ['a/'])
    expect(rows.map(({ label, depth, place, of }) => `${depth} ${label} ${place}/${of}`)).toEqual(['1 a/ 1/3', '2 x/ 1/4', '2 y/telemetry 2/4', '1 b 2/3'])
    expect(rows.map(({ parent }) => parent)).toEqual([undefined, 'a/', 'a/', undefined])
    expect(more).toBe(3)
    expect(topicRows(LEVELS, []).rows.map(({ key }) => key)).toEqual(['a/', 'b'])
    expect(topicRows(LEVELS, ['a/', 'a/x/']).rows.map(({ key }) => key)).toEqual(['a/', 'a/x/', 'a/x/1', 'a/y/telemetry', 'b'])
  })

  it('leave out a branch whose rows have not come yet', () => {
    expect(topicRows(LEVELS.slice(0, 1), ['a/']).rows.map(({ key }) => key)).toEqual(['a/', 'b'])
  })
})

describe('opening one branch too many', () => {
  it('closes the one that has been open longest, with what is open below it', () => {
    expect(withOpened(['a/', 'a/x/', 'b/'], 'c/', 3)).toEqual(['b/', 'c/'])
  })

  it('never closes what the new one lies in', () => {
    expect(withOpened(['a/', 'b/', 'c/'], 'a/x/', 3)).toEqual(['a/', 'c/', 'a/x/'])
  })
})
