import { isIP } from 'node:net'
import { parseOptions } from '../cli/command.ts'

const [TEXT, TEXTS, FLAG] = [{ type: 'string' }, { type: 'string', multiple: true }, { type: 'boolean' }] as const
const ARGUMENTS = {
  host: TEXTS, device: TEXTS, revoke: TEXTS, password: FLAG, force: FLAG, days: TEXT, folder: TEXT, data: TEXT, owner: TEXT, help: FLAG,
} as const
/** At most what a certificate's common name can hold; nothing that means something in a topic, a password file or a path. */
const DEVICE = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/
const HOST = /^(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/
/** Users with rights of their own in mosquitto/production/access.conf. */
const RESERVED = ['leitstand', 'healthcheck']

/** `hosts`: under which devices reach the broker; `owner`: of the files, undefined: decided by who runs it. */
export type Options = Extract<ReturnType<typeof readOptions>, { kind: 'run' }>['options']

const wrong = (fault: string) => ({ kind: 'wrong', fault }) as const

/** Reads the command line (without `node` and the file's name). Never throws for what somebody typed. */
export function readOptions(args: string[]) {
  const typed = parseOptions({ args, options: ARGUMENTS })
  if (typeof typed === 'string') return wrong(typed)
  const { host = [], device = [], revoke = [], password = false, force = false, help } = typed.values
  const { days = '1825', folder = 'secrets', data = 'data', owner } = typed.values
  if (help) return { kind: 'help' } as const
  const fault = host.map(faultInHost).find(Boolean) ?? [...device, ...revoke].map(faultInDevice).find(Boolean)
  if (fault) return wrong(fault)
  if (!/^\d+$/.test(days) || Number(days) < 1 || Number(days) > 3_650) return wrong('--days must be a whole number from 1 to 3650.')
  if (!/^(\d{1,9}(:\d{1,9})?)?$/.test(owner ?? '')) return wrong('--owner must be numbers such as 1000:1000.')
  if (!folder || !data) return wrong('--folder and --data need the name of a folder.')
  const [hosts = [], devices = [], revoked = []] = [host, device, revoke].map(names => [...new Set(names)])
  const [uid = 0, gid = uid] = (owner ?? '').split(':').map(Number)
  const options = { hosts, devices, revoke: revoked, password, force, days: Number(days), folder, data, owner: owner ? { uid, gid } : undefined }
  return { kind: 'run', options } as const
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
