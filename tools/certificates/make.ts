// What is made, in which order, and what is left alone because it is there. Says nothing of what is inside a secret.
import { X509Certificate } from 'node:crypto'
import { chownSync, copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { CommandFailure } from '../cli/failure.ts'
import type { Progress } from '../cli/progress.ts'
import { openAuthority } from './authority.ts'
import type { Options } from './options.ts'
import { openPasswordFile, writeWhole } from './passwords.ts'

/** Beside the hosts that were asked for: the broker's name in compose, and the machine itself. */
const OWN_HOSTS = ['mosquitto', 'localhost', '127.0.0.1']

/** Makes what is asked for and not there yet; what was made until something is missing stays. @throws {CommandFailure} */
export function makeCertificates(options: Options, progress: Progress) {
  const { uid, gid } = ownerOf(options)
  make(options, (verb, what, about) => progress.say(`${verb.padEnd(8)} ${what}: ${about}`))
  const made = ['.', 'caddy', 'leitstand', 'mosquitto'].map(name => join(options.data, name)).filter(path => !existsSync(path))
  for (const path of made) mkdirSync(path, { recursive: true })
  const secrets = readdirSync(options.folder, { recursive: true, encoding: 'utf8' }).map(path => join(options.folder, path))
  // Only root can give something away; everybody else is the owner already.
  if (process.getuid?.() === 0) for (const path of [options.folder, ...secrets, ...made]) chownSync(path, uid, gid)
  if (uid !== 1000 || gid !== 1000) progress.say(`The files belong to ${uid}:${gid}: put LEITSTAND_USER=${uid}:${gid} into .env.`)
}

/** By default the user of the containers, or whoever runs this without being root. */
function ownerOf({ owner }: Options) {
  const [uid, gid] = [process.getuid?.(), process.getgid?.()]
  if (!uid || gid === undefined) return owner ?? { uid: 1000, gid: 1000 }
  if (!owner || (owner.uid === uid && owner.gid === gid)) return { uid, gid }
  throw new CommandFailure('Only root can make files that belong to somebody else: run it with sudo, or leave --owner out.')
}

type Say = (verb: 'made' | 'kept' | 'revoked', what: string, about: string) => void

function make({ hosts, devices, revoke, password, force, days, folder }: Options, say: Say) {
  const [own = '', health = '', server = ''] = ['authority.pem', 'mosquitto_sub', 'server'].map(name => join(folder, 'broker', name))
  if (hosts.length === 0 && !existsSync(`${server}.pem`)) {
    throw new CommandFailure('--host is missing: the name or address under which devices reach the broker, for example --host broker.example.org.')
  }
  for (const name of ['broker', 'authority']) mkdirSync(join(folder, name), { recursive: true })
  const authority = openAuthority(folder)
  say(authority.isNew ? 'made' : 'kept', own, `the authority, until ${endOf(own)}`)
  const passwords = openPasswordFile(join(folder, 'broker/passwords'))

  function makeFolder(path: string) {
    mkdirSync(path, { recursive: true })
    copyFileSync(own, join(path, 'authority.pem'))
  }

  const application = join(folder, 'leitstand')
  // No device is called `_server`, because a device's name begins with a letter or digit.
  for (const [name, file, names] of [['_server', server, [...hosts, ...OWN_HOSTS]], ['leitstand', join(application, 'client'), []]] as const) {
    const isThere = existsSync(`${file}.pem`)
    const isKept = isThere && !(force && hosts.length > 0)
    if (isThere && !isKept) authority.revoke(name)
    if (!isKept && file !== server) makeFolder(application)
    if (!isKept) authority.sign(name, file, days, [...new Set(names)])
    const subject = file === server ? `the broker as ${hostsOf(`${file}.pem`)}` : 'the application'
    say(isKept ? 'kept' : 'made', `${file}.pem`, `${subject}, until ${endOf(`${file}.pem`)}`)
  }

  // By password, because it asks from inside the container.
  const hasHealth = existsSync(health) && passwords.has('healthcheck')
  if (!hasHealth) writeWhole(health, `-i healthcheck\n-u healthcheck\n-P ${passwords.renew('healthcheck')}\n`)
  say(hasHealth ? 'kept' : 'made', health, 'the health check’s password')

  for (const device of devices) {
    const path = join(folder, 'devices', device)
    const has = password ? passwords.has(device) : authority.hasSigned(device)
    if (has && !force) {
      say('kept', path, `${device} has a ${password ? 'password already; --force makes another' : 'certificate already; --force makes another and revokes this one'}`)
      continue
    }
    if (has && !password) {
      authority.revoke(device)
      say('revoked', device, 'its certificate until now')
    }
    makeFolder(path)
    if (password) writeWhole(join(path, 'password'), `${passwords.renew(device)}\n`)
    else authority.sign(device, join(path, 'client'), days, [])
    say('made', path, password ? `${device} by password` : `${device}, until ${endOf(join(path, 'client.pem'))}`)
  }
  for (const device of revoke) {
    const taken = [authority.revoke(device) > 0 && 'certificate', passwords.remove(device) && 'password'].filter(Boolean)
    if (taken.length === 0) throw new CommandFailure(`There is nothing to revoke of ${device}: it has neither a certificate nor a password.`)
    rmSync(join(folder, 'devices', device), { recursive: true, force: true })
    say('revoked', device, taken.join(' and '))
  }
}

const hostsOf = (file: string) => new X509Certificate(readFileSync(file)).subjectAltName?.replaceAll(/DNS:|IP Address:/g, '')
/** `2031-11-23` */
const endOf = (file: string) => new Date(new X509Certificate(readFileSync(file)).validTo).toISOString().slice(0, 10)
