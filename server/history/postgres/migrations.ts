import { SET_UNNAMED, setName } from '../marks'
import { HistoryError } from './errors'
import { FORMS } from './partitions'
import type { Query } from './connections'

const DOCUMENT = '(kind text NOT NULL, name text NOT NULL, body bytea NOT NULL, PRIMARY KEY (kind, name))'

/**
 * The schema, one step per version, forward only; the session's lock keeps other applications out meanwhile. Times
 * are microseconds since 1970. The tables mean the same as in SQLite (`../sqlite/migrations.ts`); a segment and a row
 * of `minute` or `hour` hold the same bytes. They are compressed already and are not compressed again.
 */
const MIGRATIONS: readonly ((partitioned: (by: string) => string) => string)[] = [
  partitioned => `
    CREATE TABLE device (id int PRIMARY KEY, name text, archived bigint NOT NULL DEFAULT 0, state text);
    CREATE TABLE series (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, device int NOT NULL, metric text NOT NULL);
    CREATE UNIQUE INDEX series_by_metric ON series (device, md5(metric));
    CREATE TABLE batch (last bigint PRIMARY KEY, body text NOT NULL);
    CREATE TABLE delivery (last bigint PRIMARY KEY, packets bytea NOT NULL);
    CREATE TABLE segment (id bigint NOT NULL, device int NOT NULL, first bigint NOT NULL, last bigint NOT NULL, messages int NOT NULL, data bytea NOT NULL, PRIMARY KEY (last, id)) ${partitioned('last')};
    CREATE INDEX segment_by_device ON segment (device, last, id);
    CREATE TABLE minute (series int NOT NULL, period bigint NOT NULL, data bytea NOT NULL, PRIMARY KEY (series, period)) ${partitioned('period')};
    CREATE TABLE hour (series int NOT NULL, period bigint NOT NULL, data bytea NOT NULL, PRIMARY KEY (series, period)) ${partitioned('period')};
    ALTER TABLE segment ALTER COLUMN data SET STORAGE EXTERNAL;
    ALTER TABLE minute ALTER COLUMN data SET STORAGE EXTERNAL;
    ALTER TABLE hour ALTER COLUMN data SET STORAGE EXTERNAL;
    CREATE TABLE document ${DOCUMENT};
    CREATE TABLE presence (device int NOT NULL, time bigint NOT NULL, state text NOT NULL, PRIMARY KEY (device, time));
    ${partitioned('last') && FORMS.map(({ table }) => `CREATE TABLE ${table}_other PARTITION OF ${table} DEFAULT;`).join('\n')}`,
  // Replicas: in whose session a delivery came (0: of an application that runs alone), and where their common log
  // ends.
  () => `
    ALTER TABLE delivery ADD COLUMN slot int NOT NULL DEFAULT 0;
    CREATE INDEX delivery_by_slot ON delivery (slot, last);
    CREATE INDEX device_by_name ON device (name);
    CREATE TABLE head (last bigint NOT NULL, forgets bigint NOT NULL DEFAULT 0);`,
  // When the last of its messages arrived; 0: at the time of its last message.
  () => 'ALTER TABLE segment ADD COLUMN received bigint NOT NULL DEFAULT 0;',
]

/** Brings an open database to the current version; each step is one transaction. @throws when it is from a newer application. */
export async function migrate(query: Query, partitions: boolean) {
  await query('CREATE TABLE IF NOT EXISTS meta (key text PRIMARY KEY, value bigint NOT NULL)')
  const version = Number((await query('SELECT value FROM meta WHERE key = \'schema\''))[0]?.value ?? 0)
  if (version > MIGRATIONS.length) {
    throw new HistoryError(`The history was written by a newer version of the application (schema ${version}, this one knows ${MIGRATIONS.length}).`)
  }
  const partitioned = (by: string) => partitions ? `PARTITION BY RANGE (${by})` : ''
  for (const [i, step] of MIGRATIONS.slice(version).entries()) {
    // Without values, several statements are one transaction.
    const name = version + i === 0 ? setName() : ''
    await query(`BEGIN; ${step(partitioned)} ${name} ${setMeta('schema', version + i + 1)}; COMMIT`)
  }
  await query(SET_UNNAMED)
  // Messages can be stored and shown without other documents: a missing document table starts empty.
  const [{ there } = { there: null }] = await query('SELECT to_regclass(\'document\') AS there')
  if (there === null) await query(`CREATE TABLE document ${DOCUMENT}`)
}

/** Stores a number under one of our own keys. */
export function setMeta(key: string, value: number): string {
  return `INSERT INTO meta (key, value) VALUES ('${key}', ${value}) ON CONFLICT (key) DO UPDATE SET value = excluded.value`
}
