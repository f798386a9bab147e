import type { Page } from 'playwright-core'
import { afterAll, describe, expect, it } from 'vitest'
import { startApp } from './support/app'
import { connectDevice, startMosquitto } from './support/broker'
import { closeBrowser, openPage, untilAlive } from './support/browser'
import { findBrowser, mosquitto } from './support/dependencies'
import { until } from './support/until'

const browser = await findBrowser().catch(() => false)
const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

afterAll(closeBrowser)

async function startWithDevice() {
  const broker = await startMosquitto()
  const app = await startApp({ NUXT_MQTT_URL: broker.url })
  await app.untilBroker('connected')
  const device = await connectDevice(broker.url)
  const say = () => device.publishAsync('sensors/gate/telemetry', '{"metrics":{"tempC":21.5,"doorState":"open"}}', { qos: 1 })
  // There is a past to go to.
  for (const agoMs of [HOUR, SECOND]) {
    const ts = new Date(Date.now() - agoMs).toISOString()
    await device.publishAsync('sensors/gate/telemetry', JSON.stringify({ ts, metrics: { tempC: 21 } }), { qos: 1 })
  }
  await say()
  await until(async () => (await app.health()).devices === 1 || undefined, 'the device')
  return { app, say }
}

/** A page whose computer's clock is `aheadMs` ahead; `globalThis.aheadMs` sets it while the page is open. */
async function openShifted(url: string, path: string, aheadMs: number, locale = 'en-GB') {
  const page = await openPage(`${url}/api/session`, { locale })
  await page.addInitScript(`
    globalThis.aheadMs = ${aheadMs}
    const Real = Date
    globalThis.Date = class extends Real {
      constructor(...given) { super(...(given.length > 0 ? given : [Real.now() + globalThis.aheadMs])) }
      static now() { return Real.now() + globalThis.aheadMs }
    }
  `)
  const asked: URL[] = []
  page.on('request', request => asked.push(new URL(request.url())))
  await page.goto(url + path)
  await untilAlive(page)
  return { page, asked, set: (ms: number) => page.evaluate(`globalThis.aheadMs = ${ms}`) }
}

const notice = (page: Page) => page.getByTestId('clock-notice')
const FRESH = /^(?:now|[0-9]|[1-5][0-9]) ?(?:seconds? ago)?$/

/** How far the ends of the live windows that were asked for lie from the present, and how long they are. */
function windowsOf(asked: readonly URL[], what: 'history' | 'presence') {
  return asked.filter(({ pathname }) => pathname.endsWith(`/${what}`)).map(({ searchParams }) => {
    const [from, to] = [Date.parse(searchParams.get('from') ?? ''), Date.parse(searchParams.get('to') ?? '')]
    return { offMs: Math.abs(to - Date.now()), lengthMs: to - from }
  })
}

describe.skipIf(!mosquitto || !browser)('a viewer whose clock is wrong', () => {
  it.each([['2 h ahead', 2 * HOUR], ['2 h behind', -2 * HOUR], ['a day ahead', DAY], ['a day behind', -DAY]])('%s sees the times of the server', async (_, aheadMs) => {
    const { app, say } = await startWithDevice()
    const { page, asked } = await openShifted(app.url, '/devices/gate', aheadMs)
    await page.getByTestId('history').locator('[data-metric=tempC] [data-testid=history-readout]').waitFor()
    for (const what of ['history', 'presence'] as const) {
      const windows = windowsOf(asked, what)
      expect(windows.length, what).toBeGreaterThan(0)
      for (const { offMs, lengthMs } of windows) {
        expect(offMs, what).toBeLessThan(MINUTE)
        expect(lengthMs, what).toBe(HOUR)
      }
    }
    await notice(page).waitFor()
    expect(await notice(page).textContent()).toContain(`This computer’s clock is ${Math.abs(aheadMs) === DAY ? '24 hrs' : '2 hrs'} ${aheadMs > 0 ? 'fast' : 'slow'}.`)
    const file = new URL(await page.locator('a[download]').first().getAttribute('href') ?? '', app.url)
    expect(Math.abs(Date.parse(file.searchParams.get('to') ?? '') - Date.now())).toBeLessThan(MINUTE)

    await say()
    await page.goto(app.url)
    const heard = page.getByTestId('device').locator('time').last()
    await heard.waitFor()
    expect(await heard.textContent()).toMatch(FRESH)
    await page.getByTestId('past-enter').click()
    await page.waitForURL(url => url.searchParams.has('at'))
    const at = Date.parse(new URL(page.url()).searchParams.get('at') ?? '')
    expect(Math.abs(Date.now() - 10 * MINUTE - at)).toBeLessThan(MINUTE)

    await page.goto(`${app.url}/wall`)
    const clock = page.getByTestId('wall-clock')
    await clock.waitFor()
    expect(Math.abs(Date.parse(await clock.getAttribute('datetime') ?? '') - Date.now())).toBeLessThan(MINUTE)
    await notice(page).waitFor()
  })

  it('is told when it is set while the page is open, and no more when it is right', async () => {
    const { app, say } = await startWithDevice()
    const { page, asked, set } = await openShifted(app.url, '/', 0, 'de-DE')
    const heard = page.getByTestId('device').locator('time').last()
    await heard.waitFor()
    // An answer to what time it is has come, and nothing was to be said.
    await until(() => asked.some(({ pathname }) => pathname === '/api/session') || undefined, 'the question for the time')
    expect(await notice(page).count()).toBe(0)
    for (const [aheadMs, text] of [[2 * HOUR, '2 Std. vor'], [-DAY, '24 Std. nach'], [92 * SECOND, '90 Sek. vor']] as const) {
      await set(aheadMs)
      await notice(page).getByText(text).waitFor()
      await say()
      await until(async () => /^(?:jetzt|vor \d{1,2} Sekunden?)$/.test(await heard.textContent() ?? '') || undefined, 'the right time')
    }
    await set(0)
    await notice(page).waitFor({ state: 'detached' })
    await set(50 * SECOND)
    await page.getByTestId('device').first().getByRole('link').first().click()
    await page.getByTestId('history').locator('[data-metric=tempC] [data-testid=history-readout]').waitFor()
    expect(await notice(page).count()).toBe(0)
  })

  it('whose whole computer is at another time, in the words of the browser’s own tool', async () => {
    const { app } = await startWithDevice()
    const page = await openPage(`${app.url}/api/session`)
    await page.clock.install({ time: Date.now() - 3 * DAY })
    await page.goto(app.url)
    const heard = page.getByTestId('device').locator('time').last()
    await heard.waitFor()
    expect(await heard.textContent()).toMatch(FRESH)
    await notice(page).getByText('3 days slow').waitFor()
    // Asleep for two hours, of which the other clocks know nothing.
    await page.clock.fastForward(2 * HOUR)
    await notice(page).getByText('70 hrs slow').or(notice(page).getByText('2.9 days slow')).waitFor()
    expect(await heard.textContent()).toMatch(FRESH)
  })
})
