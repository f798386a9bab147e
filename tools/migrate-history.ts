// `npm run migrate-history`: moves a history from SQLite to PostgreSQL. How is in tools/migrate/.
import './programs/extensions.ts'

const help = `Moves the history of a stopped server from its file to a PostgreSQL database: messages, minutes, hours, accounts and everything
else. The file stays as it is. Interrupted, the same command goes on where it was.

  npm run migrate-history -- --from DIR --to postgres://user:password@host:5432/leitstand

  --from DIR   the server's data folder, or a database file (NUXT_DATA_DIR, else .data)
  --to URL     an empty database (NUXT_DATABASE_URL, or the file that NUXT_DATABASE_URL_FILE names)
  --rows N     rows that are moved in one transaction (5000)
  --help       this text
`
// Only now: what they import of the server needs the hook in place.
const { runCommand } = await import('./cli/command.ts')
const { readOptions } = await import('./migrate/options.ts')
const { migrateHistory } = await import('./migrate/move.ts')

await runCommand({ name: 'migrate-history', help, asked: readOptions(process.argv.slice(2), process.env), run: migrateHistory })
