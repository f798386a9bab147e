import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { LatenciesSchema } from '../latency/latencies.ts'
import { startWorker } from '../support/child.ts'
import type { Worker } from '../support/child.ts'
import { until } from '../support/until.ts'

const LOAD = new URL('load.ts', import.meta.url).pathname
const WARM_UP_MS = 2_000

/** Times are from the question to the last byte of the answer; `messages` counts answers. */
const TakenSchema = LatenciesSchema.extend({ bytes: z.number() })
export interface Answers extends Omit<z.infer<typeof TakenSchema>, 'bytes'> {
  perSecond: number
  megabytesPerSecond: number
  /** User and system time of the server per answer. */
  cpuMsEach: number
}

export interface Asked extends Pick<Worker, 'cpuSeconds' | 'failed'> {
  port: number
  connections: number
  /** Asks whether it is still this, and expects a 304. */
  etag?: string
}

/** Asks a server for its devices as fast as it answers, and measures for so long. */
export async function askFor({ port, connections, etag = '', cpuSeconds, failed }: Asked, seconds: number): Promise<Answers> {
  let ready = false
  let taken: (answers: z.infer<typeof TakenSchema>) => void = () => {}
  const load = startWorker(LOAD, {
    args: [String(port), String(connections), etag === '' ? '200' : '304', etag],
    place: 'others',
    onMessage(message) {
      if ('ready' in message) ready = true
      if ('answers' in message) taken(TakenSchema.parse(message.answers))
    },
  })
  const broken = Promise.race([load.failed, failed])
  const take = async () => {
    const answers = new Promise<z.infer<typeof TakenSchema>>((resolve) => { taken = resolve })
    load.send({ take: true })
    return { answers: await Promise.race([answers, broken]), at: performance.now(), cpu: cpuSeconds() }
  }
  await Promise.race([until(() => ready), broken])
  await Promise.race([sleep(WARM_UP_MS), broken])
  const before = await take()
  await Promise.race([sleep(seconds * 1_000), broken])
  const { answers: { bytes, ...answers }, at, cpu } = await take()
  await load.stop()
  const elapsed = (at - before.at) / 1_000
  return {
    ...answers,
    perSecond: answers.messages / elapsed,
    megabytesPerSecond: bytes / elapsed / 1_000_000,
    cpuMsEach: (cpu - before.cpu) / answers.messages * 1_000,
  }
}
