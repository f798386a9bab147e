// `npm run screenshots`: the pictures in docs/images, taken of the built application with a simulated plant in a real browser.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { BROWSER_FLAGS, findBrowser } from './programs/find.ts'
import { nameDevices, tellPast } from './screenshots/site.ts'
import { startChild } from './simulator/demo/child.ts'
import { nextFreePort } from './simulator/demo/ports.ts'
import { untilHealthy } from './simulator/demo/server.ts'
import { abortOnSignals } from './simulator/signals.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const FOLDER = join(ROOT, 'docs', 'images')
const FIRST_PORT = 3_900
/** Until the silent device is shown as such, and what changed has been marked. */
const LIVE_MS = 75_000
const SETTLE_MS = 2_500
const WIDE = { width: 1_440, height: 860 }
const PHONE = { width: 390, height: 844 }

interface Picture extends BrowserContextOptions { file: string, path: string, prepare?: (page: Page) => Promise<void> }

const PICTURES: Picture[] = [
  { file: 'overview', path: '/', viewport: WIDE },
  { file: 'overview-dark', path: '/?by=place', viewport: WIDE, colorScheme: 'dark' },
  { file: 'overview-german', path: '/', viewport: WIDE, locale: 'de-DE' },
  { file: 'overview-phone', path: '/', viewport: PHONE, deviceScaleFactor: 2 },
  { file: 'tiles', path: '/?form=tiles&by=group', viewport: WIDE },
  { file: 'device', path: '/devices/kuehlraum-1', viewport: WIDE },
  { file: 'device-phone', path: '/devices/tor-1', viewport: PHONE, deviceScaleFactor: 2, colorScheme: 'dark' },
  { file: 'doctor', path: '/doctor', viewport: WIDE },
  { file: 'topics', path: '/topics', viewport: WIDE },
  { file: 'time-machine', path: `/?at=${encodeURIComponent(new Date(Date.now() + LIVE_MS / 2).toISOString())}`, viewport: WIDE },
  { file: 'wall', path: '/wall?by=group', viewport: { width: 1_920, height: 1_080 }, colorScheme: 'dark' },
]

const stop = abortOnSignals()
const data = mkdtempSync(join(tmpdir(), 'leitstand-pictures-'))
const port = await nextFreePort(FIRST_PORT)
const server = startChild('.output/server/index.mjs', [], {
  cwd: ROOT,
  env: { ...process.env, NODE_ENV: 'production', NITRO_PORT: String(port), NUXT_DATA_DIR: data, NUXT_MQTT_URL: '', NUXT_MQTT_EMBEDDED_PORT: String(await nextFreePort(port + 1)) },
  onLine: line => console.info(`server | ${line}`),
})
try {
  const origin = `http://localhost:${port}`
  const health = await untilHealthy(origin, stop.signal, console.info)
  if (health) await takeAll(origin, health.broker.url)
}
finally {
  stop.abort()
  await server.stop()
  rmSync(data, { recursive: true })
}

async function takeAll(origin: string, broker: string) {
  const { devices, present } = await tellPast(broker, stop.signal)
  await nameDevices(origin, devices)
  console.info(`The past is told; ${LIVE_MS / 1_000} s of the present follow.`)
  await sleep(LIVE_MS, undefined, { signal: stop.signal })
  const executablePath = await findBrowser()
  const browser = await chromium.launch({ ...(executablePath && { executablePath }), args: BROWSER_FLAGS })
  for (const picture of PICTURES) await take(browser, origin, picture)
  await browser.close()
  stop.abort()
  await present
}

async function take(browser: Browser, origin: string, { file, path, prepare, ...options }: Picture) {
  const context = await browser.newContext({ locale: 'en-GB', timezoneId: 'Europe/Berlin', ...options })
  const page = await context.newPage()
  await page.goto(origin + path, { waitUntil: 'networkidle' }).catch(() => undefined)
  await prepare?.(page)
  await sleep(SETTLE_MS)
  await page.screenshot({ path: join(FOLDER, `${file}.png`), animations: 'disabled' })
  await context.close()
  console.info(`${file}.png`)
}
