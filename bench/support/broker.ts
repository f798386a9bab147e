import { existsSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { nextFreePort } from '../../tools/simulator/demo/ports.ts'
import { startProgram, startWorker } from './child.ts'
import type { Place, Worker } from './child.ts'
import { makeFolder } from './folder.ts'

const FIRST_PORT = 1990
const EMBEDDED = new URL('embedded-broker.ts', import.meta.url).pathname
/** Debian puts the broker where a user's PATH does not look. */
const FOLDERS = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin']
const CONFIG = ['allow_anonymous true', 'persistence false', 'max_inflight_messages 1000', 'max_queued_messages 0', 'log_type none']
/** As in mosquitto/mosquitto.conf: without it a message waits for the acknowledgement of the one before, which waits for the disk. */
export const AT_ONCE = 'set_tcp_nodelay true'

export interface BenchBroker extends Pick<Worker, 'failed' | 'stop' | 'cpuSeconds'> {
  port: number
  url: string
  protocol: 4 | 5
  what: string
}

/** A Mosquitto of our own; where there is none, the application's embedded broker in a process of its own. */
export async function startBroker(place?: Place, more: readonly string[] = []): Promise<BenchBroker> {
  const port = await nextFreePort(FIRST_PORT)
  const program = FOLDERS.map(folder => join(folder, 'mosquitto')).find(existsSync)
  const broker = program === undefined ? startEmbedded(port, place) : startMosquitto(program, port, more, place)
  await Promise.race([answers(port), broker.failed])
  return { ...broker, port, url: `mqtt://127.0.0.1:${port}` }
}

function startMosquitto(program: string, port: number, more: readonly string[], place?: Place) {
  const config = [...CONFIG, ...more]
  const folder = makeFolder()
  const file = join(folder.path, 'mosquitto.conf')
  writeFileSync(file, `${[`listener ${port} 127.0.0.1`, ...config].join('\n')}\n`)
  const child = startProgram(program, ['-c', file], place)
  return {
    ...child,
    protocol: 5 as const,
    what: `Mosquitto (${config.filter(line => !/^(allow|log)/.test(line)).join(', ')})`,
    async stop() {
      await child.stop()
      folder.remove()
    },
  }
}

function startEmbedded(port: number, place?: Place) {
  const child = startWorker(EMBEDDED, { args: [String(port)], ...(place && { place }) })
  return { ...child, protocol: 4 as const, what: 'the embedded broker, for there is no Mosquitto here: these figures say little about a real one' }
}

async function answers(port: number) {
  for (;;) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => { socket.destroy(); resolve(true) })
      socket.once('error', () => resolve(false))
    })
    if (open) return
    await sleep(20)
  }
}
