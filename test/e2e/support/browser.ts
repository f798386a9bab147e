import axe from 'axe-core'
import { chromium } from 'playwright-core'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { expect, onTestFinished } from 'vitest'
import { z } from 'zod'
import { BROWSER_FLAGS } from '../../../tools/programs/find'
import { findBrowser } from './dependencies'
import { until } from './until'
import { watchAnswer, watchRequest } from './watched'

let browser: Promise<Browser> | undefined

/** The page that does not exist is one of the pages looked at; the browser reports its 404. */
const EXPECTED_ALWAYS = /the server responded with a status of 404/
/** Lost connections are the subject of some tests; the browser reports each as an error of its own. */
const EXPECTED_WHEN_AWAY = /WebSocket connection to|net::ERR_(CONNECTION|EMPTY|SOCKET)|unknown error occurred when fetching the script/

/**
 * A page of the application in a real Chromium. When the test ends it fails on any console warning or error, page error, or
 * request to another host; `provoked` is what the test itself brings about.
 */
export async function openPage(url: string, options: BrowserContextOptions = {}, serverMayGo = false, provoked?: RegExp): Promise<Page> {
  browser ??= findBrowser().then(executablePath => chromium.launch({ ...(executablePath && { executablePath }), args: BROWSER_FLAGS }))
  const context = await (await browser).newContext({ locale: 'en-GB', ...options })
  const faults: string[] = []
  const page = await context.newPage()
  page.on('console', (message) => {
    const text = message.text()
    const expected = EXPECTED_ALWAYS.test(text) || provoked?.test(text) || (serverMayGo && EXPECTED_WHEN_AWAY.test(text))
    if (['warning', 'error'].includes(message.type()) && !expected) faults.push(text)
  })
  page.on('pageerror', error => faults.push(String(error)))
  page.on('request', (request) => {
    const fault = `request to ${request.url()}`
    if (new URL(request.url()).host !== new URL(url).host && !request.url().startsWith('data:') && !provoked?.test(fault)) faults.push(fault)
  })
  watchPage(page)
  onTestFinished(async () => {
    await context.close()
    expect(faults).toEqual([])
  })
  await page.goto(url)
  return page
}

/** What the page sends and hears is watched like what the test itself does. */
function watchPage(page: Page) {
  page.on('request', request => watchRequest(new Headers(request.headers()), request.postData()))
  page.on('response', async (response) => {
    const type = response.headers()['content-type'] ?? ''
    if (!/json|html/.test(type)) return
    // It may be gone with its page.
    const text = await response.text().catch(() => undefined)
    if (text !== undefined) watchAnswer(response.request().method(), response.url(), text)
  })
  page.on('websocket', socket => socket.on('framereceived', ({ payload }) => watchAnswer('GET', socket.url(), String(payload))))
}

export async function closeBrowser() {
  await (await browser)?.close()
  browser = undefined
}

/** Waits for an expression to be true in the page. Playwright's own way makes code of text there, which the pages forbid. */
export async function untilTrue(page: Page, expression: string) {
  await until(async () => Boolean(await page.evaluate(expression)), expression)
}

/** Vue has taken the page over: from now on it answers what is done in it. */
export function untilAlive(page: Page): Promise<void> {
  return untilTrue(page, 'Boolean(document.querySelector("#__nuxt").__vue_app__)')
}

const AxeResultSchema = z.object({ violations: z.array(z.object({ id: z.string(), nodes: z.array(z.object({ html: z.string() })) })) })

/** The rules that axe finds broken on the page, with the elements. */
export async function axeViolations(page: Page): Promise<string[]> {
  // Not as a tag: the page's own policy lets no foreign script in.
  if (!await page.evaluate('"axe" in globalThis')) await page.evaluate(axe.source)
  // As text: what the test runner makes of a function would not run in the page. What axe finds well is not described, which takes it most of its time.
  const { violations } = AxeResultSchema.parse(await page.evaluate('axe.run({ resultTypes: ["violations"] })'))
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 200)).join(' | ')}`)
}
