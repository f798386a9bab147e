// What a user does: publishes a message and looks for it, in the API and in the page.
import { setTimeout as sleep } from 'node:timers/promises'
import mqtt from 'mqtt'
import type { IClientOptions } from 'mqtt'
import { chromium } from 'playwright-core'
import { z } from 'zod'
import { BROWSER_FLAGS, findBrowser } from '../programs/find.ts'

const METRICS = { tempC: 22.4, doorState: 'open' }
const WITHIN_MS = 20_000
const POLL_MS = 200

const DevicesSchema = z.array(z.looseObject({
  deviceId: z.string(),
  lastTelemetry: z.looseObject({ metrics: z.record(z.string(), z.unknown()) }).optional(),
}))

/** Who looks, and at what: `cookie` is `name=value`, absent where no account exists. */
export interface Look { origin: string, device: string, cookie?: string }

/** The message is acknowledged by the broker when this resolves. */
export async function publish(url: string, device: string, options: IClientOptions = {}) {
  const client = await mqtt.connectAsync(url, { connectTimeout: WITHIN_MS, reconnectPeriod: 0, ...options })
  await client.publishAsync(`sensors/${device}/telemetry`, JSON.stringify({ metrics: METRICS }), { qos: 1 })
  await client.endAsync()
}

/** Polls until `probe` says true. @throws with the sentence when it does not in time. */
export async function until(probe: () => Promise<boolean>, sentence: () => string, withinMs = WITHIN_MS) {
  const deadline = Date.now() + withinMs
  while (!await probe()) {
    if (Date.now() > deadline) throw new Error(sentence())
    await sleep(POLL_MS)
  }
}

/** @throws when `GET /api/sensors` does not show the message. */
export async function seeInApi({ origin, device, cookie = '' }: Look) {
  let text = ''
  await until(async () => {
    const answer = await fetch(`${origin}/api/sensors`, { headers: { cookie } })
    text = await answer.text()
    if (!answer.ok) return false
    const metrics = DevicesSchema.parse(JSON.parse(text)).find(({ deviceId }) => deviceId === device)?.lastTelemetry?.metrics
    return metrics !== undefined && Object.entries(METRICS).every(([name, value]) => metrics[name] === value)
  }, () => `GET /api/sensors shows ${text}`)
}

/** @throws when no browser shows the message in the page. The certificate is for others to check. */
export async function seeInPage({ origin, device, cookie }: Look) {
  const executablePath = await findBrowser()
  const browser = await chromium.launch({ ...(executablePath && { executablePath }), args: BROWSER_FLAGS })
  try {
    const context = await browser.newContext({ locale: 'en-GB', ignoreHTTPSErrors: true })
    const [, name, value] = /^([^=]+)=(.*)$/.exec(cookie ?? '') ?? []
    if (name && value) await context.addCookies([{ name, value, url: origin, secure: origin.startsWith('https:') }])
    const page = await context.newPage()
    await page.goto(origin)
    for (const text of [device, String(METRICS.tempC)]) await page.getByText(text).first().waitFor({ timeout: WITHIN_MS })
  }
  finally {
    await browser.close()
  }
}
