// `npm run admin`: accounts of the running server, from the machine that it runs on. How is in tools/admin/.
import { askServer } from './admin/server.ts'
import { AdminFailure } from './admin/failure.ts'
import { readOptions } from './admin/options.ts'
import { readPassword } from './admin/password.ts'

const HELP = `Makes and changes accounts of the running server.

  npm run admin -- create NAME [--role admin|operator|viewer]    the role is admin unless named
  npm run admin -- password NAME                                 sets another password and signs NAME out everywhere
  npm run admin -- list
  npm run admin -- give-up-accounts                              gives up all of them, also those that cannot be read: as if there had been none

  --data DIR   the server's data folder (NUXT_DATA_DIR, else .data)
  --url URL    the server's address on this machine (else http://127.0.0.1 and PORT, else 3000)
  --help       this text

The password is asked for; without a terminal it is the first line of the standard input.
`

const asked = readOptions(process.argv.slice(2), process.env)
if (asked.kind === 'help') {
  process.stdout.write(HELP)
}
else if (asked.kind === 'wrong') {
  process.stderr.write(`${asked.fault}\nnpm run admin -- --help lists the commands.\n`)
  process.exitCode = 2
}
else {
  try {
    process.stdout.write(await askServer(asked, readPassword))
  }
  catch (error) {
    if (!(error instanceof AdminFailure)) throw error
    process.stderr.write(`${error.message}\n`)
    process.exitCode = 1
  }
}
