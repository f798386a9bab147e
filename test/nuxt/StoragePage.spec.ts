import { mountSuspended, registerEndpoint } from '@nuxt/test-utils/runtime'
import { createError } from 'h3'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import type { Storage } from '#shared/schemas/storage'
import DefaultLayout from '~/layouts/default.vue'
import StoragePage from '~/pages/storage.vue'
import { ServerSocket } from './support/socket'
import { useStage } from './support/stage'

const REPORT: Storage = {
  bytes: 500_000_000,
  limitBytes: 2_000_000_000,
  durability: 'full',
  fault: null,
  devices: 43,
  series: 212,
  messages: 12_345_678,
  tiers: [
    { tier: 'raw', bytes: 450_000_000, from: '2026-11-09T12:00:00Z', days: 14, bytesPerDay: 82_000_000 },
    { tier: 'hour', bytes: 0, from: null, days: null, bytesPerDay: null },
  ],
  daysThatFit: 23.4,
  metrics: [{ deviceId: 'tor-1', metric: 'tempC', bytes: 100_000_000 }],
}
let answer: Storage | null = REPORT
let requests = 0

registerEndpoint('/api/rejections', () => ({ total: 0, byReason: {}, recent: [] }))
registerEndpoint('/api/storage', () => {
  requests++
  if (!answer) throw createError({ statusCode: 503 })
  return answer
})

async function mountStorage() {
  const page = await mountSuspended({
    components: { DefaultLayout, StoragePage },
    template: '<DefaultLayout><StoragePage /></DefaultLayout>',
  }, { route: '/storage' })
  ServerSocket.latest.accept()
  ServerSocket.latest.say({ type: 'snapshot', data: [] })
  return page
}

describe('the page of the storage', () => {
  useStage({ isTimeRunning: true })
  beforeEach(() => {
    answer = REPORT
    requests = 0
  })

  it('says how much is used, what is kept since when and for how long, and what costs most', async () => {
    const page = await mountStorage()
    await vi.waitFor(() => expect(page.text()).toMatch(/500 MB of 2 GB used \(25%\)/))
    expect(page.text()).toContain('messages of 23 days fit into the limit')
    expect(page.text()).toContain('safe on disk before it is acknowledged')
    expect(page.text()).toMatch(/Every message.*9 Nov 2026.*14 days.*450 MB.*82 MB/s)
    expect(page.text()).toMatch(/Hours.*nothing yet.*for ever.*not known yet/s)
    expect(page.text()).toMatch(/tor-1.*tempC.*100 MB.*20%/s)
    expect(page.find('[data-testid=storage-fault]').exists()).toBe(false)
  })

  it('is refreshed every ten seconds, and shows a fault', async () => {
    const page = await mountStorage()
    await vi.waitFor(() => expect(page.text()).toContain('25%'))
    answer = { ...REPORT, fault: 'database or disk is full' }
    await vi.advanceTimersByTimeAsync(5_000)
    ServerSocket.latest.say({ type: 'pong' })
    await vi.advanceTimersByTimeAsync(5_000)
    await vi.waitFor(() => expect(page.find('[data-testid=storage-fault]').text()).toContain('database or disk is full'))
    expect(requests).toBe(2)
  })

  it('says that no history is kept', async () => {
    answer = null
    const page = await mountStorage()
    await vi.waitFor(() => expect(page.text()).toContain('No history is kept'))
  })
})
