import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import mqtt from 'mqtt'
import type { IClientOptions, MqttClient } from 'mqtt'
import { onTestFinished } from 'vitest'
import { freePort } from '../../../tools/programs/free-port'
import { mosquitto } from './dependencies'
import { until } from './until'

export interface Broker {
  port: number
  url: string
  folder: string
  /** Starts it again after `stop`, on the same port with the same stored data. */
  start: () => Promise<void>
  stop: (signal?: NodeJS.Signals) => Promise<void>
  /** Has it read its password and access files again. */
  reload: () => void
}

/** A real Mosquitto with the lines given; `files` are written beside its configuration first. Stopped when the test ends. */
export async function startMosquitto(lines = ['allow_anonymous true'], files: Record<string, string> = {}, run = true): Promise<Broker> {
  const port = await freePort()
  const folder = mkdtempSync(join(tmpdir(), 'leitstand-broker-'))
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content)
  const config = [`listener ${port} 127.0.0.1`, 'persistence true', `persistence_location ${folder}/`, 'user root',
    'max_queued_messages 0', ...lines.map(line => line.replaceAll('{folder}', folder))]
  writeFileSync(join(folder, 'mosquitto.conf'), `${config.join('\n')}\n`)
  const broker = runMosquitto(['-c', join(folder, 'mosquitto.conf')], port, folder)
  if (run) await broker.start()
  onTestFinished(async () => {
    await broker.stop()
    rmSync(folder, { recursive: true })
  })
  return broker
}

/** Starts nothing yet; `folder` is the working directory, and `port` the one by which it is seen to be there. */
export function runMosquitto(args: string[], port: number, folder: string): Broker {
  let ended: Promise<unknown> | undefined
  let end: ((signal: NodeJS.Signals) => void) | undefined
  return {
    port,
    folder,
    url: `mqtt://127.0.0.1:${port}`,
    async start() {
      if (!mosquitto) throw new Error('There is no Mosquitto on this machine.')
      const child = spawn(mosquitto, args, { cwd: folder, stdio: 'ignore' })
      ended = once(child, 'exit')
      end = signal => child.kill(signal)
      await until(() => answers(port), 'Mosquitto to listen')
    },
    async stop(signal = 'SIGTERM') {
      end?.(signal)
      await ended
    },
    reload: () => end?.('SIGHUP'),
  }
}

function answers(port: number): Promise<true | undefined> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => { socket.destroy(); resolve(true) })
    socket.once('error', () => resolve(undefined))
  })
}

/** A device: an MQTT client that ends with the test. */
export async function connectDevice(url: string, options: IClientOptions = {}): Promise<MqttClient> {
  const client = await mqtt.connectAsync(url, { protocolVersion: 5, ...options })
  onTestFinished(() => client.endAsync(true))
  return client
}
