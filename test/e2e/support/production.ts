import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import mqtt from 'mqtt'
import type { IClientOptions, MqttClient } from 'mqtt'
import { onTestFinished } from 'vitest'
import { freePort } from '../../../tools/programs/free-port'
import type { Env } from './app'
import { runMosquitto } from './broker'

/** The listeners of mosquitto/production/mosquitto.conf, by the port they have there. */
type Listener = 8883 | 8884 | 8885 | 1883

/** What `npm run certificates` makes, in a folder of its own. */
export interface Secrets {
  folder: string
  secret: (file: string) => string
  /** Runs it once more. */
  certificates: (...args: string[]) => void
  remove: () => void
}

/** The production form of the broker as it is in the repository, with its secrets, on free ports. */
export interface Production extends Secrets {
  ports: Record<Listener, number>
  restart: () => Promise<void>
  reload: () => void
  stop: () => Promise<void>
}

export function makeSecrets(...args: string[]): Secrets {
  const folder = mkdtempSync(join(tmpdir(), 'leitstand-production-'))
  const certificates = (...more: string[]) => {
    const { status, stderr } = spawnSync(process.execPath, [resolve('tools/certificates.ts'), ...more], { cwd: folder, encoding: 'utf8' })
    if (status !== 0) throw new Error(stderr)
  }
  certificates('--host', 'localhost', ...args)
  return { folder, certificates, secret: file => join(folder, 'secrets', file), remove: () => rmSync(folder, { recursive: true }) }
}

export async function startProduction(secrets: Secrets): Promise<Production> {
  const { folder } = secrets
  const ports = { 8883: await freePort(), 8884: await freePort(), 8885: await freePort(), 1883: await freePort() }
  const listeners = new Map(Object.entries(ports))
  cpSync('mosquitto/production', join(folder, 'mosquitto/production'), { recursive: true })
  mkdirSync(join(folder, 'mosquitto/data'))
  const conf = join(folder, 'mosquitto/production/mosquitto.conf')
  // Nothing but the ports is another; and as root, which tests may be, Mosquitto would become a user who can read none of this.
  const lines = readFileSync(conf, 'utf8').replace(/^listener (\d+).*$/gm, (_, listener: string) => `listener ${listeners.get(listener)} 127.0.0.1`)
  writeFileSync(conf, `${lines}\nuser root\n`)
  const broker = runMosquitto(['-c', 'mosquitto/production/mosquitto.conf'], ports[1883], folder)
  await broker.start()
  return {
    ...secrets,
    ports,
    reload: broker.reload,
    stop: broker.stop,
    async restart() {
      await broker.stop()
      await broker.start()
    },
  }
}

/** How a client with a certificate connects, by the folder below `secrets/` with its credentials. */
export function withCertificate({ ports, secret }: Production, name: string, listener: Listener = 8883): IClientOptions & { url: string } {
  return {
    url: `mqtts://localhost:${ports[listener]}`,
    ca: readFileSync(secret(`${name}/authority.pem`)),
    cert: readFileSync(secret(`${name}/client.pem`)),
    key: readFileSync(secret(`${name}/client.key`)),
  }
}

/** How a client with a password connects over TLS. */
export function withPassword({ ports, secret }: Production, name: string): IClientOptions & { url: string } {
  return {
    url: `mqtts://localhost:${ports[8884]}`,
    ca: readFileSync(secret('broker/authority.pem')),
    username: name,
    password: readFileSync(secret(`devices/${name}/password`), 'utf8').trim(),
  }
}

/** Connects once; rejects with the reason when it is refused. Ends with the test. */
export async function enter({ url, ...options }: IClientOptions & { url: string }): Promise<MqttClient> {
  const client = await mqtt.connectAsync(url, { protocolVersion: 5, reconnectPeriod: 0, connectTimeout: 5_000, ...options }, false)
  client.on('error', () => {})
  onTestFinished(() => client.endAsync(true))
  return client
}

/** What the built server needs to be the application at this broker. */
export function asApplication({ ports, secret }: Production): Env {
  return {
    NUXT_MQTT_URL: `mqtts://localhost:${ports[8885]}`,
    NUXT_MQTT_CA_FILE: secret('leitstand/authority.pem'),
    NUXT_MQTT_CERT_FILE: secret('leitstand/client.pem'),
    NUXT_MQTT_KEY_FILE: secret('leitstand/client.key'),
  }
}
