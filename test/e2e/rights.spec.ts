// Rights limited to groups, and share links: what people do with them, in the browser and over the API.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, describe, expect, it, onTestFinished } from 'vitest'
import { AuditSchema, MadeShareSchema } from '#shared/schemas/access'
import { KnownDevicesSchema } from '#shared/schemas/profile'
import { startApp } from './support/app'
import type { App, Env } from './support/app'
import { caller, PASSWORD } from './support/askers'
import { connectDevice } from './support/broker'
import { axeViolations, closeBrowser, openPage } from './support/browser'
import { findBrowser } from './support/dependencies'
import { listen } from './support/listening'
import { until } from './support/until'

const browser = await findBrowser().catch(() => undefined)
afterAll(closeBrowser)

type Headers = Record<string, string>

/** A site with two devices in two groups, an admin, an operator and a viewer who may see South only. */
async function startSite(env: Env = {}) {
  const app = await startApp(env)
  const { broker } = await app.untilBroker('connected')
  const call = caller(app.url)
  const cookieOf = (answer: Response) => ({ cookie: answer.headers.get('set-cookie')?.split(';')[0] ?? '' })
  const admin = cookieOf(await call('POST', '/api/first-account', {}, { name: 'admin', password: PASSWORD }))
  const signIn = async (name: string) => cookieOf(await call('POST', '/api/session', {}, { name, password: PASSWORD }))
  for (const [name, role] of [['otto', 'operator'], ['vera', 'viewer']]) await call('POST', '/api/accounts', admin, { name, role, password: PASSWORD, groups: ['South'] })
  const device = await connectDevice(broker.url, { protocolVersion: 4 })
  for (const [deviceId, group] of [['south-1', 'South'], ['north-1', 'North']]) {
    await call('PUT', `/api/devices/${deviceId}`, admin, { group })
    await device.publishAsync(`sensors/${deviceId}/telemetry`, '{"metrics":{"tempC":21.5}}', { qos: 1 })
  }
  await until(async () => (await (await call('GET', '/api/sensors', admin)).json()).length === 2, 'two devices')
  return { app, call, admin, device, otto: await signIn('otto'), vera: await signIn('vera'), signIn }
}
type Site = Awaited<ReturnType<typeof startSite>>

async function share({ call }: Site, headers: Headers, path: string) {
  return MadeShareSchema.parse(await (await call('POST', '/api/shares', headers, { path, hours: 1 })).json())
}

async function openLink({ call }: Site, secret: string): Promise<Headers> {
  const answer = await call('POST', '/api/share-session', {}, { secret })
  expect(answer.headers.get('set-cookie')).toMatch(/^leitstand-share=[^;]+; Max-Age=\d+; Path=\/; HttpOnly; SameSite=Lax$/)
  return { cookie: answer.headers.get('set-cookie')?.split(';')[0] ?? '' }
}

describe('somebody whose rights are limited', () => {
  it('describes the own devices, moves none away or here, and is written down for trying', async () => {
    const site = await startSite()
    const { call, otto, admin } = site
    const put = async (deviceId: string, profile: object) => (await call('PUT', `/api/devices/${deviceId}`, otto, profile)).status
    expect(await put('south-1', { group: 'South', name: 'Südtor' })).toBe(200)
    expect(await put('south-1', { group: 'North' })).toBe(403)
    expect(await put('south-1', {})).toBe(403)
    for (const deviceId of ['north-1', 'not-there']) expect(await put(deviceId, { group: 'South' })).toBe(404)
    expect((await call('DELETE', '/api/devices/north-1', otto)).status).toBe(404)
    expect((await call('PUT', '/api/groups/North', otto, { intervalSeconds: 1 })).status).toBe(403)
    expect((await call('PUT', '/api/groups/South', otto, { intervalSeconds: 60 })).status).toBe(200)
    expect((await call('PUT', '/api/site', otto, { intervalSeconds: 60 })).status).toBe(403)
    expect((await call('DELETE', '/api/devices/south-1', otto)).status).toBe(200)
    expect((await call('POST', '/api/devices/south-1/restore', otto)).status).toBe(200)
    const known = KnownDevicesSchema.parse(await (await call('GET', '/api/devices', admin)).json())
    expect(known).toEqual([{ deviceId: 'north-1', group: 'North' }, { deviceId: 'south-1', group: 'South', name: 'Südtor' }])
    const { entries } = AuditSchema.parse(await (await call('GET', '/api/audit', admin)).json())
    expect(entries.filter(({ who, status }) => who === 'otto' && status >= 400).map(({ deed, target, status }) => [deed, target, status]).toReversed()).toEqual([
      ['profile', 'south-1', 403], ['profile', 'south-1', 403], ['profile', 'north-1', 404], ['profile', 'not-there', 404], ['forget', 'north-1', 404], ['group', 'North', 403], ['site', null, 403],
    ])
  })

  it('is told by the audit log as what they were made', async () => {
    const { call, admin } = await startSite()
    expect((await call('PUT', '/api/accounts/vera', admin, { groups: ['North', 'South'] })).status).toBe(200)
    expect((await call('PUT', '/api/accounts/vera', admin, { groups: [] })).status).toBe(200)
    const { entries } = AuditSchema.parse(await (await call('GET', '/api/audit', admin)).json())
    expect(entries.filter(({ deed }) => deed === 'account-change').map(({ target }) => target)).toEqual(['vera: *', 'vera: North, South'])
    expect(entries.filter(({ deed }) => deed === 'account-add').map(({ target }) => target)).toEqual(['vera: South', 'otto: South'])
  })

  it('has a stream that follows the rights: it is opened anew, and goes on nowhere else', async () => {
    const site = await startSite()
    const { app, call, admin, vera } = site
    const stream = await listen(app, vera, '?after=')
    onTestFinished(stream.close)
    const id = await until(() => stream.events().flatMap(event => 'id' in event && event.id ? event.id : []).at(-1), 'an id')
    await call('PUT', '/api/accounts/vera', admin, { groups: ['North'] })
    expect(await stream.closed).toBe(4403)
    const again = await listen(app, vera, `?after=${id}`)
    onTestFinished(again.close)
    const snapshot = await until(() => again.events()[0], 'the snapshot')
    expect(snapshot).toMatchObject({ type: 'snapshot', reason: 'other-rights', data: [{ deviceId: 'north-1' }] })
  })
})

describe('a share link', () => {
  it('ends when it is taken back, with the account of its maker, and with time: what is open is closed', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'leitstand-rights-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const site = await startSite({ NUXT_DATA_DIR: folder })
    const { app, call, admin, otto } = site
    const links = [await share(site, otto, '/'), await share(site, otto, '/devices/south-1'), await share(site, admin, '/')]
    const guests = await Promise.all(links.map(({ secret }) => openLink(site, secret)))
    const streams = await Promise.all(guests.map(headers => listen(app, headers)))
    for (const { close } of streams) onTestFinished(close)
    expect((await call('DELETE', `/api/shares/${links[2]?.id}`, otto)).status).toBe(404)
    expect((await call('DELETE', `/api/shares/${links[0]?.id}`, otto)).status).toBe(200)
    expect(await streams[0]?.closed).toBe(4401)
    expect((await call('GET', '/api/sensors', guests[1] ?? {})).status).toBe(200)
    await call('DELETE', '/api/accounts/otto', admin)
    expect(await streams[1]?.closed).toBe(4401)
    for (const headers of guests.slice(0, 2)) expect((await call('GET', '/api/sensors', headers)).status).toBe(401)
    expect((await call('POST', '/api/share-session', {}, { secret: links[1]?.secret })).status).toBe(404)

    await app.stop()
    const log = app.output()
    endSoon(join(folder, 'history.db'))
    const again = await startApp({ NUXT_DATA_DIR: folder })
    const late = await listen(again, guests[2] ?? {})
    onTestFinished(late.close)
    expect(late.status).toBe(101)
    expect(await late.closed).toBe(4401)
    expect((await fetch(`${again.url}/api/sensors`, { headers: guests[2] ?? {} })).status).toBe(401)
    await again.stop()
    const bytes = Buffer.concat([...readdirSync(folder).map(name => readFileSync(join(folder, name))), Buffer.from(log + again.output())])
    for (const { secret } of links) expect(bytes.includes(secret)).toBe(false)
  })

  it('is made by operators who have signed in, to what they may see, and written down with whoever opens it', async () => {
    const site = await startSite()
    const { call, admin, otto, vera } = site
    const make = async (headers: Headers, path: string) => (await call('POST', '/api/shares', headers, { path })).status
    expect(await make(vera, '/')).toBe(403)
    expect(await make(otto, '/devices/north-1')).toBe(404)
    expect(await make(otto, '/account')).toBe(400)
    const { secret, id } = await share(site, otto, '/devices/south-1')
    const guest = await openLink(site, secret)
    await openLink(site, secret)
    expect(await make(guest, '/')).toBe(403)
    expect(await (await call('GET', '/api/session', guest)).json()).toMatchObject({ by: 'share', name: null, role: 'viewer', view: { path: '/devices/south-1' } })
    await call('DELETE', `/api/shares/${id}`, admin)
    const { entries } = AuditSchema.parse(await (await call('GET', '/api/audit', admin)).json())
    expect(entries.filter(({ deed }) => deed.startsWith('share-')).map(({ who, by, deed, target, status }) => [who, by, deed, target, status]).toReversed()).toEqual([
      ['vera', 'session', 'share-add', null, 403],
      ['otto', 'session', 'share-add', '/devices/north-1', 404],
      ['otto', 'session', 'share-add', '/devices/south-1', 200],
      [null, 'share', 'share-open', '/devices/south-1', 200],
      [null, 'share', 'share-add', null, 403],
      ['admin', 'session', 'share-remove', id, 200],
    ])
  })
})

/** An hour is long: it is written that the links end in a few seconds. */
function endSoon(file: string) {
  const database = new DatabaseSync(file)
  database.prepare(`UPDATE document SET body = json_set(body, '$.expiresAt', ?) WHERE kind = 'share'`).run(Date.now() + 15_000)
  database.close()
}

describe.skipIf(!browser)('the pages', () => {
  async function pageOf({ cookie = '' }: Headers, app: App, path: string, options = {}) {
    const [name = '', value = ''] = cookie.split('=')
    const { hostname } = new URL(app.url)
    const cookies = [{ name, value, domain: hostname, path: '/', expires: -1, httpOnly: true, secure: false, sameSite: 'Lax' as const }]
    return openPage(app.url + path, { storageState: { cookies, origins: [] }, reducedMotion: 'reduce', ...options }, true)
  }

  it('make a link to what is shown, open it without an account, and close it when it is taken back', async () => {
    const { app, otto, call } = await startSite()
    await call('PUT', '/api/devices/south-1', otto, { group: 'South', place: 'Yard' })
    const maker = await pageOf(otto, app, '/?place=Yard')
    // What is heard is there only when the page is alive.
    await maker.getByText('south-1').first().waitFor()
    await maker.getByTestId('share').click()
    await maker.getByText('The devices at Yard').waitFor()
    await maker.getByTestId('share-make').click()
    const link = await maker.getByTestId('made-share').locator('code').textContent() ?? ''
    expect(new URL(link).hash.length).toBeGreaterThan(40)

    const guest = await openPage(link, {}, true, /status of 403/)
    await guest.waitForURL('**/?place=Yard')
    await guest.getByTestId('share-bar').getByText('Read-only view until').waitFor()
    await guest.getByText('south-1').first().waitFor()
    expect(await guest.evaluate('location.href + JSON.stringify(history.state) + document.cookie')).not.toContain(new URL(link).hash.slice(1))
    expect(await guest.getByRole('navigation').getByRole('link').allTextContents()).toEqual(['Read-only view'])
    expect(await guest.getByTestId('share').count()).toBe(0)
    for (const path of ['/account', '/topics', '/wall']) expect((await guest.goto(app.url + path))?.status()).toBe(403)
    await guest.goto(`${app.url}/devices/south-1`)
    await guest.getByText('21.5').first().waitFor()

    await maker.goto(`${app.url}/account`)
    await maker.getByTestId('share-remove').click()
    await maker.getByText('There is no link.').waitFor()
    await guest.waitForURL('**/share')
    await guest.getByText('This link has ended').waitFor()
  })

  it('let an admin choose groups, and show at once what may be seen now', async () => {
    const { app, admin, vera } = await startSite()
    const viewer = await pageOf(vera, app, '/')
    await viewer.getByText('south-1').first().waitFor()
    expect(await viewer.getByText('north-1').count()).toBe(0)
    expect(await viewer.getByRole('link', { name: 'Topics' }).count()).toBe(0)

    const page = await pageOf(admin, app, '/accounts')
    await page.getByRole('button', { name: 'Devices that vera may see' }).click()
    await page.getByTestId('groups-choice').getByLabel('North').check()
    await page.getByTestId('groups-choice').getByLabel('South').uncheck()
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText('Only devices of: North').waitFor()
    await viewer.getByText('north-1').first().waitFor()
    await until(async () => await viewer.getByText('south-1').count() === 0, 'south-1 to go')
  })

  it('are clean for axe in both languages', async () => {
    const site = await startSite()
    const { app, admin, otto } = site
    const guest = await openLink(site, (await share(site, otto, '/devices/south-1')).secret)
    for (const look of [{ locale: 'en-GB', colorScheme: 'light' }, { locale: 'de-DE', colorScheme: 'dark' }] as const) {
      const check = async (page: Page, what: string) => {
        for (const width of [1440, 390]) {
          await page.setViewportSize({ width, height: 900 })
          await page.waitForLoadState('networkidle')
          expect(await axeViolations(page), `${what} at ${width} (${look.locale})`).toEqual([])
          expect(await page.evaluate(() => document.documentElement.scrollWidth), `${what} at ${width}`).toBeLessThanOrEqual(width)
        }
      }
      const accounts = await pageOf(admin, app, '/accounts', look)
      await accounts.getByTestId('groups-some').first().check()
      await accounts.getByTestId('groups-choice').first().waitFor()
      await check(accounts, 'accounts')
      await accounts.getByTestId('account-groups').first().click()
      await accounts.getByRole('dialog').getByTestId('groups-choice').waitFor()
      await check(accounts, 'the groups of an account')
      const account = await pageOf(otto, app, '/account', look)
      await account.getByTestId('shares').waitFor()
      await check(account, 'account')
      const overview = await pageOf(otto, app, '/?group=South', look)
      await overview.getByText('south-1').first().waitFor()
      await overview.getByTestId('share').click()
      await overview.getByTestId('share-make').click()
      await overview.getByTestId('made-share').waitFor()
      await check(overview, 'sharing')
      const device = await pageOf(otto, app, '/devices/south-1', look)
      await device.getByTestId('share').waitFor()
      await check(device, 'a device with everything that can be done about it')
      const view = await pageOf(guest, app, '/devices/south-1', look)
      await view.getByTestId('share-bar').waitFor()
      await check(view, 'the view')
      const over = await openPage(`${app.url}/share`, { ...look, reducedMotion: 'reduce' })
      await over.getByRole('link').waitFor()
      await check(over, 'a link that has ended')
    }
  }, 240_000)
})
