// `npm run certificates`: everything that deploy/compose.production.yaml needs to be secret. How is in tools/certificates/. Uses nothing but
// Node and OpenSSL, so that it also runs where nothing is installed: `node tools/certificates.ts`.
import { CertificatesFailure } from './certificates/failure.ts'
import { makeCertificates } from './certificates/make.ts'
import { readOptions } from './certificates/options.ts'
import type { Options } from './certificates/options.ts'

const HELP = `Makes the certificates and passwords for production: an authority, the broker's and the application's certificate,
and one for each device. What is there is kept.

  npm run certificates -- --host broker.example.org --device gate-1 --device gate-2

  --host NAME       name or address under which devices reach the broker; may be repeated; needed the first time
  --device NAME     credentials for a device: the name is its deviceId; may be repeated
  --password        a password instead of a certificate, for the devices named
  --revoke NAME     takes back what a device has; may be repeated
  --force           makes what is named anew: with --host the broker's and the application's certificate, with --device the
                    device's; what they replace is revoked
  --days N          how long new certificates hold (1825)
  --folder DIR      where the secrets go (secrets)
  --data DIR        where the containers keep their data (data)
  --owner UID:GID   as root: whom the files shall belong to (1000:1000)
  --help            this text
`
const FAILED = 1
const WRONG_OPTIONS = 2

// OpenSSL writes files as well.
process.umask(0o077)
const asked = readOptions(process.argv.slice(2))
if (asked.kind === 'help') process.stdout.write(HELP)
if (asked.kind === 'wrong') {
  process.stderr.write(`${asked.fault}\nnpm run certificates -- --help lists the options.\n`)
  process.exitCode = WRONG_OPTIONS
}
if (asked.kind === 'run') run(asked.options)

function run(options: Options) {
  try {
    const { uid, gid } = makeCertificates(options, (verb, what, about) => process.stdout.write(`${verb.padEnd(8)} ${what}: ${about}\n`))
    if (uid !== 1000 || gid !== 1000) process.stdout.write(`The files belong to ${uid}:${gid}: put LEITSTAND_USER=${uid}:${gid} into .env.\n`)
  }
  catch (error) {
    if (!(error instanceof CertificatesFailure) && !isFileError(error)) throw error
    process.stderr.write(`${error.message}\n`)
    process.exitCode = FAILED
  }
}

/** What the system says of a file is a sentence already. */
function isFileError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error
}
