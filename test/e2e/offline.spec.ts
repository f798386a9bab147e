import { afterAll, describe, expect, it } from 'vitest'
import { startApp } from './support/app'
import { axeViolations, closeBrowser, openPage } from './support/browser'
import { findBrowser } from './support/dependencies'

const browser = await findBrowser().catch(() => undefined)
afterAll(closeBrowser)

describe.skipIf(!browser)('without the server', () => {
  it('a page says so in the language of the page, and comes back by itself', async () => {
    const app = await startApp()
    await app.untilBroker('connected')
    const page = await openPage(`${app.url}/storage`, { locale: 'de-DE' }, true)
    await page.evaluate('navigator.serviceWorker.ready.then(() => {})')
    await app.stop('SIGKILL')
    await page.reload()
    await page.getByRole('heading', { level: 1, name: 'Server nicht erreichbar' }).waitFor()
    expect(await page.getByRole('heading').count()).toBe(1)
    expect(await page.locator('html').getAttribute('lang')).toBe('de')
    expect(await axeViolations(page)).toEqual([])

    await startApp({}, app.port)
    await page.getByRole('heading', { level: 1, name: 'Speicher' }).waitFor()
    expect(new URL(page.url()).pathname).toBe('/storage')
  })

  it('nothing of the API or the application is kept: only that page', async () => {
    const app = await startApp()
    const page = await openPage(app.url)
    await page.evaluate('navigator.serviceWorker.ready.then(() => {})')
    const kept = await page.evaluate(`(async () => {
      const names = await caches.keys()
      const requests = await (await caches.open(names[0])).keys()
      return [names.length, ...requests.map(({ url }) => new URL(url).pathname)]
    })()`)
    expect(kept).toEqual([1, '/offline.html', '/offline.js'])
    const worker = await fetch(`${app.url}/sw.js`)
    expect(worker.headers.get('cache-control')).toBe('no-cache')
    expect(await worker.text()).not.toContain('__BUILD__')
    const manifest = await fetch(`${app.url}/manifest.webmanifest`)
    expect(manifest.headers.get('content-type')).toMatch(/manifest\+json/)
    for (const icon of ['192', '512', 'maskable-512', '180']) expect((await fetch(`${app.url}/icons/${icon}.png`)).headers.get('content-type')).toBe('image/png')
  })
})
