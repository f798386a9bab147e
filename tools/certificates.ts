// `npm run certificates`: everything that deploy/compose.production.yaml needs to be secret. How is in tools/certificates/.
// Uses nothing but Node and OpenSSL, so that it also runs where nothing is installed: `node tools/certificates.ts`.
import { runCommand } from './cli/command.ts'
import { makeCertificates } from './certificates/make.ts'
import { readOptions } from './certificates/options.ts'

const help = `Makes the certificates and passwords for production: an authority, the broker's and the application's certificate,
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
// For what OpenSSL writes as well.
process.umask(0o077)
await runCommand({ name: 'certificates', help, asked: readOptions(process.argv.slice(2)), run: makeCertificates })
