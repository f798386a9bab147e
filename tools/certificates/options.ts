import { isIP } from 'node:net'
import { parseArgs } from 'node:util'

export interface Options {
  /** Names and addresses under which devices reach the broker. */
  hosts: string[]
  devices: string[]
  revoke: string[]
  /** Devices get a password instead of a certificate. */
  password: boolean
  /** Replace what is named. */
  force: boolean
  days: number
  folder: string
  data: string
  /** Whom the files shall belong to; undefined: decided by who runs it. */
  owner: Owner | undefined
}

export interface Owner { uid: number, gid: number }

export type Asked
  = | { kind: 'run', options: Options }
    | { kind: 'help' }
    /** What is wrong, in one sentence. */
    | { kind: 'wrong', fault: string }

const ARGUMENTS = {
  host: { type: 'string', multiple: true },
  device: { type: 'string', multiple: true },
  revoke: { type: 'string', multiple: true },
  password: { type: 'boolean' },
  force: { type: 'boolean' },
  days: { type: 'string' },
  folder: { type: 'string' },
  data: { type: 'string' },
  owner: { type: 'string' },
  help: { type: 'boolean' },
} as const

const DEFAULT_DAYS = 1_825
const MAX_DAYS = 3_650
const MAX_HOST_LENGTH = 253
/** At most what a certificate's common name can hold; nothing that means something in a topic, a password file or a path. */
const DEVICE = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/
const HOST = /^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/
/** The application at the broker. */
export const APPLICATION = 'leitstand'
export const HEALTH_CHECK = 'healthcheck'
/** Users with rights of their own in mosquitto/production/access.conf. */
const RESERVED = [APPLICATION, HEALTH_CHECK]

/** Reads the command line (without `node` and the file's name). Never throws for what somebody typed. */
export function readOptions(args: string[]): Asked {
  const typed = parse(args)
  if (typeof typed === 'string') return { kind: 'wrong', fault: typed }
  if (typed.help) return { kind: 'help' }
  const { host = [], device = [], revoke = [], password = false, force = false, days, folder = 'secrets', data = 'data', owner } = typed
  const fault = host.map(faultInHost).find(Boolean) ?? [...device, ...revoke].map(faultInDevice).find(Boolean)
    ?? faultInDays(days) ?? faultInOwner(owner)
    ?? (folder && data ? undefined : '--folder and --data need the name of a folder.')
  if (fault) return { kind: 'wrong', fault }
  const [uid, gid] = (owner ?? '').split(':').map(Number)
  return {
    kind: 'run',
    options: {
      hosts: [...new Set(host)],
      devices: [...new Set(device)],
      revoke: [...new Set(revoke)],
      password,
      force,
      days: Number(days ?? DEFAULT_DAYS),
      folder,
      data,
      owner: owner && uid !== undefined ? { uid, gid: gid ?? uid } : undefined,
    },
  }
}

function parse(args: string[]) {
  try {
    return parseArgs({ args, options: ARGUMENTS }).values
  }
  catch (error) {
    // Node explains in several sentences; the first says what is wrong.
    const explanation = error instanceof Error ? error.message : String(error)
    return `${explanation.replace(/\.?(?:\s(?=To |Did |This )|\n)[^]*$/, '')}.`
  }
}

function faultInHost(host: string): string | undefined {
  if (isIP(host) || (HOST.test(host) && host.length <= MAX_HOST_LENGTH)) return
  return `--host ${JSON.stringify(host)} is neither a name such as broker.example.org nor an address such as 192.0.2.7.`
}

function faultInDevice(name: string): string | undefined {
  if (!DEVICE.test(name)) return `${JSON.stringify(name)} cannot be the name of a device: 1 to 64 letters, digits, dots, dashes and underscores, the first a letter or digit.`
  if (RESERVED.includes(name)) return `${JSON.stringify(name)} cannot be the name of a device: it has rights of its own at the broker.`
}

function faultInDays(days: string | undefined): string | undefined {
  if (days === undefined || (/^\d+$/.test(days) && Number(days) >= 1 && Number(days) <= MAX_DAYS)) return
  return `--days must be a whole number from 1 to ${MAX_DAYS}.`
}

function faultInOwner(owner: string | undefined): string | undefined {
  if (owner === undefined || /^\d{1,9}(:\d{1,9})?$/.test(owner)) return
  return '--owner must be numbers such as 1000:1000.'
}
