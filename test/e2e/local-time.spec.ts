import type { Page } from 'playwright-core'
import { afterAll, describe, expect, it } from 'vitest'
import { startApp } from './support/app'
import { connectDevice, startMosquitto } from './support/broker'
import { axeViolations, closeBrowser, openPage } from './support/browser'
import { findBrowser, mosquitto } from './support/dependencies'
import { until } from './support/until'

const browser = await findBrowser().catch(() => false)
const HOUR = 3_600_000

afterAll(closeBrowser)

/** A device with a value in January, and every hour of two days from a moment on. */
async function startWithPast(begin: string) {
  const broker = await startMosquitto()
  const app = await startApp({ NUXT_MQTT_URL: broker.url, NUXT_HISTORY_RAW_DAYS: '0' })
  await app.untilBroker('connected')
  const device = await connectDevice(broker.url)
  const times = ['2026-01-01T00:00:00Z', ...Array.from({ length: 48 }, (_, i) => new Date(Date.parse(begin) + i * HOUR).toISOString())]
  for (const [i, ts] of times.entries()) {
    await device.publishAsync('sensors/gate/telemetry', JSON.stringify({ ts, metrics: { tempC: i } }), { qos: 1 })
  }
  await until(async () => (await app.health()).messages.accepted >= 49 || undefined, 'the messages to be stored')
  return app
}

const atOf = (page: Page) => new URL(page.url()).searchParams.get('at')
const field = (page: Page) => page.getByTestId('past-pick').locator('input').or(page.locator('input[data-testid=past-pick]')).first()
const untilAt = (page: Page, at: string) => page.waitForURL(url => url.searchParams.get('at') === at)

/** The words that are drawn on the axes of charts from now on, as often as the page draws them. */
async function drawnIn(page: Page, address: string) {
  await page.addInitScript(`
    globalThis.drawn = []
    const draw = CanvasRenderingContext2D.prototype.fillText
    CanvasRenderingContext2D.prototype.fillText = function (text, x, ...rest) { globalThis.drawn.push([x, text]); return draw.call(this, text, x, ...rest) }
  `)
  await page.goto(address)
  return until(async () => {
    const drawn: unknown = await page.evaluate('[...new Map(globalThis.drawn)].sort(([a], [b]) => a - b).map(([, text]) => text).filter(text => /:|[a-z]/.test(text))')
    return Array.isArray(drawn) && drawn.length > 0 ? drawn : undefined
  }, 'a chart to be drawn')
}

describe.skipIf(!mosquitto || !browser)('in the nights in which the clocks are set', () => {
  it('both moments of the hour that comes twice can be chosen, and are shown as what they are', async () => {
    const app = await startWithPast('2026-10-24T12:00:00Z')
    const page = await openPage(`${app.url}/?at=2026-10-25T01:30:00.250Z`, { timezoneId: 'Europe/Berlin', locale: 'de-DE' })
    await page.getByTestId('past').waitFor()
    await page.getByTestId('past-twin').getByText('MEZ (GMT+1)').waitFor()
    expect(await field(page).inputValue()).toBe('2026-10-25T02:30')
    expect(await page.getByTestId('past-moment').textContent()).toBe('25.10.2026, 02:30:00 MEZ (GMT+1)')
    expect(await axeViolations(page)).toEqual([])

    await page.getByTestId('past-twin').click()
    await page.getByRole('option', { name: 'MESZ (GMT+2)' }).click()
    await untilAt(page, '2026-10-25T00:30:00.250Z')
    await page.getByTestId('past-moment').getByText('25.10.2026, 02:30:00 MESZ (GMT+2)').waitFor()
    expect(await field(page).inputValue()).toBe('2026-10-25T02:30')

    // Within such an hour the other numbers of the field mean the same of the two.
    await field(page).fill('2026-10-25T02:45:00')
    await untilAt(page, '2026-10-25T00:45:00.000Z')
    await field(page).fill('2026-10-25T03:45:00')
    await untilAt(page, '2026-10-25T02:45:00.000Z')
    await page.getByTestId('past-twin').waitFor({ state: 'detached' })
    // From elsewhere the first one.
    await field(page).fill('2026-10-25T02:30:00')
    await untilAt(page, '2026-10-25T00:30:00.000Z')

    await field(page).fill('2026-03-29T02:30:00')
    await untilAt(page, '2026-03-29T01:30:00.000Z')
    await page.getByTestId('past-left-out').getByText('An diesem Tag gibt es 02:30:00 nicht').waitFor()
    expect(await field(page).inputValue()).toBe('2026-03-29T03:30')
    expect(atOf(page)).toBe('2026-03-29T01:30:00.000Z')
  })

  it('charts mark each day once, at its first moment', async () => {
    const app = await startWithPast('2026-09-05T12:00:00Z')
    const page = await openPage(`${app.url}/api/session`, { timezoneId: 'America/Santiago', viewport: { width: 1_000, height: 800 } })
    // The clocks of Santiago go from 24:00 of Saturday to 01:00 of Sunday.
    const drawn = await drawnIn(page, `${app.url}/devices/gate?from=2026-09-05T22:00:00Z&to=2026-09-06T10:00:00Z`)
    expect(drawn.filter(text => text === '6 Sept')).toHaveLength(1)
    expect(drawn).not.toContain('5 Sept')
    expect(drawn).not.toContain('00:00')
    const days = await drawnIn(page, `${app.url}/devices/gate?from=2026-09-03T12:00:00Z&to=2026-09-09T12:00:00Z`)
    expect(days).toEqual(['4 Sept', '5 Sept', '6 Sept', '7 Sept', '8 Sept', '9 Sept'])
  })
})
