// What a user does on the first evening: publishes a message and looks for it, in the API and in the page.
import { setTimeout as sleep } from 'node:timers/promises'
import mqtt from 'mqtt'
import { chromium } from 'playwright-core'
import { z } from 'zod'
import { BROWSER_FLAGS, findBrowser } from '../programs/find.ts'

const DEVICE = 'tor-1'
const METRICS = { tempC: 22.4, doorState: 'open' }
const WITHIN_MS = 20_000
const POLL_MS = 200

const DevicesSchema = z.array(z.looseObject({
  deviceId: z.string(),
  lastTelemetry: z.looseObject({ metrics: z.record(z.string(), z.unknown()) }).optional(),
}))

/** The message is acknowledged by the broker when this resolves. */
export async function publish(url: string) {
  const client = await mqtt.connectAsync(url, { connectTimeout: WITHIN_MS, reconnectPeriod: 0 })
  await client.publishAsync(`sensors/${DEVICE}/telemetry`, JSON.stringify({ metrics: METRICS }), { qos: 1 })
  await client.endAsync()
}

/** @throws when `GET /api/sensors` does not show the message. */
export async function seeInApi(origin: string) {
  const deadline = Date.now() + WITHIN_MS
  for (;;) {
    const devices = DevicesSchema.parse(await (await fetch(`${origin}/api/sensors`)).json())
    const metrics = devices.find(({ deviceId }) => deviceId === DEVICE)?.lastTelemetry?.metrics
    if (metrics && Object.entries(METRICS).every(([name, value]) => metrics[name] === value)) return
    if (Date.now() > deadline) throw new Error(`GET /api/sensors shows ${JSON.stringify(devices)}.`)
    await sleep(POLL_MS)
  }
}

/** @throws when no browser shows the message in the page. */
export async function seeInPage(origin: string) {
  const executablePath = await findBrowser()
  const browser = await chromium.launch({ ...(executablePath && { executablePath }), args: BROWSER_FLAGS })
  try {
    const page = await browser.newPage({ locale: 'en-GB' })
    await page.goto(origin)
    for (const text of [DEVICE, String(METRICS.tempC)]) await page.getByText(text).first().waitFor({ timeout: WITHIN_MS })
  }
  finally {
    await browser.close()
  }
}
