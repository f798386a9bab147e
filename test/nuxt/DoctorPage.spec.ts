import { mountSuspended, registerEndpoint } from '@nuxt/test-utils/runtime'
import { createError } from 'h3'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import type { Doctor } from '#shared/schemas/doctor'
import DoctorPage from '~/pages/doctor.vue'
import { ServerSocket } from './support/socket'
import { NOW, useStage } from './support/stage'

const at = new Date(NOW).toISOString()
const REPORT: Doctor = {
  at,
  status: 'fault',
  checks: [
    { check: 'broker', status: 'ok', code: 'broker-reached', facts: { url: 'mqtt://broker:1883' } },
    { check: 'messages', status: 'fault', code: 'messages-elsewhere', facts: { filters: ['sensors/#'], count: 12, topics: ['foo/<b>bar</b>', 'foo/baz'] } },
    { check: 'clocks', status: 'warning', code: 'clocks-wrong', facts: { count: 1, of: 3, devices: ['tor-1'], aheadSeconds: [-31_536_000] } },
    { check: 'acceptance', status: 'unknown', code: 'skipped', facts: {} },
  ],
  examination: null,
}
let report = REPORT
let examine: () => object = () => ({})

registerEndpoint('/api/doctor', () => report)
registerEndpoint('/api/doctor/examination', { method: 'POST', handler: () => examine() })

async function mountDoctor() {
  const page = await mountSuspended(DoctorPage, { route: '/doctor' })
  ServerSocket.latest.accept()
  ServerSocket.latest.say({ type: 'snapshot', data: [] })
  await vi.waitFor(() => expect(page.find('[data-testid=doctor-summary]').exists()).toBe(true))
  return page
}

describe('the page of the doctor', () => {
  useStage({ isTimeRunning: true })
  beforeEach(() => {
    report = REPORT
    examine = () => ({})
  })

  it('says of each check how it stands, what is the case and what to do', async () => {
    const page = await mountDoctor()
    expect(page.find('[data-testid=doctor-summary]').text()).toContain('in the way')
    const check = (name: string) => page.find(`[data-testid=check-${name}]`).text()
    expect(check('broker')).toMatch(/Broker.*well.*mqtt:\/\/broker:1883 answers/s)
    expect(check('broker')).not.toContain('What to do')
    expect(check('messages')).toMatch(/fault.*12 topics outside of sensors\/#.*What to do.*sensors\/NAME\/telemetry.*foo\/<b>bar<\/b>.*and 10 more/s)
    expect(check('clocks')).toMatch(/attention.*tor-1 · 365 days behind/s)
    expect(check('acceptance')).toMatch(/unknown/)
  })

  it('looks further when asked, and shows what it saw', async () => {
    const page = await mountDoctor()
    examine = () => {
      report = { ...REPORT, examination: { at, outcome: 'looked', reason: null, seconds: 5, isCut: true, messages: 7, ownStatusSeen: true, others: [{ topic: 'foo/bar', messages: 7, retained: true }], othersTotal: 1, strangers: [], within: 0 } }
      return {}
    }
    await page.findAll('button').find(button => button.text() === 'Look now')?.trigger('click')
    await vi.waitFor(() => expect(page.find('[data-testid=doctor-examination]').text()).toMatch(/One topic outside.*ended early/s))
    expect(page.text()).toMatch(/foo\/bar\s*7 messages · retained/)
  })

  it('says that it could not look', async () => {
    const page = await mountDoctor()
    examine = () => {
      throw createError({ statusCode: 503, data: { error: { code: 'broker-unavailable', message: 'There is no connection to the broker.' } } })
    }
    await page.findAll('button').find(button => button.text() === 'Look now')?.trigger('click')
    await vi.waitFor(() => expect(page.find('[role=alert]').text()).toContain('It was not possible to look'))
  })
})
