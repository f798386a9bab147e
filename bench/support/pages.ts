import { chromium } from 'playwright-core'
import type { Browser } from 'playwright-core'
import { BROWSER_FLAGS, findBrowser } from '../../tools/programs/find.ts'
import { AT_ONCE, startBroker } from './broker.ts'
import { startFleet } from './fleet.ts'
import { startServer } from './server.ts'

export interface Pages {
  browser: Browser
  /** `http://127.0.0.1:3700` */
  url: string
}

/** A server that knows so many devices, which send so many messages a second at QoS 1, and a browser; everything ends with `look`. */
export async function withPages<T>(devices: number, perSecond: number, look: (pages: Pages) => Promise<T>): Promise<T> {
  const executablePath = await findBrowser()
  const broker = await startBroker(undefined, [AT_ONCE])
  const server = await startServer({ env: { NUXT_MQTT_URL: broker.url } })
  await server.connected()
  const fleet = await startFleet(broker, devices)
  const failed = Promise.race([server.failed, broker.failed, fleet.failed])
  await fleet.introduce(server)
  fleet.rate(perSecond)
  const browser = await chromium.launch({ ...(executablePath && { executablePath }), args: BROWSER_FLAGS })
  try {
    return await Promise.race([failed, look({ browser, url: server.url })])
  }
  finally {
    await browser.close()
    for (const worker of [fleet, server, broker]) await worker.stop()
  }
}
