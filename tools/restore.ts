// `npm run restore`: checks a backup to the last byte and puts it in place of the history. How is in tools/backup/.
import { runCommand } from './backup/command.ts'
import { megabytes } from './backup/files.ts'
import { partIn, restoreBackup } from './backup/put-back.ts'

const HELP = `Checks a backup and puts it in place of the history. The server must be stopped; what was there is kept beside.

  npm run restore -- FILE [options]

  --data DIR   the server's data folder (NUXT_DATA_DIR, else .data)
  --force      set an existing history aside
  --help       this text
`

await runCommand({
  name: 'restore',
  help: HELP,
  parts: ({ data }) => [partIn(data)],
  async run(options, steps) {
    const { header, database, setAside } = await restoreBackup(options, steps)
    return [
      `Restored ${megabytes(header.bytes)} MB, backed up at ${header.createdAt}, to ${database}.`,
      ...(setAside ? [`The history that was there is now ${setAside}.`] : []),
    ].join('\n')
  },
})
