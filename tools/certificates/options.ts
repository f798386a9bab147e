import { isIP } from 'node:net'
import { parseOptions } from '../cli/command.ts'
import type { Asked } from '../cli/command.ts'

export interface Options {
  /** Under which devices reach the broker. */
  hosts: string[]
  devices: string[]
  revoke: string[]
  password: boolean
  force: boolean
  days: number
  folder: string
  data: string
  /** Of the files; undefined: decided by who runs it. */
  owner: { uid: number, gid: number } | undefined
}

const [TEXT, TEXTS, FLAG] = [{ type: 'string' }, { type: 'string', multiple: true }, { type: 'boolean' }] as const
const ARGUMENTS = {
  host: TEXTS, device: TEXTS, revoke: TEXTS, password: FLAG, force: FLAG, days: TEXT, folder: TEXT, data: TEXT, owner: TEXT, help: FLAG,
} as const
const MAX_DAYS = 3_650
/** At most what a certificate's common name can hold; nothing that means something in a topic, a password file or a path. */
const DEVICE = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/
const HOST = /^(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/
/** Users with rights of their own in mosquitto/production/access.conf. */
const RESERVED = ['leitstand', 'healthcheck']

/** Reads the command line (without `node` and the file's name). Never throws for what somebody typed. */
export function readOptions(args: string[]): Asked<Options> {
  const typed = parseOptions({ args, options: ARGUMENTS })
  if (typeof typed === 'string') return { kind: 'wrong', fault: typed }
  const { host = [], device = [], revoke = [], password = false, force = false, help } = typed.values
  if (help) return { kind: 'help' }
  const { days = '1825', folder = 'secrets', data = 'data', owner } = typed.values
  const [uid = 0, gid = uid] = (owner ?? '').split(':').map(Number)
  const fault = host.map(faultInHost).find(Boolean) ?? [...device, ...revoke].map(faultInDevice).find(Boolean)
  if (fault) return { kind: 'wrong', fault }
  if (!/^\d+$/.test(days) || Number(days) < 1 || Number(days) > MAX_DAYS) return { kind: 'wrong', fault: `--days must be a whole number from 1 to ${MAX_DAYS}.` }
  if (owner !== undefined && !/^\d{1,9}(:\d{1,9})?$/.test(owner)) return { kind: 'wrong', fault: '--owner must be numbers such as 1000:1000.' }
  if (!folder || !data) return { kind: 'wrong', fault: '--folder and --data need the name of a folder.' }
  const [hosts, devices] = [[...new Set(host)], [...new Set(device)]]
  const options = { hosts, devices, revoke: [...new Set(revoke)], password, force, days: Number(days), folder, data, owner: owner ? { uid, gid } : undefined }
  return { kind: 'run', options }
}

function faultInHost(host: string): string | undefined {
  if (isIP(host) || HOST.test(host)) return
  return `--host ${JSON.stringify(host)} is neither a name such as broker.example.org nor an address such as 192.0.2.7.`
}

function faultInDevice(name: string): string | undefined {
  const fault = `${JSON.stringify(name)} cannot be the name of a device: `
  if (!DEVICE.test(name)) return `${fault}1 to 64 letters, digits, dots, dashes and underscores, the first a letter or digit.`
  return RESERVED.includes(name) ? `${fault}it has rights of its own at the broker.` : undefined
}
