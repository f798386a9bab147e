// How each Compose file is brought up and reached: what its document tells people to do before and after the start.
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { IClientOptions } from 'mqtt'
import { z } from 'zod'
import { makeToken } from './account.ts'
import { until } from './seen.ts'

/** Debian's Caddy 2.6 signs for .local by itself, and asks a public authority for .internal. */
const PAGES = 'leitstand.local'
const BROKER = 'broker.example.org'
/** Whom the containers run as, and so whom their files belong to. */
const OWNER = '1000:1000'
const DEVICE = 'gate-1'
const SCRAPED_WITHIN_MS = 60_000

export interface Deployment {
  files: readonly string[]
  /** Services that nothing here can stand in for. */
  leftOut: readonly string[]
  origin: string
  device: string
  /** Names that lead to this machine. */
  hosts: readonly string[]
  /** The service whose log has the code for the first account; absent: everybody on this machine may enter. */
  codeFrom?: string
  /** Whether nobody may look before there is an account. */
  isClosed: boolean
  /** What is done in the project's folder before the start. */
  prepare: (folder: string) => void
  /** Where a device publishes, and with what. */
  broker: (folder: string) => { url: string, options: IClientOptions }
  /** Files with authorities that the pages' certificate is signed by; there once it runs. */
  authorities: readonly string[]
  /** What else is looked at; resolves with what was seen. */
  seeMore?: (folder: string, cookie: string) => Promise<string>
}

const onThisMachine = {
  origin: 'http://127.0.0.1:3000',
  device: 'tor-1',
  hosts: [],
  isClosed: false,
  broker: () => ({ url: 'mqtt://127.0.0.1:1883', options: {} }),
  authorities: [],
}

const inProduction = {
  origin: `https://${PAGES}`,
  device: DEVICE,
  hosts: [PAGES, BROKER],
  isClosed: true,
  broker: (folder: string) => {
    const file = (name: string) => readFileSync(join(folder, 'secrets/devices', DEVICE, name))
    return { url: `mqtts://${BROKER}:8883`, options: { ca: file('authority.pem'), cert: file('client.pem'), key: file('client.key') } }
  },
  authorities: ['data/caddy/caddy/pki/authorities/local/root.crt'],
}

const DEPLOYMENTS: readonly Deployment[] = [
  { ...onThisMachine, files: ['compose.yaml'], leftOut: [], prepare: () => {} },
  { ...inProduction, files: ['deploy/compose.production.yaml'], leftOut: [], codeFrom: 'leitstand', prepare: prepareProduction },
  {
    ...onThisMachine,
    files: ['compose.yaml', 'deploy/compose.monitoring.yaml'],
    leftOut: ['grafana'],
    codeFrom: 'leitstand',
    prepare: folder => writeToken(folder, 'none yet'),
    seeMore: seeInPrometheus,
  },
  // One Mosquitto is in the place of one EMQX, and cannot be several that are one.
  { ...inProduction, files: ['deploy/compose.cluster.yaml'], leftOut: ['emqx-2', 'emqx-3'], codeFrom: 'leitstand-1', prepare: prepareCluster },
]

/** The one that is started with these files. */
export function deploymentOf(files: readonly string[]): Deployment | undefined {
  return DEPLOYMENTS.find(deployment => deployment.files.join(' ') === files.join(' '))
}

function prepareProduction(folder: string) {
  writeFileSync(join(folder, '.env'), `LEITSTAND_HOST=${PAGES}\n`)
  execFileSync(process.execPath, ['tools/certificates.ts', '--host', BROKER, '--device', DEVICE], { cwd: folder, stdio: 'ignore' })
}

function prepareCluster(folder: string) {
  prepareProduction(folder)
  const numbered = ['emqx', 'leitstand'].flatMap(name => [1, 2, 3].map(i => `data/${name}-${i}`))
  for (const path of ['secrets/database', 'data/database', ...numbered]) mkdirSync(join(folder, path), { recursive: true })
  const password = randomBytes(24).toString('hex')
  writeFileSync(join(folder, 'secrets/database/password'), password, { mode: 0o600 })
  writeFileSync(join(folder, 'secrets/database/url'), `postgres://leitstand:${password}@database:5432/leitstand`, { mode: 0o600 })
  writeFileSync(join(folder, '.env'), `LEITSTAND_BROKERS_COOKIE=${randomBytes(32).toString('hex')}\n`, { flag: 'a' })
  execFileSync('chown', ['-R', OWNER, 'data', 'secrets'], { cwd: folder })
}

function writeToken(folder: string, token: string) {
  const secrets = join(folder, 'secrets/monitoring')
  mkdirSync(secrets, { recursive: true, mode: 0o700 })
  writeFileSync(join(secrets, 'leitstand.token'), `${token}\n`, { mode: 0o644 })
}

const ResultSchema = z.looseObject({ data: z.looseObject({ result: z.array(z.looseObject({ value: z.tuple([z.number(), z.string()]) })) }) })

async function seeInPrometheus(folder: string, cookie: string): Promise<string> {
  writeToken(folder, await makeToken(onThisMachine.origin, cookie))
  let count = ''
  await until(async () => {
    const answer = await fetch('http://127.0.0.1:9090/api/v1/query?query=leitstand_messages_accepted_total')
    count = ResultSchema.parse(await answer.json()).data.result[0]?.value[1] ?? ''
    return Number(count) > 0
  }, () => 'Prometheus has not read leitstand_messages_accepted_total.', SCRAPED_WITHIN_MS)
  return `Prometheus reads leitstand_messages_accepted_total = ${count}`
}
