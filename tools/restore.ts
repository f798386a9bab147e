// `npm run restore`: checks a backup to the last byte and puts it in place of the history. How is in tools/backup/.
import './programs/extensions.ts'

const help = `Checks a backup and puts it in place of the history. The server must be stopped; what was there is kept beside.

  npm run restore -- FILE [options]

  --data DIR   the server's data folder (NUXT_DATA_DIR, else .data)
  --force      set an existing history aside
  --help       this text
`
// Only now: what they import of the server needs the hook in place.
const { runCommand } = await import('./cli/command.ts')
const { readOptions, removeAtExit } = await import('./backup/options.ts')
const { partIn, restoreBackup } = await import('./backup/put-back.ts')
const { megabytes } = await import('./backup/files.ts')
await runCommand({
  name: 'restore',
  help,
  asked: readOptions(process.argv.slice(2), process.env),
  async run(options, progress) {
    removeAtExit([partIn(options.data)])
    const { header, database, setAside } = await restoreBackup(options, progress)
    progress.say(`Restored ${megabytes(header.bytes)} MB, backed up at ${header.createdAt}, to ${database}.`)
    if (setAside) progress.say(`The history that was there is now ${setAside}.`)
  },
})
