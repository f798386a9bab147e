import { copyFileSync, cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { lockFolder } from '../../../../server/leitstand/folder-lock'
import type { History } from '../../../../server/history/contract'
import { unescapeNul } from '../../../../server/history/postgres/nul-escaping'
import { openConnections } from '../../../../server/history/postgres/open-connections'
import { hasPostgres, usePostgres } from '../../server/history/conformance/postgres-place'
import type { PostgresPlace } from '../../server/history/conformance/postgres-place'
import { append, kept, START, telemetry } from '../../server/history/conformance/site'
import { answersOf, LAST_DELIVERY, makeHistory, openSqlite, OPTIONS, rowsOf, runTool, SAME_ROWS, startTool, sweep, tempFolder } from './support'

describe.skipIf(!hasPostgres)('npm run migrate-history', () => {
  const server = usePostgres()

  async function makePlace(): Promise<PostgresPlace> {
    const place = await server.makePlace()
    onTestFinished(() => place.remove())
    return place
  }

  /** With the tables, as a server that was started on it once leaves it. */
  async function makeTables(): Promise<PostgresPlace> {
    const place = await makePlace()
    await (await openConnections(place.url, 'normal', true, () => {})).close()
    return place
  }

  async function openAt(place: PostgresPlace, faults: (string | null)[] = []): Promise<History> {
    const history = place.create({ ...OPTIONS, onFault: reason => void faults.push(reason) })
    await history.open()
    onTestFinished(async () => void await history.close())
    return history
  }

  it('moves everything, leaves the file as it was, and the server answers as before', async () => {
    const [folder, place] = [await makeHistory(), await makePlace()]
    const file = readFileSync(join(folder, 'history.db'))
    const { said, code } = await runTool(['--from', folder, '--to', place.url])
    expect(said).toMatch(/moved 100 % \(([\d,]+) of \1 rows, [\d,]+\/s, 0 s left\)\nMoved device 6, series \d+, .*; the counts of both sides are the same\.\n$/)
    expect(code).toBe(0)
    expect(readdirSync(folder)).toEqual(['history.db'])
    expect(readFileSync(join(folder, 'history.db')).equals(file)).toBe(true)
    const parts = await place.query(`SELECT relname FROM pg_class WHERE relname ~ '^segment_[0-9]+$' AND relnamespace = current_schema()::regnamespace`)
    expect(parts.length).toBeGreaterThan(0)

    sweep(folder)
    const before = openSqlite(folder)
    const after = await openAt(place)
    expect(after.fault()).toBeNull()
    expect(await answersOf(after)).toEqual(await answersOf(before))
    // And goes on: a delivery that comes again is known, and new devices and metrics have numbers of their own.
    expect(after.isStored(LAST_DELIVERY)).toBe(true)
    expect(before.isStored(LAST_DELIVERY)).toBe(true)
    for (const history of [before, after]) {
      append(history, telemetry(START + 90_000_000_000, { x: 5, fresh: 1 }, 'new'))
      expect(await kept(history)).toBe(true)
      await history.packAll()
    }
    expect(await answersOf(after)).toEqual(await answersOf(before))
    before.close()
    await after.close()

    const again = await runTool(['--from', folder, '--to', place.url])
    // The file has changed since: this is another state of it.
    expect(again).toEqual({ code: 1, said: expect.stringMatching(/^The database of --to already holds another history/) })
  })

  it('says that there is nothing left to do where everything has been moved', async () => {
    const [folder, place] = [await makeHistory(500), await makePlace()]
    // By the server's own settings, the address in a file.
    const secret = join(tempFolder(), 'url')
    writeFileSync(secret, `${place.url}\n`)
    const env = { NUXT_DATA_DIR: folder, NUXT_DATABASE_URL_FILE: secret }
    expect((await runTool([], env)).code).toBe(0)
    const rows = await place.query('SELECT count(*) AS n FROM segment')
    expect(await runTool([], env)).toEqual({ code: 0, said: 'There is nothing left to do: this history has been moved to this database.\n' })
    expect(await place.query('SELECT count(*) AS n FROM segment')).toEqual(rows)
  })

  it.each(['segment', 'minute', 'presence'])('goes on where it was when it was killed amid the rows of %s', async (table) => {
    const [folder, place] = [await makeHistory(), await makeTables()]
    // It waits for a lock at one row; with two rows a transaction some are there by then.
    const { session, release } = await holdAt(place, table)
    const tool = startTool(['--from', folder, '--to', place.url, '--rows', '2'])
    await vi.waitFor(async () => expect(await session('SELECT 1 FROM pg_locks WHERE locktype = \'advisory\' AND NOT granted AND objid = 4711')).toHaveLength(1))
    tool.kill()
    await tool.ended
    await release()
    const faults: (string | null)[] = []
    const early = await openAt(place, faults)
    expect(faults).toEqual([expect.stringMatching(/holds half of a history: npm run migrate-history was interrupted/)])
    await early.close()
    const half = Number((await place.query('SELECT count(*) AS n FROM segment'))[0]?.n)
    expect(half).toBeGreaterThanOrEqual(table === 'presence' ? 0 : 2)

    // Another one, or this one changed, is not mixed with it.
    expect((await runTool(['--from', await makeHistory(100), '--to', place.url])).said).toMatch(/^The database of --to holds half of another history/)
    const { said, code } = await runTool(['--from', folder, '--to', place.url])
    expect(said).toMatch(/^Going on where it was interrupted\.\nmoved [1-9]/)
    expect(code).toBe(0)
    sweep(folder)
    const before = openSqlite(folder)
    onTestFinished(before.close)
    expect(await answersOf(await openAt(place))).toEqual(await answersOf(before))
  })

  it('says that the database is gone, and goes on when it is back', async () => {
    const [folder, place] = [await makeHistory(), await makeTables()]
    const { session } = await holdAt(place, 'segment')
    const tool = startTool(['--from', folder, '--to', place.url, '--rows', '2'])
    await vi.waitFor(async () => expect(await session('SELECT 1 FROM pg_locks WHERE locktype = \'advisory\' AND NOT granted AND objid = 4711')).toHaveLength(1))
    await server.stop()
    expect(await tool.ended).toEqual([1, null])
    expect(tool.said()).toMatch(/\nPostgreSQL cannot be reached, or is gone; check that it runs, and the address of --to\. The same command then goes on where it was\.\n$/)
    await server.start()
    const { said, code } = await runTool(['--from', folder, '--to', place.url])
    expect(said).toMatch(/^Going on where it was interrupted/)
    expect(code).toBe(0)
  })

  /** A trigger that has the third row of a table wait for a lock that is held here. */
  async function holdAt(place: PostgresPlace, table: string) {
    const nth = table === 'presence' ? 1 : 3
    await place.query(`CREATE SEQUENCE seen;
      CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF nextval('seen') = ${nth} THEN PERFORM pg_advisory_xact_lock(4711); END IF; RETURN NEW; END $$;
      CREATE TRIGGER hold BEFORE INSERT ON ${table} FOR EACH ROW EXECUTE FUNCTION hold();
      SELECT pg_advisory_lock(4711)`)
    return { session: place.query, release: async () => void await place.query('SELECT pg_advisory_unlock(4711)') }
  }

  it('does not take the word of a file that was written to meanwhile', async () => {
    const [folder, place] = [await makeHistory(500), await makeTables()]
    const { session, release } = await holdAt(place, 'segment')
    const tool = startTool(['--from', folder, '--to', place.url, '--rows', '2'])
    await vi.waitFor(async () => expect(await session('SELECT 1 FROM pg_locks WHERE locktype = \'advisory\' AND NOT granted AND objid = 4711')).toHaveLength(1))
    const started = openSqlite(folder)
    append(started, telemetry(START, { x: 1 }, 'late'))
    await kept(started)
    started.close()
    await release()
    await tool.ended
    expect(tool.said()).toContain('The history was written to while it was moved: stop the server, empty the database of --to and start anew.')
    const faults: (string | null)[] = []
    await openAt(place, faults)
    expect(faults).toEqual([expect.stringContaining('half of a history')])
  })

  it('moves every row as it lies, byte by byte', async () => {
    const [folder, place] = [await makeHistory(), await makePlace()]
    expect((await runTool(['--from', folder, '--to', place.url, '--rows', '7'])).code).toBe(0)
    const database = new DatabaseSync(join(folder, 'history.db'), { readOnly: true })
    onTestFinished(() => database.close())
    for (const { here, there } of SAME_ROWS) {
      const expected = rowsOf(database.prepare(here).all())
      expect(expected.length).toBeGreaterThan(0)
      expect(rowsOf(await place.query(there), unescapeNul)).toEqual(expected)
    }
  })

  it.each(['device', 'segment', 'minute', 'hour', 'presence', 'document', 'batch', 'delivery'])('says that not all rows of %s have come, and lets no server start', async (table) => {
    const [folder, place] = [await makeHistory(1_000), await makeTables()]
    await place.query(`CREATE SEQUENCE seen;
      CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF nextval('seen') = 1 THEN RETURN NULL; END IF; RETURN NEW; END $$;
      CREATE TRIGGER lose BEFORE INSERT ON ${table} FOR EACH ROW EXECUTE FUNCTION lose()`)
    const { code, said } = await runTool(['--from', folder, '--to', place.url])
    expect(code).toBe(1)
    const [, here, there] = new RegExp(`\\nThe two are not the same: ${table} has (\\d+) rows here and (\\d+) there\\. Empty the database`).exec(said) ?? []
    expect([said, Number(here) - Number(there)]).toEqual([said, 1])
    const faults: (string | null)[] = []
    await openAt(place, faults)
    expect(faults).toEqual([expect.stringContaining('half of a history')])
  })

  describe('refuses, in a sentence,', () => {
    async function refusal(from: string, to: string): Promise<string> {
      const { code, said } = await runTool(['--from', from, '--to', to])
      expect(code).toBe(1)
      expect(said).toMatch(/^[^\n]+\.\n$/)
      return said
    }

    it('a history that a server has open', async () => {
      const [folder, place] = [await makeHistory(100), await makePlace()]
      const running = openSqlite(folder)
      expect(await refusal(folder, place.url)).toMatch(/is in use: stop the server first\.$/m)
      running.close()
      // Without a history a server has the folder all the same.
      const lock = lockFolder(folder, 0)
      expect(await refusal(folder, place.url)).toMatch(/^The data folder .+ is in use by another process \(\d+ on .+\): stop the server first\.$/m)
      lock.release()
      expect((await runTool(['--from', folder, '--to', place.url])).code).toBe(0)
    })

    it('a history of another version, what is none, and what is not there', async () => {
      const [folder, place] = [await makeHistory(100), await makePlace()]
      for (const [version, words] of [[3, 'written by an older version of the application (schema 3, this one has 5)'], [99, 'written by a newer version'], [0, 'is not a history of Leitstand']] as const) {
        const other = tempFolder()
        copyFileSync(join(folder, 'history.db'), join(other, 'history.db'))
        const database = new DatabaseSync(join(other, 'history.db'))
        database.exec(`PRAGMA user_version = ${version}`)
        database.close()
        expect(await refusal(other, place.url)).toContain(words)
      }
      writeFileSync(join(folder, 'history.db'), 'not a database, but some text that is long enough to be taken for one, if anybody did so')
      expect(await refusal(folder, place.url)).toContain('cannot be read: it is damaged, for it is not a database.')
      expect(await refusal(tempFolder(), place.url)).toContain('There is no history in')
      expect(await place.query('SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace')).toEqual([])
    })

    it('a database with another history, and one that another application writes into', async () => {
      const [folder, place] = [await makeHistory(100), await makePlace()]
      const other = await openAt(place)
      expect(await refusal(folder, place.url)).toMatch(/^Another application of this kind writes into the database of --to/)
      append(other, telemetry(START, { x: 1 }))
      await kept(other)
      await other.close()
      expect(await refusal(folder, place.url)).toMatch(/^The database of --to already holds another history/)
      expect(await place.query('SELECT id FROM device')).toHaveLength(1)
    })

    it('a database that is away, or does not let it in, without telling the password', async () => {
      const folder = await makeHistory(100)
      expect(await refusal(folder, 'postgres://a:secret@127.0.0.1:1/b')).toMatch(/^PostgreSQL cannot be reached.*--to/)
      const wrong = new URL((await makePlace()).url)
      wrong.password = 'secret'
      const said = await refusal(folder, wrong.href)
      expect(said).toBe('PostgreSQL refuses the user name or password of --to.\n')
    })
  })

  it('takes what a killed server has left in its log, and is started on by a server that was there before', async () => {
    const [folder, place] = [await makeHistory(100), await makePlace()]
    const running = openSqlite(folder)
    append(running, telemetry(START + 5, { left: 1 }, 'killed'))
    await kept(running)
    const copy = tempFolder()
    cpSync(folder, copy, { recursive: true })
    running.close()
    expect(readdirSync(copy)).toContain('history.db-wal')
    // It has never stored anything, but was there.
    await (await openAt(place)).close()
    expect((await runTool(['--from', join(copy, 'history.db'), '--to', place.url])).code).toBe(0)
    const after = await openAt(place)
    expect((await after.messagesBefore('killed', START + 10, 1))[0]?.metrics).toEqual({ left: 1 })
  })

  it.each([
    [['--bla'], 'Unknown option'],
    [['--from', ''], '--from needs'],
    [['--rows', '0'], '--rows must be a whole number'],
    [['--rows', '100001', '--to', 'postgres://a/b'], '--rows must be a whole number'],
    [['--to', 'mysql://a/b'], '--to must be an address'],
    [[], '--to is missing'],
  ])('does not take %j', async (args, words) => {
    const { code, said } = await runTool(args)
    expect(code).toBe(2)
    expect(said).toContain(words)
  })
})
