// From the start of the process after a SIGKILL to the first `GET /api/sensors` that has every device as it was.
import type { DeviceState } from '#shared/schemas/device'
import { DeviceStatesSchema } from '#shared/schemas/device'
import { setTimeout as sleep } from 'node:timers/promises'
import { startBroker } from '../support/broker.ts'
import { count, median, table, verdict } from '../support/figures.ts'
import { makeFolder } from '../support/folder.ts'
import { withHistory } from '../support/history.ts'
import type { BenchOptions, Say } from '../support/bench.ts'
import { startServer } from '../support/server.ts'
import type { BenchServer } from '../support/server.ts'
import { until } from '../support/until.ts'
import { DEVICES, MESSAGES, publishFleet } from './fleet.ts'
import type { Expected } from './fleet.ts'

const TARGET_MS = 2_000
const RETRY_MS = 5
const GIVE_UP_MS = 60_000

export async function benchRestart({ rounds }: BenchOptions, say: Say) {
  say(`\nRestart: ${count(DEVICES)} devices, ${DEVICES * MESSAGES / 1_000},000 messages at QoS 1, SIGKILL, start`)
  const data = makeFolder()
  const broker = await startBroker()
  const env = { NUXT_MQTT_URL: broker.url }
  try {
    const first = await startServer({ env, data: data.path })
    await first.connected()
    const expected = await publishFleet(broker.url)
    await until(async () => (await first.health()).messages.accepted === DEVICES * MESSAGES)
    await first.kill()
    const journal = await measureRestarts(rounds, () => startServer({ env, data: data.path }), expected)
    // As the server would in half an hour.
    withHistory(data.path, new Map(), history => history.packAll())
    const packed = await measureRestarts(rounds, () => startServer({ env, data: data.path }), expected)
    return report({ journal, packed }, say)
  }
  finally {
    await broker.stop()
    data.remove()
  }
}

/** Milliseconds of each restart; each server is killed, too. */
async function measureRestarts(rounds: number, start: () => Promise<BenchServer>, expected: Expected): Promise<number[]> {
  const times: number[] = []
  for (let round = 0; round < rounds; round++) {
    const server = await start()
    times.push(await firstRightAnswer(server, expected))
    await server.connected()
    await server.kill()
  }
  return times
}

async function firstRightAnswer({ url, startedAt, failed }: BenchServer, expected: Expected): Promise<number> {
  let fault = 'nothing was answered'
  for (;;) {
    const answer = await Promise.race([fetch(`${url}/api/sensors`).then(response => response.text()).catch(() => undefined), failed])
    const ms = performance.now() - startedAt
    if (answer !== undefined) {
      const found = faultIn(DeviceStatesSchema.parse(JSON.parse(answer)), expected)
      if (found === undefined) return ms
      fault = found
    }
    if (ms > GIVE_UP_MS) throw new Error(`After ${GIVE_UP_MS / 1_000} s ${fault}.`)
    await sleep(RETRY_MS)
  }
}

/** What is not as it was sent, or undefined. */
function faultIn(devices: readonly DeviceState[], expected: Expected): string | undefined {
  if (devices.length !== expected.size) return `${devices.length} of ${expected.size} devices are there`
  for (const { deviceId, lastTelemetry, values } of devices) {
    const message = expected.get(deviceId)
    const same = message?.ts === lastTelemetry.ts && Object.entries(message.metrics).every(([name, value]) => values[name]?.value === value && lastTelemetry.metrics[name] === value)
    if (!same) return `${deviceId} has not what it sent last`
  }
  return undefined
}

function report({ journal, packed }: Record<'journal' | 'packed', number[]>, say: Say) {
  const row = (name: string, times: readonly number[]) =>
    [name, count(median(times)), count(Math.max(...times)), verdict(median(times) < TARGET_MS)]
  say(`\n${table(['first right answer after', 'ms (median)', 'ms (slowest)', `target: under ${count(TARGET_MS)} ms`], [
    row(`SIGKILL, everything in the journal (${journal.length} times)`, journal),
    row(`SIGKILL, everything packed (${packed.length} times)`, packed),
  ])}`)
  return { journalMs: journal, packedMs: packed, targetMs: TARGET_MS }
}
