import { mountSuspended, registerEndpoint } from '@nuxt/test-utils/runtime'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { nextTick } from 'vue'
import { withTelemetry } from '#shared/device/device-state'
import OverviewPage from '~/pages/index.vue'
import { ServerSocket } from './support/socket'
import { CONNECTED, NOW, telemetry, useStage } from './support/stage'

const device = (...message: Parameters<typeof telemetry>) => withTelemetry(undefined, telemetry(...message))
const FLEET = [
  device('tor-10', { tempC: 22.4, doorState: 'closed' }),
  device('tor-2', { tempC: 19.1, doorState: 'open' }),
  { ...device('tor-1', { humidity: 48.2, charging: true }, 600), presence: 'silent' as const },
]

async function mountOverview(path = '/?sort=name') {
  const page = await mountSuspended(OverviewPage, { route: path })
  ServerSocket.latest.accept()
  return {
    page,
    async show(devices = FLEET) {
      ServerSocket.latest.say({ type: 'snapshot', data: devices })
      ServerSocket.latest.say({ type: 'broker', data: CONNECTED })
      await settle()
    },
    rows: () => page.findAll('[data-testid=device]').map(row => row.text()),
    names: () => page.findAll('[data-testid=device] a').map(link => link.text()),
  }
}

/** Lets throttled refreshes and the next frames happen. */
async function settle(ms = 400) {
  await nextTick()
  await vi.advanceTimersByTimeAsync(ms)
  await nextTick()
}

describe('the overview', () => {
  useStage({ isTimeRunning: true })
  beforeEach(() => {
    // happy-dom lays nothing out: without a height the list would draw no rows.
    vi.spyOn(HTMLElement.prototype, 'clientHeight', 'get').mockReturnValue(800)
    vi.spyOn(HTMLElement.prototype, 'clientWidth', 'get').mockReturnValue(1_200)
  })

  it('shows that it is loading until the snapshot is there', async () => {
    const { page, show } = await mountOverview()
    expect(page.find('[data-testid=fleet-loading]').exists()).toBe(true)
    await show()
    expect(page.find('[data-testid=fleet-loading]').exists()).toBe(false)
  })

  it('tells a newcomer what to type', async () => {
    const { page, show } = await mountOverview()
    await show([])
    expect(page.find('code').text()).toBe(`mosquitto_pub -h localhost -p 1883 -t sensors/tor-1/telemetry -m '{"metrics":{"tempC":22.4,"doorState":"open"}}'`)
  })

  it('shows every device with values, units, words and age, in natural order', async () => {
    const { show, names, rows } = await mountOverview()
    await show()
    expect(names()).toEqual(['tor-1', 'tor-2', 'tor-10'])
    const [silent, open, closed] = rows()
    expect(silent).toMatch(/silent.*48\.2\s%.*yes.*10 minutes ago/s)
    expect(open).toMatch(/open.*19\.1\s°C/s)
    expect(closed).toContain('closed')
    expect(closed).not.toContain('silent')
  })

  it('counts devices by presence, shows those of one, and follows what the server says', async () => {
    const { page, show, names } = await mountOverview()
    await show()
    const chip = (choice: string) => page.find(`[data-testid=filter-${choice}]`)
    expect(chip('silent').text()).toMatch(/Silent\s*1/)
    expect(chip('live').text()).toMatch(/Live\s*2/)
    await chip('silent').trigger('click')
    await settle()
    expect(names()).toEqual(['tor-1'])
    const since = new Date(NOW).toISOString()
    ServerSocket.latest.say({ type: 'presence', data: { deviceId: 'tor-1', presence: 'live', since } })
    ServerSocket.latest.say({ type: 'presence', data: { deviceId: 'tor-2', presence: 'silent', since } })
    await settle(4_000)
    expect(names()).toEqual(['tor-2'])
    expect(chip('live').text()).toMatch(/Live\s*2/)
  })

  it('puts what needs attention first, unless asked otherwise', async () => {
    const { show, names } = await mountOverview('/')
    await show()
    expect(names()).toEqual(['tor-2', 'tor-1', 'tor-10'])
  })

  it('finds a device by name, value or the words shown', async () => {
    for (const [query, found] of [['tor-10', 'tor-10'], ['19.1', 'tor-2'], ['silent', 'tor-1']]) {
      const { page, show, names } = await mountOverview(`/?q=${query}`)
      await show()
      expect(names()).toEqual([found])
      page.unmount()
    }
  })

  it('is sorted by the heads of the table, which say so', async () => {
    const { page, show, names } = await mountOverview('/?sort=name&form=table')
    await show()
    const head = () => page.find('[role=columnheader]')
    expect(head().attributes('aria-sort')).toBe('ascending')
    await page.find('[data-testid=sort-device]').trigger('click')
    await settle()
    expect(names()).toEqual(['tor-10', 'tor-2', 'tor-1'])
    expect(head().attributes('aria-sort')).toBe('descending')
    await page.find('[data-testid=sort-presence]').trigger('click')
    await settle()
    expect(names()[0]).toBe('tor-1')
    expect(head().attributes('aria-sort')).toBe('none')
  })

  it('says the same in tiles', async () => {
    const { page, show, names, rows } = await mountOverview('/?sort=name&form=tiles')
    await show()
    expect(page.find('[role=table]').exists()).toBe(false)
    expect(names()).toEqual(['tor-1', 'tor-2', 'tor-10'])
    expect(rows()[0]).toMatch(/10 minutes ago.*silent.*48\.2\s%/s)
  })

  it('is grouped by what people say, and the groups can be collapsed', async () => {
    const known = [{ deviceId: 'tor-1', group: 'Hall 2' }, { deviceId: 'tor-10', group: 'Hall 10' }, { deviceId: 'tor-2', group: 'Hall 2' }]
    registerEndpoint('/api/devices', () => known)
    const { page, show, names } = await mountOverview('/?sort=name&by=group&form=table')
    await show()
    const heads = () => page.findAll('[data-testid=group-head]')
    expect(heads().map(head => head.text().replaceAll(/\s+/g, ' '))).toEqual([expect.stringMatching(/^Hall 2 ?2 devices/), expect.stringMatching(/^Hall 10 ?1 device/)])
    expect(heads()[0]?.find('[data-testid=group-silent]').text()).toMatch(/^1/)
    expect(names()).toEqual(['tor-1', 'tor-2', 'tor-10'])
    await heads()[0]?.trigger('click')
    await settle()
    expect(heads()[0]?.attributes('aria-expanded')).toBe('false')
    expect(names()).toEqual(['tor-10'])
  })

  it('offers all devices when nothing matches', async () => {
    const { page, show, names } = await mountOverview('/?q=nowhere&sort=name')
    await show()
    expect(names()).toEqual([])
    const button = page.findAll('button').find(candidate => candidate.text() === 'Show all devices')
    await button?.trigger('click')
    await settle()
    expect(names()).toEqual(['tor-1', 'tor-2', 'tor-10'])
  })

  it('shows a device at once that is new, and a value that has changed', async () => {
    const { show, names, rows } = await mountOverview()
    await show()
    ServerSocket.latest.say({ type: 'telemetry', data: telemetry('tor-3', { tempC: 5 }) })
    ServerSocket.latest.say({ type: 'telemetry', data: telemetry('tor-2', { doorState: 'closed' }) })
    await settle()
    expect(names()).toEqual(['tor-1', 'tor-2', 'tor-3', 'tor-10'])
    expect(rows()[1]).toContain('closed')
  })

  it('does not move rows under the hand, and catches up when it is gone', async () => {
    const { page, show, names } = await mountOverview('/')
    await show()
    const list = page.find('[data-testid=fleet-scroller]')
    await list.trigger('pointermove', { pointerType: 'mouse' })
    ServerSocket.latest.say({ type: 'telemetry', data: telemetry('tor-10', { doorState: 'open' }) })
    ServerSocket.latest.say({ type: 'telemetry', data: telemetry('tor-2', { doorState: 'closed' }) })
    await settle(5_000)
    expect(names()).toEqual(['tor-2', 'tor-1', 'tor-10'])
    await list.trigger('pointerleave', { pointerType: 'mouse' })
    await settle(4_000)
    expect(names()).toEqual(['tor-10', 'tor-1', 'tor-2'])
  })

  it('shows names as text, whatever they hold', async () => {
    const name = `<img src=x onerror="alert(1)"> 100% & 'Größe'`
    const { page, show, names } = await mountOverview()
    await show([device(name, { tempC: 1 })])
    expect(names()).toEqual([name])
    expect(page.find('[data-testid=device] img').exists()).toBe(false)
  })

  it('prints as many devices as there is a limit for, and says how many more there are', async () => {
    const { page, show } = await mountOverview()
    await show(Array.from({ length: 2_003 }, (_, n) => device(`d-${n}`, { tempC: n })))
    window.dispatchEvent(new Event('beforeprint'))
    await nextTick()
    const print = page.find('[data-testid=fleet-print]')
    expect(print.findAll('tbody tr')).toHaveLength(2_000)
    expect(print.text()).toContain('and 3 more devices')
    window.dispatchEvent(new Event('afterprint'))
    await nextTick()
    expect(page.find('[data-testid=fleet-print]').exists()).toBe(false)
  })
})
