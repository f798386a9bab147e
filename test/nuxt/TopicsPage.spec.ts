import { mountSuspended, registerEndpoint } from '@nuxt/test-utils/runtime'
import { getQuery } from 'h3'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import type { TopicEntry, Topics } from '#shared/schemas/topics'
import TopicsPage from '~/pages/topics.vue'
import { ServerSocket } from './support/socket'
import { NOW, useStage } from './support/stage'

const lastAt = new Date(NOW - 5_000).toISOString()
const branch = (path: string, rejected = 0): TopicEntry => ({ kind: 'branch', path, topics: 3, messages: 30, rate: 12.4, lastAt, rejected })
const topic = (name: string, given: Partial<Extract<TopicEntry, { kind: 'topic' }>> = {}): TopicEntry => ({
  kind: 'topic', topic: name, messages: 10, rate: 0.05, lastAt, qos: 1, replayed: false,
  payload: { encoding: 'text', data: '{"metrics":{"tempC":21}}', bytes: 24 },
  verdict: { kind: 'telemetry', deviceId: 'tor-1', metrics: ['tempC'], count: 1 },
  ...given,
})
const BROKEN = topic('sensors/tor-2/telemetry', {
  payload: { encoding: 'text', data: '<b>broken</b>', bytes: 13 },
  verdict: { kind: 'rejected', reason: 'not-json', detail: 'The payload is not JSON.' },
})
const LEVELS: Record<string, TopicEntry[]> = {
  '': [branch('sensors/', 1)],
  'sensors/': [topic('sensors/tor-1/telemetry'), BROKEN, branch('sensors/yard/')],
  'sensors/yard/': [topic('sensors/yard/telemetry')],
}
let totals = { topics: 3, limit: 20_000, unlisted: 0, forgotten: 0 }

registerEndpoint('/api/topics', (event): Topics => {
  const { under = '', q } = getQuery(event)
  const asked = [under].flat().map(String)
  if (q) return { ...totals, levels: [{ under: '', entries: [BROKEN], more: 4 }] }
  return { ...totals, levels: asked.map(path => ({ under: path, entries: totals.topics > 0 ? LEVELS[path] ?? [] : [], more: 0 })) }
})

async function mountTopics(path = '/topics') {
  const page = await mountSuspended(TopicsPage, { route: path, attachTo: document.body })
  ServerSocket.latest.accept()
  ServerSocket.latest.say({ type: 'snapshot', data: [] })
  const rows = () => page.findAll('[role=treeitem]')
  return { page, rows, row: (key: string) => page.find(`[data-key="${key}"]`) }
}

describe('the page of the topics', () => {
  useStage({ isTimeRunning: true })
  beforeEach(() => {
    totals = { topics: 3, limit: 20_000, unlisted: 0, forgotten: 0 }
  })

  it('opens a single branch by itself, and shows rate, payload, verdict and age', async () => {
    const { rows, row } = await mountTopics()
    await vi.waitFor(() => expect(rows()).toHaveLength(4))
    expect(row('sensors/').text()).toMatch(/sensors\/.*3 topics.*1 rejected.*12\/s.*5 seconds ago/s)
    expect(row('sensors/tor-1/telemetry').text()).toMatch(/tor-1\/telemetry.*"tempC":21.*accepted.*3\/min/s)
    expect(row('sensors/tor-2/telemetry').text()).toMatch(/<b>broken<\/b>.*rejected/s)
    expect(row('sensors/').attributes()).toMatchObject({ 'aria-level': '1', 'aria-expanded': 'true', 'tabindex': '0' })
    expect(row('sensors/yard/').attributes()).toMatchObject({ 'aria-level': '2', 'aria-expanded': 'false', 'aria-posinset': '3', 'aria-setsize': '3', 'tabindex': '-1' })
  })

  it('opens and closes with the keyboard, and says what was made of a message', async () => {
    const { page, rows, row } = await mountTopics()
    await vi.waitFor(() => expect(rows()).toHaveLength(4))
    await row('sensors/').trigger('keydown', { key: 'End' })
    await vi.waitFor(() => expect(document.activeElement?.getAttribute('data-key')).toBe('sensors/yard/'))
    await row('sensors/yard/').trigger('keydown', { key: 'ArrowRight' })
    await vi.waitFor(() => expect(rows()).toHaveLength(5))
    await row('sensors/yard/').trigger('keydown', { key: 'ArrowUp' })
    await vi.waitFor(() => expect(document.activeElement?.getAttribute('data-key')).toBe('sensors/tor-2/telemetry'))
    await row('sensors/tor-2/telemetry').trigger('keydown', { key: 'Enter' })
    expect(page.text()).toContain('Rejected: The message is not JSON.')
    await row('sensors/tor-2/telemetry').trigger('keydown', { key: 'ArrowLeft' })
    expect(page.text()).not.toContain('Rejected: The message is not JSON.')
    await row('sensors/tor-2/telemetry').trigger('keydown', { key: 'ArrowLeft' })
    await vi.waitFor(() => expect(document.activeElement?.getAttribute('data-key')).toBe('sensors/'))
    await row('sensors/').trigger('keydown', { key: 'ArrowLeft' })
    expect(rows()).toHaveLength(1)
  })

  it('shows what is looked for, and how much more there is', async () => {
    const { page, rows } = await mountTopics('/topics?q=not-json')
    await vi.waitFor(() => expect(rows()).toHaveLength(1))
    expect(page.text()).toContain('4 more entries are not shown')
  })

  it('says what was left out', async () => {
    totals = { topics: 3, limit: 3, unlisted: 17, forgotten: 2 }
    const { page } = await mountTopics()
    await vi.waitFor(() => expect(page.find('[data-testid=topics-overflow]').text()).toMatch(/At most 3 topics.*17 messages.*2 silent topics/))
  })

  it('sends to the doctor when nothing has been heard', async () => {
    totals = { ...totals, topics: 0 }
    const { page } = await mountTopics()
    await vi.waitFor(() => expect(page.find('a[href="/doctor"]').exists()).toBe(true))
  })
})
