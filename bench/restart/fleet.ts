import mqtt from 'mqtt'

export const DEVICES = 10_000
/** Messages of each device. */
export const MESSAGES = 8
/** Unacknowledged at once. */
const WINDOW = 500

interface Message { ts: string, metrics: Record<string, number> }
/** What each device sent last. */
export type Expected = ReadonlyMap<string, Message>

/** Publishes the messages of all devices in turn at QoS 1, all different. */
export async function publishFleet(url: string): Promise<Expected> {
  const client = await mqtt.connectAsync(url)
  const expected = new Map<string, Message>()
  const begin = Date.now() - DEVICES * MESSAGES
  let pending: Promise<unknown>[] = []
  for (let i = 0; i < DEVICES * MESSAGES; i++) {
    const deviceId = `restart-${i % DEVICES}`
    const message = { ts: new Date(begin + i).toISOString(), metrics: { tempC: i / 1_000, humidity: i % 1_000 / 10, powerW: i % 977 } }
    expected.set(deviceId, message)
    pending.push(client.publishAsync(`sensors/${deviceId}/telemetry`, JSON.stringify(message), { qos: 1 }))
    if (pending.length < WINDOW) continue
    await Promise.all(pending)
    pending = []
  }
  await Promise.all(pending)
  await client.endAsync()
  return expected
}
