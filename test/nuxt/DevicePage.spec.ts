import { useNuxtApp } from '#imports'
import { mountSuspended, registerEndpoint } from '@nuxt/test-utils/runtime'
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { nextTick } from 'vue'
import { withStatus, withTelemetry } from '#shared/device/device-state'
import type { Presence, PresenceChange } from '#shared/schemas/device'
import type { Telemetry } from '#shared/schemas/telemetry'
import DefaultLayout from '~/layouts/default.vue'
import DevicePage from '~/pages/devices/[deviceId].vue'
import { ServerSocket } from './support/socket'
import { CONNECTED, NOW, telemetry, useStage } from './support/stage'

let remembered: Telemetry[] = []
registerEndpoint('/api/sensors/tor-1/messages', () => ({ deviceId: 'tor-1', messages: remembered, next: null }))
registerEndpoint('/api/rejections', () => ({ total: 0, byReason: {}, recent: [] }))

async function mountDevice() {
  const page = await mountSuspended({
    components: { DefaultLayout, DevicePage },
    template: '<DefaultLayout><DevicePage /></DefaultLayout>',
  }, { route: '/devices/tor-1' })
  ServerSocket.latest.accept()
  return page
}

async function settle(ms = 100) {
  await nextTick()
  await vi.advanceTimersByTimeAsync(ms)
  await nextTick()
}

describe('the page of a device', () => {
  useStage({ isTimeRunning: true })
  beforeEach(() => {
    remembered = []
  })

  it('says what to send when the device is unknown, and comes alive when it speaks', async () => {
    const page = await mountDevice()
    ServerSocket.latest.say({ type: 'snapshot', data: [] })
    ServerSocket.latest.say({ type: 'broker', data: { ...CONNECTED, url: 'mqtt://mosquitto:1884' } })
    await settle()
    expect(page.text()).toContain('This device is not known')
    expect(page.find('code').text()).toContain('-h mosquitto -p 1884 -t sensors/tor-1/telemetry')

    ServerSocket.latest.say({ type: 'telemetry', data: telemetry('tor-1', { doorState: 'open' }) })
    await settle()
    expect(page.find('[data-testid=door]').text()).toBe('open')
    expect(page.text()).not.toContain('This device is not known')
  })

  it('has a dash where a metric has no value, and every digit of a large number', async () => {
    const page = await mountDevice()
    const first = { ...telemetry('tor-1', { tempC: 21.5, energyKWh: '9007199254740993' }, 60), exact: ['energyKWh'] }
    remembered = [{ ...telemetry('tor-1', {}), absent: ['tempC'] }, first]
    ServerSocket.latest.say({ type: 'snapshot', data: [withTelemetry(undefined, first)] })
    ServerSocket.latest.say({ type: 'broker', data: CONNECTED })
    await settle()
    const cells = () => page.findAll('[data-testid=values] tbody tr').map(row => row.find('td').text())
    expect(cells()).toEqual(['21.5\u00A0°C', '9007199254740993\u00A0kWh'])
    ServerSocket.latest.say({ type: 'telemetry', data: { ...telemetry('tor-1', {}), absent: ['tempC'] } })
    await settle()
    expect(cells()).toEqual(['–no value', '9007199254740993\u00A0kWh'])
    await vi.waitFor(() => expect(page.find('[data-testid=messages]').text()).toContain('{"tempC":21.5,"energyKWh":9007199254740993}'))
    expect(page.find('[data-testid=messages]').text()).toContain('{"tempC":null}')
  })

  it('says how long the device has been silent, how often it reports and from when on it is called so, and announces what changes', async () => {
    const page = await mountDevice()
    const device = withTelemetry(undefined, telemetry('tor-1', { tempC: 1 }, 12 * 60))
    ServerSocket.latest.say({ type: 'snapshot', data: [{ ...device, presence: 'live', intervalSeconds: 30, silentAfterSeconds: 82.5 }] })
    ServerSocket.latest.say({ type: 'broker', data: CONNECTED })
    await settle()
    const presence = () => page.find('[data-testid=presence]').text()
    const announced = () => page.find('[data-testid=device-announcement]').text()
    expect(presence()).toMatch(/^live, reports every 30\ssecs, silent after 83\ssecs$/)
    expect(announced()).toBe('')

    const since = new Date(NOW).toISOString()
    const say = (word: Presence) => ServerSocket.latest.say({ type: 'presence', data: { deviceId: 'tor-1', presence: word, since, intervalSeconds: 30, silentAfterSeconds: 82.5 } })
    say('late')
    say('silent')
    await settle(1_500)
    expect(presence()).toMatch(/^silent for 12\smins?, reports every 30\ssecs, silent after 83\ssecs$/)
    expect(announced()).toBe('Fallen silent: tor-1.')
    say('live')
    await settle(1_500)
    expect(announced()).toBe('Heard again: tor-1.')
    say('offline')
    await settle(1_500)
    expect(presence()).toMatch(/^signed off for \d.*, reports every 30\ssecs, silent after 83\ssecs$/)
    expect(announced()).toBe('Signed off: tor-1.')
  })

  it('says in both languages from when on a device is called silent, also where no interval is known', async () => {
    const page = await mountDevice()
    const device = withTelemetry(undefined, telemetry('tor-1', { tempC: 1 }))
    ServerSocket.latest.say({ type: 'snapshot', data: [{ ...device, presence: 'live', silentAfterSeconds: 90_000 }] })
    ServerSocket.latest.say({ type: 'broker', data: CONNECTED })
    await settle()
    const { $i18n } = useNuxtApp()
    onTestFinished(() => $i18n.setLocale('en'))
    const presence = () => page.find('[data-testid=presence]').text()
    const say = (change: Omit<PresenceChange, 'deviceId' | 'since'>) => {
      ServerSocket.latest.say({ type: 'presence', data: { deviceId: 'tor-1', since: new Date(NOW).toISOString(), ...change } })
      return settle(1_500)
    }
    expect(presence()).toMatch(/^live, silent after 25\shrs$/)
    await $i18n.setLocale('de')
    await settle()
    expect(presence()).toMatch(/^aktiv, gilt nach 25\sStd\. als verstummt$/)
    await say({ presence: 'live', intervalSeconds: 0.2, silentAfterSeconds: 2.75 })
    expect(presence()).toMatch(/^aktiv, meldet sich alle 0,2\sSek\., gilt nach 2,8\sSek\. als verstummt$/)
    // It is not called silent before it is heard.
    await say({ presence: 'unknown', silentAfterSeconds: 90_000 })
    expect(presence()).toBe('seit dem Start des Servers nicht gehört')
  })

  it('shows values, status, wrong clock and the last messages, and goes on live', async () => {
    const claimed = { ...telemetry('tor-1', { tempC: 22.4 }, 30), claimedTs: '2031-01-01T00:00:00.000Z' }
    remembered = [claimed]
    const at = new Date(NOW).toISOString()
    const device = withStatus(withTelemetry(undefined, claimed), { deviceId: 'tor-1', status: 'maintenance', updatedAt: at, receivedAt: at })
    const page = await mountDevice()
    ServerSocket.latest.say({ type: 'snapshot', data: [device] })
    ServerSocket.latest.say({ type: 'broker', data: CONNECTED })
    await vi.waitFor(() => expect(page.findAll('[data-testid=messages] li')).toHaveLength(1))
    expect(page.text()).toMatch(/Temperature.*22\.4\s°C/s)
    expect(page.text()).toContain('maintenance')
    expect(page.text()).toContain('the device claims 1 Jan 2031')

    ServerSocket.latest.say({ type: 'telemetry', data: telemetry('tor-1', { tempC: 23 }) })
    await settle()
    expect(page.findAll('[data-testid=messages] li').map(line => line.find('code').text())).toEqual(['{"tempC":23}', '{"tempC":22.4}'])
  })

  it('says that the server is lost, since when, and that values are old, and then that it is back', async () => {
    const page = await mountDevice()
    const snapshot = [withTelemetry(undefined, telemetry('tor-1', { tempC: 1 }))]
    ServerSocket.latest.say({ type: 'snapshot', data: snapshot })
    ServerSocket.latest.say({ type: 'broker', data: CONNECTED })
    await settle()
    expect(page.find('[data-testid=connection-banner]').exists()).toBe(false)

    ServerSocket.latest.drop()
    await settle()
    expect(page.find('[data-testid=connection-banner]').text()).toMatch(/server lost.*14 Nov 2026.*last known/s)
    expect(page.find('[aria-live=polite]').text()).toBe('Connection to the server lost.')
    expect(page.find('.is-old').exists()).toBe(true)

    await settle(3_000)
    ServerSocket.latest.accept()
    ServerSocket.latest.say({ type: 'snapshot', data: snapshot })
    await settle()
    expect(page.find('[data-testid=connection-banner]').exists()).toBe(false)
    expect(page.find('[aria-live=polite]').text()).toBe('Connection to the server restored.')
    expect(page.find('.is-old').exists()).toBe(false)
  })

  it('explains in words why the broker is lost, with the reason of the server', async () => {
    const page = await mountDevice()
    ServerSocket.latest.say({ type: 'snapshot', data: [] })
    ServerSocket.latest.say({ type: 'broker', data: { ...CONNECTED, code: 'login-refused', reason: 'Check NUXT_MQTT_PASSWORD.', attempts: 1 } })
    await settle()
    expect(page.find('[data-testid=connection-banner]').text()).toMatch(/refuses the login.*NUXT_MQTT_PASSWORD/s)
  })
})
