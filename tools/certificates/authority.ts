// The authority that signs everything, by OpenSSL. It keeps a copy of each certificate, so that one can be revoked when the
// device, and its folder, are long gone.
import { execFileSync } from 'node:child_process'
import { randomBytes, X509Certificate } from 'node:crypto'
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CommandFailure } from '../cli/failure.ts'

/** The authority's, and its list of revoked certificates': a list past its time would lock everybody out. */
const DAYS = '3650'
const DAY_MS = 86_400_000
const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', 'new.key', '-sha256']
const configOf = (purpose: string) => `[req]\ndistinguished_name = name\n[name]
[authority]\nbasicConstraints = critical, CA:TRUE, pathlen:0\nkeyUsage = critical, keyCertSign, cRLSign\nsubjectKeyIdentifier = hash
[signed]\nbasicConstraints = critical, CA:FALSE\nkeyUsage = critical, digitalSignature\n${purpose}
subjectKeyIdentifier = hash\nauthorityKeyIdentifier = keyid
[list]\ndatabase = index.txt\ncrlnumber = crlnumber\ndefault_md = sha256\ndefault_crl_days = ${DAYS}
private_key = authority.key\ncertificate = ../broker/authority.pem\n`

/** Opens the authority in `secrets`, or makes one. @throws {CommandFailure}, as its functions do. */
export function openAuthority(secrets: string) {
  const at = (file: string) => join(secrets, 'authority', file)
  const ownFile = join(secrets, 'broker/authority.pem')
  const isNew = !existsSync(ownFile)
  for (const folder of ['issued', 'revoked']) mkdirSync(at(folder), { recursive: true })
  const issuedTo = (name: string) => readdirSync(at('issued')).filter(file => file.replace(/\.[0-9a-f]{32}\.pem$/, '') === name)

  function openssl(command: string, args: string[], purpose = 'extendedKeyUsage = clientAuth') {
    if (command !== 'req' && !existsSync(at('authority.key'))) {
      throw new CommandFailure(`The authority's key is not at ${at('authority.key')}; bring it back from where it is kept.`)
    }
    writeFileSync(at('openssl.cnf'), configOf(purpose))
    const config = [command === 'x509' ? '-extfile' : '-config', 'openssl.cnf']
    try {
      execFileSync('openssl', [command, ...config, ...args], { cwd: at('.'), stdio: ['ignore', 'ignore', 'pipe'] })
    }
    catch (error) {
      const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT'
      const said = error instanceof Error && 'stderr' in error ? String(error.stderr).trim().split('\n').at(-1) : String(error)
      throw new CommandFailure(isMissing
        ? 'The program openssl is missing; install it (Debian: apt install openssl; Windows: it comes with Git).'
        : `openssl ${command} failed: ${said}`, { cause: error })
    }
  }

  function listRevoked() {
    openssl('ca', ['-name', 'list', '-gencrl', '-out', 'new.pem'])
    renameSync(at('new.pem'), join(secrets, 'broker/revoked.pem'))
  }

  if (isNew) {
    if (readdirSync(at('issued')).length > 0) {
      throw new CommandFailure(`${ownFile} is gone, but what it signed is not; bring it back, or take the whole folder away to begin anew.`)
    }
    for (const [file, content] of [['index.txt', ''], ['crlnumber', '01\n']] as const) writeFileSync(at(file), content)
    openssl('req', ['-x509', '-extensions', 'authority', '-subj', '/CN=Leitstand authority', ...NEW_KEY, '-days', DAYS, '-out', 'new.pem'])
    renameSync(at('new.key'), at('authority.key'))
    renameSync(at('new.pem'), ownFile)
    listRevoked()
  }

  return {
    isNew,
    hasSigned: (name: string) => issuedTo(name).length > 0,
    /** Makes `file`.key and `file`.pem, of a server for its `hosts`, of a client without any. Neither passes for the other. */
    sign(name: string, file: string, days: number, hosts: readonly string[]) {
      const left = Math.floor((Date.parse(new X509Certificate(readFileSync(ownFile)).validTo) - Date.now()) / DAY_MS)
      if (left < 1) throw new CommandFailure(`The authority in ${ownFile} is past its time; take the folder away to begin anew.`)
      const names = hosts.map(host => `${/^[\d.]+$|:/.test(host) ? 'IP' : 'DNS'}:${host}`)
      // Positive, and of the same length always.
      const serial = `4${randomBytes(16).toString('hex').slice(1)}`
      openssl('req', ['-new', '-subj', `/CN=${name}`, ...NEW_KEY, '-out', 'new.csr'])
      openssl('x509', ['-req', '-in', 'new.csr', '-CA', '../broker/authority.pem', '-CAkey', 'authority.key', '-set_serial', `0x${serial}`,
        '-sha256', '-days', String(Math.min(days, left)), '-extensions', 'signed', '-out', 'new.pem'],
      names.length > 0 ? `extendedKeyUsage = serverAuth\nsubjectAltName = ${names.join(', ')}` : undefined)
      copyFileSync(at('new.pem'), at(`issued/${name}.${serial}.pem`))
      renameSync(at('new.key'), `${file}.key`)
      renameSync(at('new.pem'), `${file}.pem`)
    },
    /** Takes back every certificate of a name; how many there were. */
    revoke(name: string): number {
      const files = issuedTo(name)
      for (const file of files) {
        openssl('ca', ['-name', 'list', '-revoke', `issued/${file}`])
        renameSync(at(`issued/${file}`), at(`revoked/${file}`))
      }
      if (files.length > 0) listRevoked()
      return files.length
    },
  }
}
