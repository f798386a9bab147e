import type { Page } from 'playwright-core'
import { afterAll, describe, expect, it } from 'vitest'
import { startApp } from './support/app'
import { connectDevice } from './support/broker'
import { axeViolations, closeBrowser, openPage, untilTrue } from './support/browser'
import { findBrowser } from './support/dependencies'
import { until } from './support/until'

const browser = await findBrowser().catch(() => undefined)
afterAll(closeBrowser)

/** A site with devices `d-0`, `d-1`, … of which every fourth belongs to another group. */
async function startSite(devices: number) {
  const app = await startApp()
  const { broker } = await app.untilBroker('connected')
  const device = await connectDevice(broker.url, { protocolVersion: 4 })
  const publish = (n: number, tempC: number) => device.publishAsync(`sensors/d-${n}/telemetry`, JSON.stringify({ metrics: { tempC } }), { qos: 1 })
  await Promise.all(Array.from({ length: devices }, (_, n) => publish(n, n)))
  await until(async () => (await app.health()).devices === devices || undefined, 'all devices')
  const say = (deviceId: string, profile: object) =>
    fetch(`${app.url}/api/devices/${deviceId}`, { method: 'PUT', body: JSON.stringify(profile), headers: { 'content-type': 'application/json' } })
  for (let n = 0; n < Math.min(devices, 12); n++) expect((await say(`d-${n}`, { group: `Hall ${n % 4}`, place: 'North' })).status).toBe(200)
  return { app, device, publish }
}

const names = (page: Page) => page.locator('[data-testid=device] a').allInnerTexts()
const firstIs = (page: Page, name: string) => until(async () => (await names(page))[0] === name || undefined, `${name} first`)

/** Goes on with Tab until the element with this test id has the focus. */
async function tabTo(page: Page, testId: string) {
  await until(async () => {
    await page.keyboard.press('Tab')
    return await page.evaluate('document.activeElement?.dataset.testid') === testId || undefined
  }, `the focus on ${testId}`)
}

describe.skipIf(!browser)('the overview by keyboard alone', () => {
  it('is sorted, filtered, walked through and opened', async () => {
    const { app } = await startSite(30)
    const page = await openPage(`${app.url}/?sort=name&form=table`)
    await firstIs(page, 'd-0')
    await tabTo(page, 'sort-device')
    await page.keyboard.press('Enter')
    await firstIs(page, 'd-29')
    expect(new URL(page.url()).search).toBe('?sort=name&form=table&order=reverse')
    expect(await page.getByRole('columnheader', { name: 'Device' }).getAttribute('aria-sort')).toBe('descending')

    await page.reload()
    await firstIs(page, 'd-29')
    await tabTo(page, 'filter-live')
    await page.keyboard.press('Space')
    await page.locator('[data-testid=filter-live][aria-pressed=true]').waitFor()
    await page.keyboard.press('Space')
    await page.locator('[data-testid=filter-live][aria-pressed=false]').waitFor()

    await page.locator('[data-testid=device] a').first().focus()
    await page.keyboard.press('End')
    await until(async () => await page.evaluate('document.activeElement?.textContent') === 'd-0' || undefined, 'the last row')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { level: 1, name: 'd-0' }).waitFor()
  })

  it('jumps to a device by group and name', async () => {
    const { app } = await startSite(30)
    const page = await openPage(`${app.url}/storage`)
    // What is pressed before the page has come alive is lost.
    await untilTrue(page, 'window.useNuxtApp?.().isHydrating === false')
    await page.keyboard.press('Control+k')
    await page.getByTestId('palette-input').waitFor()
    expect(await axeViolations(page)).toEqual([])
    await page.keyboard.type('hall 3')
    await until(async () => await page.getByRole('option').count() === 3 || undefined, 'the devices of the group')
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { level: 1, name: 'd-7' }).waitFor()
    await page.getByTestId('palette-input').waitFor({ state: 'detached' })
  })
})

describe.skipIf(!browser)('the overview of 10,000 devices', () => {
  const MOST_DRAWN = 150
  const MOST_ELEMENTS = 4_000

  it('draws what is in sight in both forms, also when grouped, and groups collapse', async () => {
    const { app } = await startSite(10_000)
    for (const form of ['table', 'tiles']) {
      const page = await openPage(`${app.url}/?sort=name&by=group&form=${form}`)
      const heads = page.getByTestId('group-head')
      await heads.first().waitFor()
      expect(await heads.first().innerText()).toMatch(/^Hall 0\s+3 devices/)
      expect(await page.getByTestId('device').count()).toBeLessThan(MOST_DRAWN)
      expect(await page.locator('*').count()).toBeLessThan(MOST_ELEMENTS)
      for (const hall of ['Hall 0', 'Hall 1', 'Hall 2', 'Hall 3']) await heads.filter({ hasText: hall }).click()
      await heads.filter({ hasText: 'Without a group' }).waitFor()
      await firstIs(page, 'd-12')
      await page.getByTestId('fleet-scroller').evaluate(list => list.scrollTo(0, list.scrollHeight))
      await page.getByRole('link', { name: 'd-9999', exact: true }).waitFor()
      expect(await page.getByTestId('device').count()).toBeLessThan(MOST_DRAWN)
    }
  })
})

describe.skipIf(!browser)('the tab', () => {
  const icon = (page: Page) => page.locator('link[rel=icon]').getAttribute('href')

  it('tells of devices that are gone, on every page, and of a lost server', async () => {
    const { app, device } = await startSite(2)
    const page = await openPage(`${app.url}/storage`, {}, true)
    await untilTrue(page, `document.title === 'Storage – Leitstand'`)
    const calm = await icon(page)
    await device.publishAsync('sensors/d-1/state', JSON.stringify({ status: 'offline', updated_at: new Date().toISOString() }), { qos: 1 })
    await untilTrue(page, `document.title === '(1) Storage – Leitstand'`)
    const marked = await icon(page)
    await device.endAsync(true)
    await app.stop('SIGKILL')
    await untilTrue(page, `document.title === 'Server lost – Storage – Leitstand'`)
    expect(new Set([calm, marked, await icon(page)]).size).toBe(3)
  })
})

describe.skipIf(!browser)('the wall display', () => {
  it('shows what is worst first and in large, turns pages, and survives the loss of the server', async () => {
    const { app, device } = await startSite(60)
    await device.publishAsync('sensors/d-50/state', JSON.stringify({ status: 'offline', updated_at: new Date().toISOString() }), { qos: 1 })
    const page = await openPage(`${app.url}/wall`, { viewport: { width: 1_280, height: 720 } }, true)
    const first = page.getByTestId('device').first()
    await first.filter({ hasText: 'd-50' }).waitFor()
    expect(await page.getByTestId('wall-offline').innerText()).toMatch(/1\s*signed off/)
    expect(await page.getByTestId('wall-page').innerText()).toMatch(/^Page 1 of \d+$/)
    expect(await page.evaluate('document.documentElement.scrollHeight')).toBe(720)
    const before = await page.getByTestId('device').allInnerTexts()
    await page.keyboard.press('ArrowRight')
    await page.getByText(/^Page 2 of/).waitFor()
    expect(await page.getByTestId('device').allInnerTexts()).not.toEqual(before)
    await page.keyboard.press('Space')
    await page.getByText(/^Page 2 of \d+, stopped/).waitFor()
    await app.stop('SIGKILL')
    await page.getByTestId('connection-banner').waitFor()
    expect(await page.getByTestId('device').count()).toBeGreaterThan(0)
    expect(await page.getByTestId('wall-clock').isVisible()).toBe(true)
  })

  it('shows one group, or all of them each below its head', async () => {
    const { app } = await startSite(8)
    const page = await openPage(`${app.url}/wall?group=Hall 1`, { viewport: { width: 1_280, height: 1_200 } })
    await page.getByRole('heading', { level: 1, name: 'Hall 1' }).waitFor()
    expect(await page.getByTestId('device').count()).toBe(2)
    await page.goto(`${app.url}/wall?by=group`)
    await page.getByRole('heading', { level: 2, name: 'Hall 3' }).waitFor()
    await until(async () => await page.getByTestId('device').count() === 8 || undefined, 'every device of four groups')
  })
})

describe.skipIf(!browser)('on paper and in the clipboard', () => {
  it('the whole filtered list is printed, without anything to press', async () => {
    const { app } = await startSite(300)
    const page = await openPage(`${app.url}/?sort=name`)
    await firstIs(page, 'd-0')
    await page.emulateMedia({ media: 'print', colorScheme: 'dark' })
    await page.evaluate(`dispatchEvent(new Event('beforeprint'))`)
    const table = page.getByTestId('fleet-print')
    await table.waitFor()
    await page.getByTestId('printed-at').waitFor()
    expect(await table.locator('tbody tr').count()).toBe(300)
    expect(await table.locator('tbody tr').nth(5).innerText()).toMatch(/d-5\s*Hall 1 · North\s+live\s+Temperature 5\s°C/)
    expect(await page.getByRole('button').count()).toBe(0)
    expect(await page.getByRole('navigation').count()).toBe(0)
    expect(await page.evaluate('getComputedStyle(document.body).color')).toBe('rgb(0, 0, 0)')
    await page.evaluate(`dispatchEvent(new Event('afterprint'))`)
    await table.waitFor({ state: 'detached' })
  })

  it('the values of a device are copied as plain text', async () => {
    const { app } = await startSite(1)
    const page = await openPage(`${app.url}/devices/d-0`, { permissions: ['clipboard-read', 'clipboard-write'] })
    await page.getByTestId('copy-values').click()
    await page.getByText('Copied').waitFor()
    expect(await page.evaluate('navigator.clipboard.readText()')).toMatch(/^d-0\nTemperature\t0 °C\t\d+ \w+ \d{4}, [\d:]+$/)
  })
})
