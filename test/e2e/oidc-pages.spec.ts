import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it, onTestFinished } from 'vitest'
import { SignedOutSchema } from '#shared/schemas/access'
import { startApp } from './support/app'
import { axeViolations, closeBrowser, openPage } from './support/browser'
import { findBrowser } from './support/dependencies'
import { confirmSignOut, HOST, isCallback, openSite, PASSWORD, SESSION, sessionOf, signIn, signOut } from './support/oidc-site'
import { CLIENT_SECRET, withProvider } from './support/provider'
import { createVisitor } from './support/visitor'

const browser = await findBrowser().catch(() => undefined)
afterAll(closeBrowser)

describe('signing out', () => {
  it('ends the session here and at the provider, which then asks anew who it is', async () => {
    const { idp, app, admin } = await openSite()
    idp.people.set('s-1', { preferred_username: 'vera', groups: ['watchers'] })
    for (const path of ['/api/session', '/api/account/sessions']) {
      const visitor = createVisitor()
      await signIn(visitor, app, 's-1')
      const url = new URL(await signOut(visitor, app, path) ?? '')
      expect(url.origin).toBe(idp.issuer)
      expect(Object.fromEntries(url.searchParams)).toEqual({ client_id: 'leitstand', post_logout_redirect_uri: `${app.url}/login`, id_token_hint: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/) })
      expect((await visitor.go(`${app.url}/api/oidc/login`, {}, isCallback)).url.pathname).toBe('/api/oidc/callback')
      expect((await confirmSignOut(visitor, url.href)).url.href).toBe(`${app.url}/login`)
      expect((await visitor.go(`${app.url}/api/oidc/login`)).url.pathname).toMatch(/^\/interaction\//)
    }
    const local = await fetch(`${app.url}/api/session`, { method: 'DELETE', headers: admin })
    expect(SignedOutSchema.parse(await local.json()).leadsTo).toBeNull()
  })

  it('works after a restart as well, and here when the provider does not answer', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'leitstand-oidc-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const { idp, app } = await openSite({ NUXT_DATA_DIR: folder })
    idp.people.set('s-1', { preferred_username: 'vera', groups: ['watchers'] })
    const [first, second] = [createVisitor(), createVisitor()]
    for (const visitor of [first, second]) await signIn(visitor, app, 's-1')
    await app.stop()
    const bytes = Buffer.concat(readdirSync(folder).map(name => readFileSync(join(folder, name))))
    for (const secret of [CLIENT_SECRET, first.cookies(HOST).get(SESSION) ?? '', 'eyJ']) expect(bytes.includes(secret), secret).toBe(false)

    const again = await startApp(withProvider(idp, { NUXT_DATA_DIR: folder }), app.port)
    expect(await sessionOf(first, again)).toMatchObject({ name: 'vera', role: 'viewer', isExternal: true })
    await idp.stop()
    expect(await signOut(first, again)).toBeNull()
    await idp.start(again.url)
    const url = new URL(await signOut(second, again) ?? '')
    expect(Object.fromEntries(url.searchParams)).toEqual({ client_id: 'leitstand', post_logout_redirect_uri: `${again.url}/login` })
  })

  it('ends it here alone where the provider has no place for that', async () => {
    const { idp, app } = await openSite({}, { features: { devInteractions: { enabled: false }, rpInitiatedLogout: { enabled: false } } })
    idp.people.set('s-1', { preferred_username: 'vera', groups: ['watchers'] })
    const visitor = createVisitor()
    await signIn(visitor, app, 's-1')
    expect(await signOut(visitor, app)).toBeNull()
  })
})

describe.skipIf(!browser)('in a browser', () => {
  it('somebody signs in with the button, comes to where they wanted, and signs out at both', async () => {
    const { idp, app } = await openSite()
    idp.people.set('s-1', { preferred_username: 'vera', groups: ['watchers'] })
    const page = await openPage(`${app.url}/storage`, {}, true, atProvider(idp.issuer))
    await page.getByRole('link', { name: 'Sign in with Plant login' }).click()
    await page.getByLabel('Subject').fill('s-1')
    await page.getByRole('button', { name: 'Go on' }).click()
    await page.waitForURL(`${app.url}/storage`)
    await page.getByTestId('account-menu').filter({ hasText: 'vera' }).waitFor()
    await page.getByTestId('connection-status').first().filter({ hasText: 'Live' }).waitFor()
    const [session] = (await page.context().cookies()).filter(({ name }) => name === SESSION)
    expect(session).toMatchObject({ httpOnly: true, sameSite: 'Lax', path: '/', domain: HOST })

    const stream = page.waitForEvent('websocket')
    await page.goto(`${app.url}/account`)
    const ended = (await stream).waitForEvent('close')
    await page.getByTestId('external-account').filter({ hasText: 'comes from the identity provider Plant login' }).waitFor()
    expect(await page.getByTestId('password').count()).toBe(0)
    await page.getByTestId('connection-status').first().filter({ hasText: 'Live' }).waitFor()
    // The stream ends with the session: what the page makes of that must not come in the way.
    await page.route('**/api/session', async (route) => {
      const answer = await route.fetch()
      if (route.request().method() === 'DELETE') await ended
      await route.fulfill({ response: answer })
    })
    await page.getByTestId('account-menu').click()
    await page.getByRole('menuitem', { name: 'Sign out' }).click()
    await page.waitForURL(`${idp.issuer}/**`)
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.waitForURL(`${app.url}/login`)
    await page.getByRole('link', { name: 'Sign in with Plant login' }).click()
    await page.getByLabel('Subject').waitFor()
  })

  it('the page says in both languages why nobody came in, and is clean for axe', async () => {
    const { idp, app } = await openSite()
    idp.people.set('s-1', { preferred_username: 'eve' })
    for (const [look, button, sentence] of [
      [{ locale: 'en-GB', colorScheme: 'light' }, 'Sign in with Plant login', 'none of your groups'],
      [{ locale: 'de-DE', colorScheme: 'dark' }, 'Mit Plant login anmelden', 'Keine Ihrer Gruppen'],
    ] as const) {
      const page = await openPage(`${app.url}/login?to=/topics`, { ...look, reducedMotion: 'reduce' }, true, atProvider(idp.issuer))
      await page.getByRole('link', { name: button }).click()
      await page.getByLabel('Subject').fill('s-1')
      await page.keyboard.press('Enter')
      await page.waitForURL('**/login?fault=provider-no-role&to=%2Ftopics')
      await page.getByRole('alert').filter({ hasText: sentence }).waitFor()
      for (const width of [1440, 390]) {
        await page.setViewportSize({ width, height: 900 })
        expect(await axeViolations(page), `${look.locale} at ${width}`).toEqual([])
        expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width)
      }
      // The way on is still open.
      await page.getByLabel('Name').fill('anna')
      await page.locator('input[type=password]').fill(PASSWORD)
      await page.keyboard.press('Enter')
      await page.waitForURL(`${app.url}/topics`)
    }
  })
})

describe('the pages’ policy', () => {
  it('is the same with a provider as without: nothing but links leads there', async () => {
    const { app } = await openSite()
    const plain = await startApp()
    const policyOf = async ({ url }: { url: string }) => (await fetch(`${url}/login`)).headers.get('content-security-policy')?.replaceAll(/nonce-[^']+|127\.0\.0\.1:\d+/g, '')
    const policy = await policyOf(app)
    expect(policy).toBe(await policyOf(plain))
    expect(policy).toContain('form-action \'self\';')
    expect(await (await fetch(`${plain.url}/login`)).text()).not.toContain('/api/oidc/')
    for (const path of ['login', 'callback']) {
      const answer = await fetch(`${plain.url}/api/oidc/${path}`, { redirect: 'manual' })
      expect(answer.status).toBe(404)
      expect(await answer.json()).toMatchObject({ error: { code: 'oidc-off' } })
    }
  })
})

/** What the way by another site brings about: requests to it, and its missing picture for the tab. */
function atProvider(issuer: string): RegExp {
  return new RegExp(`^request to ${issuer}/`)
}
