// What is made, in which order, and what is left alone because it is there.
import { X509Certificate } from 'node:crypto'
import { copyFileSync, existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { openAuthority } from './authority.ts'
import type { Authority } from './authority.ts'
import { CertificatesFailure } from './failure.ts'
import { giveTo, makeFolder, writeSecret } from './files.ts'
import { APPLICATION, HEALTH_CHECK } from './options.ts'
import type { Options, Owner } from './options.ts'
import { newPassword, openPasswordFile } from './passwords.ts'
import type { PasswordFile } from './passwords.ts'

/** Beside the hosts that were asked for: the broker's name in compose, and the machine itself. */
const OWN_HOSTS = ['mosquitto', 'localhost', '127.0.0.1']
/** No device is called so, because a device's name begins with a letter or digit. */
const SERVER = '_server'
/** The folders in which the containers keep their data. */
const DATA = ['caddy', 'leitstand', 'mosquitto']
/** Whom the container of the application runs as, and so the others. */
const CONTAINER_USER: Owner = { uid: 1000, gid: 1000 }

/** Called for each thing that was made, kept or taken back: a verb, what, and more about it. */
export type Say = (verb: 'made' | 'kept' | 'revoked', what: string, about: string) => void

interface Workshop {
  options: Options
  authority: Authority
  passwords: PasswordFile
  say: Say
  broker: string
}

/**
 * Makes what is asked for and not there yet. Says nothing of what is inside a secret.
 * @returns Whom the files belong to.
 * @throws {CertificatesFailure} when something is missing; what was made until then stays.
 */
export function makeCertificates(options: Options, say: Say): Owner {
  const broker = join(options.folder, 'broker')
  const isServerMissing = !existsSync(join(broker, 'server.pem'))
  if (isServerMissing && options.hosts.length === 0) {
    throw new CertificatesFailure('--host is missing: the name or address under which devices reach the broker, for example --host broker.example.org.')
  }
  const owner = ownerOf(options)
  for (const folder of [options.folder, broker, join(options.folder, 'authority')]) makeFolder(folder)
  const authority = openAuthority(join(options.folder, 'authority'), broker)
  say(authority.isNew ? 'made' : 'kept', join(broker, 'authority.pem'), `the authority, until ${endOf(join(broker, 'authority.pem'))}`)
  const workshop = { options, authority, passwords: openPasswordFile(join(broker, 'passwords')), say, broker }

  makeServer(workshop)
  makeApplication(workshop)
  makeHealthCheck(workshop)
  for (const device of options.devices) {
    if (options.password) makePassword(workshop, device)
    else makeDevice(workshop, device)
  }
  for (const device of options.revoke) revoke(workshop, device)
  makeData(options, owner)
  return owner
}

function makeServer({ options, authority, say, broker }: Workshop) {
  const certificateFile = join(broker, 'server.pem')
  const isThere = existsSync(certificateFile)
  if (isThere && !(options.force && options.hosts.length > 0)) return say('kept', certificateFile, aboutServer(certificateFile))
  if (isThere) authority.revoke(SERVER)
  const hosts = [...new Set([...options.hosts, ...OWN_HOSTS])]
  authority.sign({ name: SERVER, hosts, days: options.days, keyFile: join(broker, 'server.key'), certificateFile })
  say('made', certificateFile, aboutServer(certificateFile))
}

/** Made anew together with the broker's. */
function makeApplication({ options, authority, say, broker }: Workshop) {
  const folder = join(options.folder, APPLICATION)
  const certificateFile = join(folder, 'client.pem')
  const isThere = existsSync(certificateFile)
  if (isThere && !(options.force && options.hosts.length > 0)) return say('kept', certificateFile, aboutClient('the application', certificateFile))
  if (isThere) authority.revoke(APPLICATION)
  signClient({ authority, broker, options }, APPLICATION, folder)
  say('made', certificateFile, aboutClient('the application', certificateFile))
}

/** Without a certificate, because it asks from inside the container. */
function makeHealthCheck({ passwords, say, broker }: Workshop) {
  // The name under which mosquitto_sub looks for its options.
  const file = join(broker, 'mosquitto_sub')
  if (existsSync(file) && passwords.has(HEALTH_CHECK)) return say('kept', file, 'the health check’s password')
  const password = newPassword()
  passwords.set(HEALTH_CHECK, password)
  writeSecret(file, `-i ${HEALTH_CHECK}\n-u ${HEALTH_CHECK}\n-P ${password}\n`)
  say('made', file, 'the health check’s password')
}

function makeDevice({ options, authority, say, broker }: Workshop, device: string) {
  const folder = join(options.folder, 'devices', device)
  const certificateFile = join(folder, 'client.pem')
  if (authority.hasSigned(device)) {
    if (!options.force) return say('kept', folder, `${device} has a certificate already; --force makes another and revokes this one`)
    authority.revoke(device)
    say('revoked', device, 'its certificate until now')
  }
  signClient({ authority, broker, options }, device, folder)
  say('made', folder, aboutClient(device, certificateFile))
}

function signClient({ authority, broker, options }: Pick<Workshop, 'authority' | 'broker' | 'options'>, name: string, folder: string) {
  makeFolder(folder)
  copyFileSync(join(broker, 'authority.pem'), join(folder, 'authority.pem'))
  authority.sign({ name, hosts: [], days: options.days, keyFile: join(folder, 'client.key'), certificateFile: join(folder, 'client.pem') })
}

function makePassword({ options, passwords, say, broker }: Workshop, device: string) {
  const folder = join(options.folder, 'devices', device)
  if (passwords.has(device) && !options.force) return say('kept', folder, `${device} has a password already; --force makes another`)
  const password = newPassword()
  makeFolder(folder)
  copyFileSync(join(broker, 'authority.pem'), join(folder, 'authority.pem'))
  writeSecret(join(folder, 'password'), `${password}\n`)
  passwords.set(device, password)
  say('made', folder, `${device} by password`)
}

function revoke({ options, authority, passwords, say }: Workshop, device: string) {
  const certificates = authority.revoke(device)
  const password = passwords.remove(device)
  if (certificates === 0 && !password) throw new CertificatesFailure(`There is nothing to revoke of ${device}: it has neither a certificate nor a password.`)
  rmSync(join(options.folder, 'devices', device), { recursive: true, force: true })
  say('revoked', device, [certificates > 0 && 'certificate', password && 'password'].filter(Boolean).join(' and '))
}

function makeData({ folder, data }: Options, owner: Owner) {
  const made = [data, ...DATA.map(name => join(data, name))].filter(makeFolder)
  // Only root can give something away; everybody else is the owner already.
  if (process.getuid?.() !== 0) return
  for (const each of [folder, ...made]) giveTo(owner, each)
}

/** @throws {CertificatesFailure} when somebody other than root wants to give files away. */
function ownerOf({ owner }: Options): Owner {
  const uid = process.getuid?.()
  const gid = process.getgid?.()
  if (uid === undefined || gid === undefined || uid === 0) return owner ?? CONTAINER_USER
  if (owner && (owner.uid !== uid || owner.gid !== gid)) throw new CertificatesFailure('Only root can make files that belong to somebody else: run it with sudo, or leave --owner out.')
  return { uid, gid }
}

function aboutServer(file: string): string {
  const names = new X509Certificate(readFileSync(file)).subjectAltName ?? ''
  return `the broker as ${names.replaceAll(/DNS:|IP Address:/g, '')}, until ${endOf(file)}`
}

function aboutClient(name: string, file: string): string {
  return `${name}, until ${endOf(file)}`
}

/** `2031-11-23` */
function endOf(file: string): string {
  return new Date(new X509Certificate(readFileSync(file)).validTo).toISOString().slice(0, 10)
}
