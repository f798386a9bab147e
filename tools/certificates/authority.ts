// The authority that signs everything: its key, what it signed, what it took back. Keeps a copy of each certificate, so that one
// can be revoked when the device, and its folder, are long gone.
import { generateKeyPairSync, randomBytes, X509Certificate } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { basename, join, relative } from 'node:path'
import { CertificatesFailure } from './failure.ts'
import { makeFolder, writeSecret } from './files.ts'
import { openssl } from './openssl.ts'

/** For as long the authority and its list of revoked certificates hold; a list past its time would lock everybody out. */
const AUTHORITY_DAYS = 3_650
const DAY_MS = 86_400_000
const SERIAL_BYTES = 16
const CONFIG = 'openssl.part'

export interface Wish {
  /** The certificate's common name, and the user name at the broker. */
  name: string
  /** Names and addresses of a server; none: a client. */
  hosts: readonly string[]
  days: number
  keyFile: string
  certificateFile: string
}

export interface Authority {
  /** Makes a key and a certificate for it. @throws {CertificatesFailure} */
  sign: (wish: Wish) => void
  /** Takes back every certificate of a name; how many there were. @throws {CertificatesFailure} */
  revoke: (name: string) => number
  /** Whether there is a certificate of the name that was not taken back. */
  hasSigned: (name: string) => boolean
  /** Whether it is new. */
  isNew: boolean
}

/**
 * Opens the authority in `folder`, or makes one.
 * @param shared The folder with what everybody may see of it: `authority.pem`, and `revoked.pem`.
 */
export function openAuthority(folder: string, shared: string): Authority {
  const keyFile = join(folder, 'authority.key')
  const certificateFile = join(shared, 'authority.pem')
  const issued = join(folder, 'issued')
  const revoked = join(folder, 'revoked')
  const isNew = !existsSync(certificateFile)
  for (const each of [issued, revoked]) makeFolder(each)
  if (isNew) found()

  function found() {
    if (readdirSync(issued).length > 0) throw new CertificatesFailure(`${certificateFile} is gone, but what it signed is not; bring it back, or take the whole folder away to begin anew.`)
    writeSecret(keyFile, newKey())
    for (const [file, content] of [['index.txt', ''], ['crlnumber', '01\n']] as const) writeSecret(join(folder, file), content)
    const extensions = ['basicConstraints = critical, CA:TRUE, pathlen:0', 'keyUsage = critical, keyCertSign, cRLSign', 'subjectKeyIdentifier = hash']
    const pem = configured('Leitstand authority', extensions, config =>
      openssl(folder, ['req', '-x509', '-new', '-config', config, '-extensions', 'extensions', '-key', basename(keyFile), '-sha256', '-days', String(AUTHORITY_DAYS), '-set_serial', newSerial()]))
    writeSecret(certificateFile, pem)
    listRevoked()
  }

  /** OpenSSL's settings, in a file because it takes them no other way. */
  function configured<T>(name: string, extensions: string[], run: (config: string) => T): T {
    writeSecret(join(folder, CONFIG), [
      '[req]', 'distinguished_name = name', 'prompt = no', '[name]', `CN = ${name}`, '[extensions]', ...extensions,
      '[ca]', 'default_ca = authority', '[authority]', 'database = index.txt', 'crlnumber = crlnumber', 'default_md = sha256',
      `default_crl_days = ${AUTHORITY_DAYS}`, `private_key = ${basename(keyFile)}`, `certificate = ${toUrlPath(relative(folder, certificateFile))}`, '',
    ].join('\n'))
    try {
      return run(CONFIG)
    }
    finally {
      rmSync(join(folder, CONFIG), { force: true })
    }
  }

  function listRevoked() {
    writeSecret(join(shared, 'revoked.pem'), configured('-', [], config => openssl(folder, ['ca', '-config', config, '-gencrl'])))
  }

  function requireKey() {
    if (existsSync(keyFile)) return
    throw new CertificatesFailure(`The authority's key is not at ${keyFile}; bring it back from where it is kept.`)
  }

  const ofName = (name: string) => readdirSync(issued).filter(file => nameOf(file) === name)

  return {
    isNew,
    hasSigned: name => ofName(name).length > 0,
    sign(wish) {
      requireKey()
      const key = newKey()
      const part = join(folder, 'key.part')
      writeSecret(part, key)
      const serial = newSerial()
      try {
        const pem = configured(wish.name, extensionsOf(wish.hosts), (config) => {
          const request = openssl(folder, ['req', '-new', '-config', config, '-key', basename(part), '-sha256'])
          return openssl(folder, ['x509', '-req', '-CA', toUrlPath(relative(folder, certificateFile)), '-CAkey', basename(keyFile), '-set_serial', serial,
            '-days', String(Math.min(wish.days, daysLeft(certificateFile))), '-sha256', '-extfile', config, '-extensions', 'extensions'], request)
        })
        writeSecret(join(issued, `${wish.name}.${serial.slice(2)}.pem`), pem)
        writeSecret(wish.keyFile, key)
        writeSecret(wish.certificateFile, pem)
      }
      finally {
        rmSync(part, { force: true })
      }
    },
    revoke(name) {
      const files = ofName(name)
      if (files.length === 0) return 0
      requireKey()
      for (const file of files) {
        configured('-', [], config => openssl(folder, ['ca', '-config', config, '-revoke', toUrlPath(join('issued', file))]))
        renameSync(join(issued, file), join(revoked, file))
      }
      listRevoked()
      return files.length
    },
  }
}

function newKey(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
}

/** Positive, and of the same length always. */
function newSerial(): string {
  const bytes = randomBytes(SERIAL_BYTES)
  bytes[0] = ((bytes[0] ?? 0) & 0x3F) | 0x40
  return `0x${bytes.toString('hex')}`
}

/** A device's certificate must not pass for the broker, nor the broker's for a device. */
function extensionsOf(hosts: readonly string[]): string[] {
  const common = ['basicConstraints = critical, CA:FALSE', 'keyUsage = critical, digitalSignature', 'subjectKeyIdentifier = hash', 'authorityKeyIdentifier = keyid']
  if (hosts.length === 0) return [...common, 'extendedKeyUsage = clientAuth']
  const names = hosts.map(host => `${/^[\d.]+$|:/.test(host) ? 'IP' : 'DNS'}:${host}`)
  return [...common, 'extendedKeyUsage = serverAuth', `subjectAltName = ${names.join(', ')}`]
}

function daysLeft(certificateFile: string): number {
  const left = Date.parse(new X509Certificate(readFileSync(certificateFile)).validTo) - Date.now()
  if (left < DAY_MS) throw new CertificatesFailure(`The authority in ${certificateFile} is past its time; take the folder away to begin anew.`)
  return Math.floor(left / DAY_MS)
}

/** `gate-7.4f…e1.pem` -> `gate-7` */
function nameOf(file: string): string {
  return file.replace(/\.[0-9a-f]{32}\.pem$/, '')
}

/** OpenSSL takes forward slashes everywhere, and backslashes in its configuration nowhere. */
function toUrlPath(path: string): string {
  return path.replaceAll('\\', '/')
}
