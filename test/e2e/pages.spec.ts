import mqtt from 'mqtt'
import type { MqttClient } from 'mqtt'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { freePort } from '../../tools/programs/free-port'
import { launchApp, startApp } from './support/app'
import type { App } from './support/app'
import { connectDevice, startMosquitto } from './support/broker'
import { axeViolations, closeBrowser, openPage } from './support/browser'
import { findBrowser, mosquitto } from './support/dependencies'
import { until } from './support/until'

const FocusSchema = z.object({ isIn: z.boolean(), isShown: z.boolean(), text: z.string() })
const browser = await findBrowser().catch(() => undefined)
afterAll(closeBrowser)

async function startSite(): Promise<Site> {
  const app = await startApp()
  const { broker } = await app.untilBroker('connected')
  return { app, device: await connectDevice(broker.url, { protocolVersion: 4 }) }
}

/** One site for all tests of a block, which do not get in each other's way. */
function siteOfAll(fill: (site: Site) => Promise<void>): () => Site {
  let site: Site | undefined
  beforeAll(async () => {
    const app = await launchApp()
    const { broker } = await app.untilBroker('connected')
    site = { app, device: await mqtt.connectAsync(broker.url, { protocolVersion: 4 }) }
    await fill(site)
  })
  afterAll(async () => {
    await site?.device.endAsync(true)
    await site?.app.stop('SIGKILL')
  })
  return () => {
    if (!site) throw new Error('The site is not there yet.')
    return site
  }
}

interface Site { app: App, device: MqttClient }

function publish(device: MqttClient, deviceId: string, metrics: object) {
  return device.publishAsync(`sensors/${deviceId}/telemetry`, JSON.stringify({ metrics }), { qos: 1 })
}

/** Waits until the page says so. */
const shows = (page: Page, text: string | RegExp) => page.getByText(text).first().waitFor()

describe.skipIf(!browser)('the overview', () => {
  it('is empty with the line to try, then shows the device live', async () => {
    const { app, device } = await startSite()
    const page = await openPage(app.url)
    await shows(page, 'mosquitto_pub')
    const port = new URL((await app.health()).broker.url).port
    expect(await page.locator('code, pre').first().textContent()).toContain(`-p ${port} -t sensors/tor-1/telemetry -m '{"metrics":{"tempC":22.4,"doorState":"open"}}'`)

    await publish(device, 'tor-1', { tempC: 22.4, doorState: 'open' })
    await shows(page, '22.4 °C')
    await publish(device, 'tor-1', { tempC: 19.5, doorState: 'closed' })
    await shows(page, '19.5 °C')
    expect(await page.getByText('closed').count()).toBeGreaterThan(0)
  })

  it('speaks German to a German browser', async () => {
    const { app, device } = await startSite()
    await publish(device, 'tor-1', { tempC: 22.4, doorState: 'open' })
    const page = await openPage(app.url, { locale: 'de-DE' })
    await shows(page, '22,4 °C')
    expect(await page.locator('html').getAttribute('lang')).toMatch(/^de/)
  })

  it('shows a flood of 10,000 devices and goes on living', async () => {
    const { app, device } = await startSite()
    const page = await openPage(app.url)
    await Promise.all(Array.from({ length: 10_000 }, (_, n) => publish(device, `d-${n}`, { tempC: n })))
    await shows(page, /10,?000 devices/)
    await page.getByRole('searchbox').fill('d-9999')
    await publish(device, 'd-9999', { tempC: -7.5 })
    await shows(page, '-7.5 °C')
  })
})

describe.skipIf(!browser)('connection loss', () => {
  it('to the server is shown, heals without a reload, and then the truth is shown', async () => {
    const { app, device } = await startSite()
    await publish(device, 'tor-1', { tempC: 1.5 })
    const page = await openPage(app.url, {}, true)
    await shows(page, '1.5 °C')
    await device.endAsync(true)
    await app.stop('SIGKILL')
    await page.getByTestId('connection-banner').waitFor()
    const again = await startApp({}, app.port)
    const { broker } = await again.untilBroker('connected')
    await publish(await connectDevice(broker.url, { protocolVersion: 4 }), 'tor-2', { tempC: 2.5 })
    await shows(page, '2.5 °C')
    expect(await page.getByTestId('connection-banner').count()).toBe(0)
    expect(await page.getByText('1.5 °C').count()).toBe(0)
  })

  it.skipIf(!mosquitto)('to the broker is shown with its reason, and heals', async () => {
    const broker = await startMosquitto()
    const app = await startApp({ NUXT_MQTT_URL: broker.url })
    const page = await openPage(app.url)
    await app.untilBroker('connected')
    await broker.stop()
    await page.getByTestId('connection-banner').waitFor()
    await broker.start()
    await page.getByTestId('connection-banner').waitFor({ state: 'detached' })
    await publish(await connectDevice(broker.url), 'tor-1', { tempC: 1.5 })
    await shows(page, '1.5 °C')
  })

  it('is there from the start when the broker is not', async () => {
    const app = await startApp({ NUXT_MQTT_URL: `mqtt://127.0.0.1:${await freePort()}` })
    const page = await openPage(app.url)
    await page.getByTestId('connection-banner').waitFor()
  })
})

const NAMES = ['Tür Süd', 'a.b.c', '...', '..a', '100%', 'a%2Fb', '%zz', '🚪 1', '<script>alert(1)', '"quoted" & more', '?a=b&c', 'back\\slash', 'x.json', '日本']

describe.skipIf(!browser)('device names', () => {
  const site = siteOfAll(async () => {})

  it.each(NAMES)('such as %s are shown as text and have a page that can be reloaded', async (name) => {
    const { app, device } = site()
    await publish(device, name, { tempC: 4.5 })
    // High enough to draw all of them.
    const page = await openPage(app.url, { viewport: { width: 1_280, height: 2_000 } })
    await page.getByRole('link', { name, exact: true }).first().click()
    const heading = page.getByRole('heading', { level: 1, name, exact: true })
    await heading.waitFor()
    await shows(page, '4.5 °C')
    await page.reload()
    await heading.waitFor()
    await shows(page, '4.5 °C')
    await publish(device, name, { tempC: 5.5 })
    await shows(page, '5.5 °C')
  })

  it('of devices nobody heard of have a page that comes alive with the first message', async () => {
    const { app, device } = site()
    const page = await openPage(`${app.url}/devices/tor-9`)
    await shows(page, 'mosquitto_pub')
    await publish(device, 'tor-9', { tempC: 4.5 })
    await shows(page, '4.5 °C')
  })
})

describe.skipIf(!browser)('rejected messages', () => {
  it('appear with their reason, as text', async () => {
    const { app, device } = await startSite()
    const page = await openPage(`${app.url}/rejections`)
    await device.publishAsync('sensors/test', '{"hello":"<b>world</b>"}', { qos: 1 })
    await shows(page, '{"hello":"<b>world</b>"}')
    await shows(page, 'sensors/test')
  })
})

/** Every page in every designed state that a page audit can reach. */
async function fillSite({ app, device }: Site) {
  await publish(device, 'tor-1', { tempC: 22.4, humidity: 48.2, doorState: 'open', armed: true })
  await publish(device, 'tor-2', { tempC: 19, doorState: 'closed' })
  await device.publishAsync('sensors/tor-2/state', '{"status":"offline","updated_at":"2025-11-03T12:40:00Z"}', { qos: 1 })
  await device.publishAsync('sensors/tor-3/telemetry', '{"ts":"9999-01-01T00:00:00Z","metrics":{"tempC":1}}', { qos: 1 })
  await device.publishAsync('sensors/tor-4/telemetry', 'broken', { qos: 1 })
  await until(async () => (await app.health()).messages.received >= 5 || undefined, 'the site')
}

/** Wide, a phone, and a wide one at 200 % zoom: a browser has half as many pixels of the page then. */
const SIZES = [{ width: 1_440, height: 900 }, { width: 390, height: 900 }, { width: 720, height: 450 }]
const MOST_TABS = 200

/** What can be pressed or filled in, in words; what is inside a table, tree or group that the arrow keys move through counts as that. */
const OPERABLE = `
  [...document.querySelectorAll('a[href], button, input, select, textarea, [tabindex="0"]')]
    .filter(element => element.checkVisibility({ visibilityProperty: true }) && !element.disabled && element.tabIndex >= 0 && !element.closest('[inert]'))`

describe.skipIf(!browser)('the keyboard', () => {
  const site = siteOfAll(fillSite)

  it.each(['/', '/?form=tiles', '/devices/tor-1', '/rejections', '/topics', '/doctor', '/storage', '/configuration'])('reaches everything on %s, and shows where it is', async (path) => {
    const page = await openPage(site().app.url + path)
    await page.locator('h1:visible').first().waitFor()
    await page.waitForLoadState('networkidle')
    await page.evaluate('document.body.focus()')
    const passed: { isIn: boolean, isShown: boolean, text: string }[] = []
    const all = Number(await page.evaluate(`(globalThis.left = new Set(${OPERABLE})).size`))
    for (let i = 0; i < MOST_TABS && Number(await page.evaluate('left.size')) > 0; i++) {
      await page.keyboard.press('Tab')
      passed.push(FocusSchema.parse(await page.evaluate(`(() => {
        const element = document.activeElement
        left.delete(element)
        const { top, bottom, left: from, right } = element.getBoundingClientRect()
        const isIn = element === document.body || (bottom > 0 && top < innerHeight && right > 0 && from < innerWidth)
        const looks = [element, element.parentElement, element.closest('[data-testid=device]')].flatMap(one => one ? [...['', '::before', '::after'].map(part => getComputedStyle(one, part))] : [])
        const isShown = element === document.body || looks.some(({ outlineStyle, outlineWidth, boxShadow }) => (outlineStyle !== 'none' && parseFloat(outlineWidth) > 0) || boxShadow !== 'none')
        return { isIn, isShown, text: element.outerHTML.slice(0, 200) }
      })()`)))
    }
    expect(all).toBeGreaterThan(5)
    expect(await page.evaluate('[...left].map(element => element.outerHTML.slice(0, 200))')).toEqual([])
    expect(passed.filter(({ isIn, isShown }) => !isIn || !isShown)).toEqual([])
  })
})

describe.skipIf(!browser)('page audit', () => {
  const paths = ['/', '/devices/tor-1', '/devices/tor-3', '/devices/unknown', '/rejections', '/topics', '/doctor', '/storage', '/configuration', '/wall', '/no-such-page']
  // What is too wide depends on the language, what is too pale on the colours: each of both once.
  const looks = [
    { locale: 'en-GB', colorScheme: 'light' },
    { locale: 'de-DE', colorScheme: 'dark' },
  ] as const

  const site = siteOfAll(fillSite)

  it.each(looks)('finds nothing in $locale, $colorScheme', async (look) => {
    // Nothing runs there that the next address would break off.
    const page = await openPage(`${site().app.url}/api/session`, { ...look, reducedMotion: 'reduce' })
    for (const path of paths) {
      await page.goto(site().app.url + path)
      for (const { width, height } of SIZES) {
        await page.setViewportSize({ width, height })
        await page.locator('h1:visible').first().waitFor()
        await page.waitForLoadState('networkidle')
        expect(await axeViolations(page), `${path} at ${width}`).toEqual([])
        expect(await page.evaluate(() => document.documentElement.scrollWidth), `${path} at ${width}`).toBeLessThanOrEqual(width)
      }
    }
  }, 600_000)
})
