import { mountSuspended, registerEndpoint } from '@nuxt/test-utils/runtime'
import { readBody } from 'h3'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { nextTick } from 'vue'
import type { DeviceProfile, KnownDevice } from '#shared/schemas/profile'
import { withTelemetry } from '#shared/device/device-state'
import { DeviceProfileSchema } from '#shared/schemas/profile'
import ProfileEditor from '~/components/profile/ProfileEditor.vue'
import DevicePage from '~/pages/devices/[deviceId].vue'
import OverviewPage from '~/pages/index.vue'
import { ServerSocket } from './support/socket'
import { CONNECTED, telemetry, useStage } from './support/stage'

let known: KnownDevice[] = []
let saved: DeviceProfile[] = []
registerEndpoint('/api/devices', () => known)
registerEndpoint('/api/devices/tor-1', { method: 'PUT', handler: async (event) => {
  const profile = DeviceProfileSchema.parse(await readBody(event))
  saved.push(profile)
  return { deviceId: 'tor-1', ...profile }
} })
registerEndpoint('/api/rejections', () => ({ total: 0, byReason: {}, recent: [] }))

const FLEET = [
  withTelemetry(undefined, telemetry('tor-1', { tempC: 21.456, rssi: -60 })),
  withTelemetry(undefined, telemetry('tor-2', { tempC: 5 })),
  withTelemetry(undefined, telemetry('tor-3', { tempC: 7 })),
]

async function settle(ms = 500) {
  await nextTick()
  await vi.advanceTimersByTimeAsync(ms)
  await nextTick()
}

describe('what people say about devices', () => {
  useStage({ isTimeRunning: true })
  beforeEach(() => {
    vi.spyOn(HTMLElement.prototype, 'clientHeight', 'get').mockReturnValue(800)
    vi.spyOn(HTMLElement.prototype, 'clientWidth', 'get').mockReturnValue(1_200)
    saved = []
    known = [
      { deviceId: 'tor-1', name: 'Zufahrt', group: 'Tore', place: 'Hof', icon: 'truck', metrics: { tempC: { unit: 'K', decimals: 1 }, rssi: { hidden: true } } },
      { deviceId: 'tor-2', name: 'Ausfahrt', group: 'Tore' },
    ]
  })

  async function mountOverview(path = '/?sort=name') {
    const page = await mountSuspended(OverviewPage, { route: path })
    ServerSocket.latest.accept()
    ServerSocket.latest.say({ type: 'snapshot', data: FLEET })
    ServerSocket.latest.say({ type: 'broker', data: CONNECTED })
    await settle()
    return { page, rows: () => page.findAll('[data-testid=device]').map(row => row.text()), names: () => page.findAll('[data-testid=device] a').map(link => link.text()) }
  }

  it('is shown instead of deviceIds, sorted by and found, with units and decimals; what is hidden is not', async () => {
    const { page, names, rows } = await mountOverview()
    await vi.waitFor(() => expect(names()).toEqual(['Ausfahrttor-2', 'tor-3', 'Zufahrttor-1']))
    expect(rows()[2]).toMatch(/21\.5\sK/)
    expect(rows()[2]).not.toContain('-60')

    await page.find('input[type=search]').setValue('zufahrt')
    await settle()
    expect(names()).toEqual(['Zufahrttor-1'])
    await page.find('input[type=search]').setValue('tor-2')
    await settle()
    expect(names()).toEqual(['Ausfahrttor-2'])
  })

  it('follows the stream', async () => {
    const { names } = await mountOverview()
    await vi.waitFor(() => expect(names()).toContain('Ausfahrttor-2'))
    ServerSocket.latest.say({ type: 'device', data: { deviceId: 'tor-3', name: 'Keller' } })
    ServerSocket.latest.say({ type: 'device', data: { deviceId: 'tor-2' } })
    await settle()
    expect(names()).toEqual(['Kellertor-3', 'tor-2', 'Zufahrttor-1'])
  })

  it('filters by group and place, as the address says', async () => {
    const { page, names } = await mountOverview('/?sort=name&group=Tore')
    await vi.waitFor(() => expect(names()).toEqual(['Ausfahrttor-2', 'Zufahrttor-1']))
    const chip = (text: string) => page.findAll('button').filter(button => button.text() === text)[0]
    expect(chip('Tore')?.attributes('aria-pressed')).toBe('true')
    await chip('Hof')?.trigger('click')
    await settle()
    expect(names()).toEqual(['Zufahrttor-1'])
    await chip('Hof')?.trigger('click')
    await settle()
    await chip('Tore')?.trigger('click')
    await settle()
    expect(names()).toHaveLength(3)
  })

  it('stands on the page of the device, hidden values at a click', async () => {
    const page = await mountSuspended(DevicePage, { route: '/devices/tor-1' })
    ServerSocket.latest.accept()
    ServerSocket.latest.say({ type: 'snapshot', data: FLEET })
    await vi.waitFor(() => expect(page.find('h1').text()).toContain('Zufahrt'))
    expect(page.text()).toContain('tor-1')
    expect(page.text()).not.toContain('-60')
    await page.find('[data-testid=show-hidden]').trigger('click')
    expect(page.text()).toContain('-60')
  })

  it('is edited in a form that names every wrong field, and saves what is right', async () => {
    await mountOverview()
    await vi.waitFor(() => expect(known.length).toBe(2))
    await mountSuspended(ProfileEditor, { props: { deviceId: 'tor-1', metrics: ['tempC', 'rssi'], open: true }, attachTo: document.body })
    await settle()
    const form = document.querySelector('[data-testid=profile-form]')
    const field = (name: string) => form?.querySelector<HTMLInputElement>(`input[name="${name}"]`)
    const type = (name: string, text: string) => {
      const input = field(name)
      if (!input) throw new Error(`There is no field ${name}.`)
      input.value = text
      input.dispatchEvent(new Event('input'))
    }
    type('intervalSeconds', 'often')
    type('metrics.0.decimals', '2.5')
    form?.dispatchEvent(new Event('submit', { cancelable: true }))
    await settle()
    expect(form?.textContent).toContain('A number of seconds from 0.1')
    expect(form?.textContent).toContain('A whole number from 0 to 10')
    expect(saved).toEqual([])

    type('name', ' Rampe ')
    type('intervalSeconds', '2,5')
    type('metrics.0.decimals', '2')
    form?.dispatchEvent(new Event('submit', { cancelable: true }))
    await vi.waitFor(() => expect(saved).toHaveLength(1))
    expect(saved[0]).toMatchObject({ name: 'Rampe', group: 'Tore', place: 'Hof', icon: 'truck', intervalSeconds: 2.5, metrics: { tempC: { unit: 'K', decimals: 2 }, rssi: { hidden: true } } })
  })
})
