import { mountSuspended, registerEndpoint } from '@nuxt/test-utils/runtime'
import { getQuery, setResponseStatus } from 'h3'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import type { HistoryAnswer } from '#shared/schemas/history'
import { withTelemetry } from '#shared/device/device-state'
import { useRouter } from '#imports'
import DefaultLayout from '~/layouts/default.vue'
import DevicePage from '~/pages/devices/[deviceId].vue'
import { ServerSocket } from './support/socket'
import { CONNECTED, NOW, telemetry, useStage } from './support/stage'

const MINUTE = 60_000
let asked: Record<string, unknown>[] = []
let fault: { statusCode: number, code: string } | null = null
let isEmpty = false
let isCut = false
/** Metrics that are answered in their own way. */
let own: Record<string, () => unknown> = {}

registerEndpoint('/api/sensors/tor-1/messages', () => ({ deviceId: 'tor-1', messages: [] }))
registerEndpoint('/api/rejections', () => ({ total: 0, byReason: {}, recent: [] }))
registerEndpoint('/api/sensors/tor-1/history', (event) => {
  const query = getQuery(event)
  asked.push(query)
  if (fault) {
    setResponseStatus(event, fault.statusCode)
    return { error: { code: fault.code, message: 'No.' } }
  }
  const answer = own[String(query.metric)]
  if (answer) return answer()
  return answerOf(String(query.metric))
})

registerEndpoint('/api/sensors/tor-1/presence', (event) => {
  const { from, to } = getQuery(event)
  if (fault) {
    setResponseStatus(event, fault.statusCode)
    return { error: { code: fault.code, message: 'No.' } }
  }
  return {
    deviceId: 'tor-1', from, to, more: isCut,
    before: isEmpty ? null : { at: new Date(NOW - 300 * MINUTE).toISOString(), presence: 'live' },
    lines: isEmpty ? [] : [{ at: new Date(NOW - 40 * MINUTE).toISOString(), presence: 'silent' }, { at: new Date(NOW - 20 * MINUTE).toISOString(), presence: 'unknown' }],
  }
})

function answerOf(metric: string): HistoryAnswer {
  const head = { deviceId: 'tor-1', metric, unit: null, from: '2026-11-14T02:00:00.000Z', to: '2026-11-14T03:00:00.000Z', resolution: 'raw' as const }
  if (isEmpty) return { ...head, kind: 'number', stepSeconds: 9, points: [] }
  if (metric === 'doorState') {
    return { ...head, kind: 'state', points: [{ from: NOW - 60 * MINUTE, to: NOW - 15 * MINUTE, value: 'open' }, { from: NOW - 15 * MINUTE, to: NOW, value: 'closed' }] }
  }
  const points = [20, 10].map(minutes => ({ time: NOW - minutes * MINUTE, min: 20, max: 24, mean: 22, last: 23, count: 3 }))
  return { ...head, kind: 'number', stepSeconds: 9, points }
}

async function mountDevice(metrics: Parameters<typeof telemetry>[1], query = '') {
  const page = await mountSuspended({
    components: { DefaultLayout, DevicePage },
    template: '<DefaultLayout><DevicePage /></DefaultLayout>',
  }, { route: `/devices/tor-1${query}` })
  ServerSocket.latest.accept()
  ServerSocket.latest.say({ type: 'snapshot', data: [withTelemetry(undefined, telemetry('tor-1', metrics))] })
  ServerSocket.latest.say({ type: 'broker', data: CONNECTED })
  return page
}

describe('the history of a device', () => {
  useStage({ isTimeRunning: true })
  beforeEach(() => {
    asked = []
    fault = null
    isEmpty = false
    isCut = false
    own = {}
  })

  it('shows numbers and the door with their words, and goes on live', async () => {
    const page = await mountDevice({ tempC: 23, doorState: 'closed' })
    const history = () => page.find('[data-testid=history]')
    await vi.waitFor(() => expect(history().findAll('[data-metric] [data-testid=history-readout]')).toHaveLength(2))
    expect(history().find('[data-metric=tempC]').text()).toMatch(/Temperature.*20\s°C to 24\s°C, mean 22\s°C/s)
    expect(history().find('[data-metric=doorState] [data-testid=history-bands]').text()).toMatch(/open.*closed/s)
    expect(Date.parse(String(asked[0]?.to)) - Date.parse(String(asked[0]?.from))).toBe(60 * MINUTE)

    ServerSocket.latest.say({ type: 'telemetry', data: telemetry('tor-1', { tempC: 31.5, doorState: 'open' }) })
    await vi.waitFor(() => expect(history().find('[data-metric=tempC]').text()).toMatch(/31\.5\s°C/))
    expect(history().find('[data-metric=doorState] [data-testid=history-readout]').text()).toContain('open since')
  })

  it('says since when there is no value, what is not drawn, and goes on from there', async () => {
    const gapAt = NOW - 15 * MINUTE
    own.tempC = () => ({ ...answerOf('tempC'), gaps: [{ from: gapAt, to: NOW - 10 * MINUTE }], skipped: 3 })
    own.doorState = () => ({ ...answerOf('doorState'), points: [{ from: NOW - 60 * MINUTE, to: gapAt, value: 'open' }], gaps: [{ from: gapAt, to: null }] })
    const page = await mountDevice({ tempC: 23, doorState: 'closed' })
    const figure = (metric: string) => page.find(`[data-metric=${metric}]`)
    await vi.waitFor(() => expect(page.findAll('[data-metric] [data-testid=history-readout]')).toHaveLength(2))
    expect(figure('tempC').find('[data-testid=history-notes]').text()).toBe('3 values are no numbers and are not drawn.')
    expect(figure('doorState').find('[data-testid=history-readout]').text()).toMatch(/^no value since/)
    await figure('tempC').find('button').trigger('click')
    expect(figure('tempC').findAll('tbody tr').map(row => row.findAll('td')[2]?.text())).toEqual(['22\u00A0°C', '–', '22\u00A0°C'])

    ServerSocket.latest.say({ type: 'telemetry', data: { ...telemetry('tor-1', { doorState: 'closed' }), absent: ['tempC'] } })
    await vi.waitFor(() => expect(figure('tempC').find('[data-testid=history-readout]').text()).toMatch(/^no value since/))
    expect(figure('tempC').find('[data-testid=history-notes]').text()).toContain('4 values')
    await vi.waitFor(() => expect(figure('doorState').find('[data-testid=history-readout]').text()).toMatch(/^closed since/))
  })

  it('shows what fails in its own place, and everything else as ever', async () => {
    own.power = () => ({ error: { code: 'internal', message: 'No.' } })
    own.current = () => ({ ...answerOf('current'), kind: 'number', stepSeconds: 9, points: [{ time: NOW, min: 1, max: 1, mean: null, last: 1, count: 1 }] })
    const page = await mountDevice({ power: 1, tempC: 23, current: 2 })
    await vi.waitFor(() => expect(page.findAll('[data-testid=history-failed-one]')).toHaveLength(2))
    expect(page.find('[data-metric=power]').text()).toContain('could not be loaded')
    expect(page.find('[data-metric=tempC]').text()).toMatch(/mean 22\s°C/)
    expect(page.find('[data-testid=history-failed]').exists()).toBe(false)
  })

  it('says that large whole numbers are rounded', async () => {
    own.pulses = () => ({ ...answerOf('pulses'), rounded: true })
    const page = await mountDevice({ pulses: 1 })
    await vi.waitFor(() => expect(page.find('[data-metric=pulses] [data-testid=history-notes]').text()).toBe('Large whole numbers are drawn rounded; an export has every digit.'))
  })

  it('says what is under the cursor when it is moved by keyboard', async () => {
    const page = await mountDevice({ tempC: 23, doorState: 'closed' })
    const cursor = () => page.find('[data-testid=history-cursor]')
    await vi.waitFor(() => expect(page.findAll('[data-metric] [data-testid=history-readout]')).toHaveLength(2))
    for (let i = 0; i < 3; i++) await cursor().trigger('keydown', { key: 'ArrowLeft', shiftKey: true })
    expect(cursor().attributes('aria-valuetext')).toMatch(/doorState: open; Temperature: 20\s°C to 24\s°C/)
    await cursor().trigger('keydown', { key: 'Home' })
    expect(cursor().attributes('aria-valuetext')).toMatch(/Temperature: no value/)
  })

  it('keeps range and zoom in the address, and offers exactly what is shown as a file', async () => {
    const page = await mountDevice({ tempC: 23 }, '?from=2026-11-13T10:00:00Z&to=2026-11-13T12:00:00Z')
    await vi.waitFor(() => expect(asked).toHaveLength(1))
    expect(asked[0]).toMatchObject({ metric: 'tempC', from: '2026-11-13T10:00:00.000Z', to: '2026-11-13T12:00:00.000Z' })
    const link = page.find('a[download]')
    expect(link.attributes('href')).toBe('/api/sensors/tor-1/export?format=csv&from=2026-11-13T10%3A00%3A00.000Z&to=2026-11-13T12%3A00%3A00.000Z')
    await page.find('[data-testid=history-cursor]').trigger('keydown', { key: 'PageUp' })
    await vi.waitFor(() => expect(useRouter().currentRoute.value.query.from).toBe('2026-11-13T09:00:00.000Z'))
    await page.find('[data-testid=range-24h]').trigger('click')
    await vi.waitFor(() => expect(useRouter().currentRoute.value.query).toEqual({ range: '24h' }))
    await vi.waitFor(() => expect(Date.parse(String(asked.at(-1)?.to)) - Date.parse(String(asked.at(-1)?.from))).toBe(24 * 60 * MINUTE))
  })

  it('shows the points as a table', async () => {
    const page = await mountDevice({ tempC: 23 })
    await vi.waitFor(() => expect(page.find('[data-metric=tempC] button').exists()).toBe(true))
    await page.find('[data-metric=tempC] button').trigger('click')
    expect(page.findAll('[data-metric=tempC] tbody tr')).toHaveLength(2)
    expect(page.find('[data-metric=tempC] table').text()).toMatch(/Lowest.*20\s°C/s)
  })

  it('draws the first six of many and the others when asked for', async () => {
    const page = await mountDevice(Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`value${i}`, i])))
    await vi.waitFor(() => expect(page.findAll('figure[data-metric]')).toHaveLength(6))
    await page.findAll('[data-testid=history] button').find(button => button.text() === 'Show all 9 values')?.trigger('click')
    await vi.waitFor(() => expect(page.findAll('figure[data-metric]')).toHaveLength(9))
  })

  it('says that nothing was recorded', async () => {
    isEmpty = true
    const page = await mountDevice({ tempC: 23 })
    await vi.waitFor(() => expect(page.find('[data-testid=history]').text()).toContain('Nothing was recorded in this time.'))
  })

  it('says that there is no history, and asks no more', async () => {
    fault = { statusCode: 503, code: 'history-unavailable' }
    const page = await mountDevice({ tempC: 23 })
    await vi.waitFor(() => expect(page.find('[data-testid=history]').text()).toContain('No history can be read'))
    expect(page.find('[data-testid=history] button').exists()).toBe(false)
  })

  it('offers another attempt when loading failed', async () => {
    fault = { statusCode: 500, code: 'internal' }
    const page = await mountDevice({ tempC: 23 })
    await vi.waitFor(() => expect(page.find('[data-testid=history-failed]').exists()).toBe(true))
    fault = null
    await page.find('[data-testid=history-failed] button').trigger('click')
    await vi.waitFor(() => expect(page.find('[data-metric=tempC]').exists()).toBe(true))
    expect(page.find('[data-testid=history-failed]').exists()).toBe(false)
  })

  it('shows what the device was when in words, also as a table, and goes on with the stream', async () => {
    const page = await mountDevice({ tempC: 23 })
    const strip = () => page.find('[data-testid=history-presence]')
    await vi.waitFor(() => expect(strip().find('[data-testid=presence-bands]').text()).toMatch(/live.*silent.*not heard/s))
    expect(strip().find('[data-testid=history-readout]').text()).toMatch(/^not heard since/)
    await strip().find('button').trigger('click')
    const words = () => strip().findAll('tbody tr').map(row => row.findAll('td')[2]?.text())
    expect(words()).toEqual(['live', 'silent', 'not heard'])

    const change = { deviceId: 'tor-1', presence: 'live' as const, since: new Date(NOW - MINUTE).toISOString() }
    ServerSocket.latest.say({ type: 'presence', data: change })
    await vi.waitFor(() => expect(words()).toEqual(['live', 'silent', 'not heard', 'live']))
    // A better known interval, another device, and what is known already are no lines.
    ServerSocket.latest.say({ type: 'presence', data: { ...change, intervalSeconds: 3 } })
    ServerSocket.latest.say({ type: 'presence', data: { ...change, deviceId: 'tor-2', presence: 'silent' } })
    ServerSocket.latest.say({ type: 'presence', data: { ...change, presence: 'late', since: new Date(NOW).toISOString() } })
    await vi.waitFor(() => expect(words()).toEqual(['live', 'silent', 'not heard', 'live', 'late']))
  })

  it('says when no presence is kept, and when there is too much of it', async () => {
    [isEmpty, isCut] = [true, true]
    const page = await mountDevice({ tempC: 23 })
    await vi.waitFor(() => expect(page.find('[data-testid=history-presence]').text()).toMatch(/no changes are kept.*Earlier changes/s))
    expect(page.find('[data-testid=history-presence] button').exists()).toBe(false)
  })
})
