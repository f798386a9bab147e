// `npm run backup`: a consistent copy of the history in one file, while the server goes on. How is in tools/backup/.
import { runCommand } from './backup/command.ts'
import { megabytes } from './backup/files.ts'
import { makeBackup, partsOf } from './backup/make.ts'

const HELP = `Copies the history of a server, running or not, into one file that can be checked and put back.

  npm run backup -- FILE [options]

  --data DIR   the server's data folder (NUXT_DATA_DIR, else .data)
  --force      replace FILE
  --help       this text
`

await runCommand({
  name: 'backup',
  help: HELP,
  parts: ({ file }) => partsOf(file),
  async run(options, steps) {
    const { bytes, schema, sha256 } = await makeBackup(options, steps)
    return `Backed up ${megabytes(bytes)} MB to ${options.file} (schema ${schema}, SHA-256 ${sha256}).`
  },
})
