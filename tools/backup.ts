// `npm run backup`: a consistent copy of the history in one file, while the server goes on. How is in tools/backup/.
import { makeBackup, partsOf } from './backup/make.ts'
import { readOptions, removeAtExit } from './backup/options.ts'
import { megabytes } from './backup/files.ts'
import { runCommand } from './cli/command.ts'

const help = `Copies the history of a server, running or not, into one file that can be checked and put back.

  npm run backup -- FILE [options]

  --data DIR   the server's data folder (NUXT_DATA_DIR, else .data)
  --force      replace FILE
  --help       this text
`
await runCommand({
  name: 'backup',
  help,
  asked: readOptions(process.argv.slice(2), process.env),
  async run(options, progress) {
    removeAtExit(partsOf(options.file))
    const { bytes, schema, sha256 } = await makeBackup(options, progress)
    progress.say(`Backed up ${megabytes(bytes)} MB to ${options.file} (schema ${schema}, SHA-256 ${sha256}).`)
  },
})
