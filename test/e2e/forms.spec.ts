import { afterAll, describe, expect, it } from 'vitest'
import { startApp } from './support/app'
import { closeBrowser, openPage } from './support/browser'
import { findBrowser } from './support/dependencies'

const PASSWORD = 'correct horse battery'
const browser = await findBrowser().catch(() => undefined)
afterAll(closeBrowser)

describe.skipIf(!browser)('a form with a password, before its page is alive', () => {
  it.each(['/login', '/welcome'])('on %s puts it into no address', async (path) => {
    const app = await startApp()
    if (path === '/login') await fetch(`${app.url}/api/first-account`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ name: 'admin', password: PASSWORD }) })
    const page = await openPage(app.url + path, { javaScriptEnabled: false })
    const asked: string[] = []
    page.on('request', request => asked.push(request.url()))
    await page.getByLabel('Name').fill('admin')
    await page.getByLabel('Password', { exact: true }).fill(PASSWORD)
    await page.keyboard.press('Enter')
    expect(asked).toEqual([])
    const answer = page.waitForResponse(response => response.url().endsWith(path))
    await page.locator('form button[type=submit]:not([hidden])').click()
    expect((await answer).status()).toBeLessThan(500)
    expect(page.url()).toBe(app.url + path)
    expect(asked.join()).not.toContain('correct')
  })
})
