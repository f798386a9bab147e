import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { Socket } from 'node:net'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { createPostgresHistory } from '../../../../server/history/postgres/history'
import { POSTGRES_PASSWORD } from '../../../../tools/programs/postgres'
import { hasPostgres, usePostgres } from './conformance/postgres-place'
import type { PostgresPlace } from './conformance/postgres-place'
import { append, DAY, FOR_EVER, kept, samples, START, telemetry, useSite } from './conformance/site'
import type { Site } from './conformance/site'

/** A way to the database that can be cut, or let nothing come back any more. */
async function openWay(url: string) {
  const sockets = new Set<Socket>()
  let isDeaf = false
  const server = createServer((socket) => {
    const onward = connect(Number(new URL(url).port), '127.0.0.1')
    for (const end of [socket, onward]) {
      sockets.add(end)
      end.on('error', () => {})
      end.on('close', () => { socket.destroy(); onward.destroy() })
    }
    socket.pipe(onward)
    onward.on('data', (data) => { if (!isDeaf) socket.write(data) })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  const address = server.address()
  if (typeof address !== 'object' || !address) throw new Error('no port')
  return {
    url: url.replace(/:\d+\//, `:${address.port}/`),
    deafen() {
      isDeaf = true
    },
    cut() {
      isDeaf = false
      for (const socket of sockets) socket.destroy()
      sockets.clear()
    },
  }
}

describe.skipIf(!hasPostgres)('the history in PostgreSQL', () => {
  const server = usePostgres()
  let place: PostgresPlace | undefined
  const site = useSite(async () => place = await server.makePlace({ mostWaiting: 100_000 }), { durability: 'full' })

  async function wellAgain({ history }: Site) {
    await vi.waitFor(() => expect(history.probe()).toBe(true))
    expect(history.isOpen()).toBe(true)
  }

  const numbered = (n: number, redelivered = false) => ({ packetId: n + 1, topic: 't', payload: Buffer.from(String(n)), redelivered })

  it('says in words that the database is away, keeps nothing then, and goes on when it is back', async () => {
    append(site.history, telemetry(START, { x: 1 }))
    expect(await kept(site.history)).toBe(true)
    site.history.presence.note({ deviceId: 'tor-1', presence: 'live', since: new Date(START / 1_000).toISOString() })
    await vi.waitFor(async () => expect(await place?.query('SELECT 1 FROM meta WHERE key = \'listening\'')).toHaveLength(1))
    await server.stop()
    await vi.waitFor(() => expect(site.faults).toHaveLength(1))
    expect(site.faults[0]).toMatch(/^PostgreSQL cannot be reached/)
    expect(site.history.isOpen()).toBe(false)
    expect(site.history.probe()).toBe(false)
    expect(() => append(site.history, telemetry(START + 1, { x: 2 }))).toThrow('cannot be reached')
    expect(await kept(site.history)).toBe(false)
    await expect(samples(site.history)).rejects.toThrow(/^PostgreSQL cannot be reached/)
    await expect(site.history.documents.write([{ kind: 'a', name: '1', body: 'x' }])).rejects.toThrow('cannot be reached')
    await server.start()
    // It comes back by itself, but stores nothing until it is asked: what the connection takes meanwhile is delivered again.
    await vi.waitFor(() => expect(site.history.isOpen()).toBe(true))
    expect(await samples(site.history)).toEqual([[START, 1]])
    expect(site.history.fault()).toMatch('cannot be reached')
    expect(() => append(site.history, telemetry(START + 1, { x: 2 }))).toThrow('cannot be reached')
    expect(await kept(site.history)).toBe(false)
    await wellAgain(site)
    expect(site.faults.at(-1)).toBeNull()
    append(site.history, telemetry(START + 1, { x: 2 }))
    expect(await kept(site.history)).toBe(true)
    expect(await samples(site.history)).toEqual([[START, 1], [START + 1, 2]])
    // The server was there all the time.
    expect((await site.history.presence.read('tor-1', { from: 0, to: 2 * START }, 10)).lines.map(({ presence }) => presence)).toEqual(['live'])
  })

  it('keeps every message exactly once, however often the database crashes in the middle', async () => {
    const most = 3_000
    let next = 0
    let restarts = 0
    const unacknowledged = new Set<number>()
    // As the broker does: what was not acknowledged comes again when there is a connection again.
    async function deliver(numbers: readonly number[], again: boolean) {
      for (const n of numbers) {
        if (again && site.history.isStored(numbered(n, true))) continue
        append(site.history, telemetry(START + n * 1_000, { n }), numbered(n))
      }
      if (await kept(site.history)) for (const n of numbers) unacknowledged.delete(n)
    }
    while (next < most || unacknowledged.size > 0) {
      if (site.history.fault() !== null) {
        await wellAgain(site)
        site.history.sessionResumed()
        await deliver([...unacknowledged], true).catch(() => {})
        continue
      }
      const numbers = Array.from({ length: Math.min(50, most - next) }, () => next++)
      numbers.forEach(n => unacknowledged.add(n))
      const turn = deliver(numbers, false).catch(() => {})
      if (next > most * (restarts + 1) / 4 && restarts < 3) {
        restarts++
        // At once, writing nothing more: it has to recover when it starts.
        const restarted = server.restart('SIGQUIT')
        await Promise.all([turn, restarted])
      }
      await turn
    }
    expect(restarts).toBe(3)
    expect((await samples(site.history, 'n')).map(([, n]) => n)).toEqual(Array.from({ length: most }, (_, n) => n))
    await site.reopen()
    // Not only different ones: the same sample twice would be one.
    expect(await site.history.messagesBefore('tor-1', Infinity, most + 100)).toHaveLength(most)
  })

  it('finds out that a transaction was committed when the way there is cut before that is heard', async () => {
    const way = await openWay(place?.url ?? '')
    await site.history.close()
    const faults: (string | null)[] = []
    const history = createPostgresHistory({
      url: way.url, durability: 'full', unacknowledged: 100, retention: FOR_EVER, stateOf: () => undefined, onFault: reason => faults.push(reason), onOpen: () => {},
    })
    onTestFinished(() => history.close())
    await history.open()
    append(history, telemetry(START, { n: 0 }), numbered(0))
    expect(await kept(history)).toBe(true)
    way.deafen()
    append(history, telemetry(START + 1, { n: 1 }), numbered(1))
    const turn = kept(history)
    await vi.waitFor(async () => expect(await place?.query('SELECT 1 FROM batch')).toHaveLength(2))
    way.cut()
    expect(await turn).toBe(false)
    await vi.waitFor(() => expect(faults).toHaveLength(1))
    await vi.waitFor(() => expect(history.probe()).toBe(true))
    expect([history.isStored(numbered(1, true)), history.isStored(numbered(2, true))]).toEqual([true, false])
    expect(await history.messagesBefore('tor-1', Infinity, 10)).toHaveLength(2)
    append(history, telemetry(START + 2, { n: 2 }), numbered(2))
    expect(await kept(history)).toBe(true)
    expect(await history.messagesBefore('tor-1', Infinity, 10)).toHaveLength(3)
  })

  it('lets nobody else write the same tables, and says so', async () => {
    const faults: (string | null)[] = []
    const other = createPostgresHistory({
      url: place?.url ?? '', durability: 'full', unacknowledged: 10, retention: FOR_EVER, stateOf: () => undefined,
      onFault: reason => faults.push(reason), onOpen: () => {},
    })
    await other.open()
    expect(faults).toEqual([expect.stringContaining('Another application')])
    await site.history.close()
    await other.open()
    expect(other.probe()).toBe(true)
    await other.close()
  })

  it.each([
    ['a wrong password', (url: string) => url.replace(POSTGRES_PASSWORD, 'secret-123'), 'refuses the user name or password'],
    ['a database that is not there', (url: string) => url.replace('/postgres?', '/nothing?'), 'does not exist'],
    ['a server that is not there', (url: string) => url.replace(/:\d+\//, ':1/'), 'cannot be reached'],
  ])('says in words what is wrong with %s, without telling any of it', async (_, wrong, words) => {
    const url = wrong(place?.url ?? '')
    const history = createPostgresHistory({ url, durability: 'full', unacknowledged: 10, retention: FOR_EVER, stateOf: () => undefined, onFault: () => {}, onOpen: () => {} })
    await history.open()
    const fault = history.fault() ?? ''
    expect(fault).toContain(words)
    expect(fault).not.toMatch(/secret-123|kept-by-nobody|127\.0\.0\.1|leitstand:/)
    await expect(samples(history)).rejects.toThrow(fault)
    await history.close()
  })

  it('gives up, in words, when more waits than may', async () => {
    for (let n = 0; n < 5_000 && site.faults.length === 0; n++) {
      try {
        append(site.history, telemetry(START + n, { x: 'some text that fills '.repeat(5) }))
      }
      catch (error) {
        expect(String(error)).toContain('too slow')
      }
    }
    expect(site.faults).toEqual([expect.stringContaining('too slow')])
    await wellAgain(site)
    expect(await samples(site.history)).toEqual([])
  })

  it('keeps its old days in parts of their own, and drops them whole', async () => {
    const parts = async () => (await place?.query('SELECT count(*) AS n FROM pg_inherits WHERE inhparent = \'segment\'::regclass') ?? [])[0]?.n
    for (let day = 0; day < 100; day += 10) append(site.history, telemetry(START + day * DAY, { x: day }))
    append(site.history, telemetry(START - 1_000 * DAY, { x: -1 }))
    await kept(site.history)
    await site.history.packAll()
    // Ten days, and the one for what is older than any part.
    expect(await parts()).toBe('11')
    expect((await samples(site.history)).length).toBe(11)
    await site.reopen({ retention: { ...FOR_EVER, rawDays: 35 } })
    await site.history.maintain()
    expect(await samples(site.history)).toEqual([[START + 70 * DAY, 70], [START + 80 * DAY, 80], [START + 90 * DAY, 90]])
    // Those three, today, tomorrow, and that for what is older.
    expect(await parts()).toBe('6')
  })

  it('drops its oldest days when the whole is too large', async () => {
    for (let day = 0; day < 20; day++) {
      for (let n = 0; n < 200; n++) append(site.history, telemetry(START + (80 + day) * DAY + n * 1_000_000, { x: `${day} ${n} ${Math.sin(n)} ${'abcdefghij'.repeat(20)}` }))
      await kept(site.history)
    }
    await site.history.packAll()
    const { bytes } = await site.history.storage()
    await site.reopen({ retention: { ...FOR_EVER, bytes: Math.round(bytes * 0.8) } })
    await site.history.maintain()
    const left = await samples(site.history)
    expect(left.length).toBeGreaterThan(0)
    expect(left.length).toBeLessThan(4_000)
    expect(left.at(-1)?.[0]).toBe(START + 99 * DAY + 199_000_000)
    expect((await site.history.storage()).bytes).toBeLessThan(bytes * 0.8)
  })

  it('keeps names that PostgreSQL cannot keep as they are', async () => {
    const names = ['\0', '\ud800', '\udc00x', '"quoted"', 'a'.repeat(4_000)]
    append(site.history, telemetry(START, Object.fromEntries(names.map((name, i) => [name, i]))))
    await kept(site.history)
    await site.history.packAll()
    await site.reopen()
    for (const [i, name] of names.entries()) expect(await samples(site.history, name)).toEqual([[START, i]])
    expect(site.history.fault()).toBeNull()
  })

  it('does not write a document again that was deleted meanwhile, where that is asked for', async () => {
    const { documents } = site.history
    await documents.write([{ kind: 'a', name: '1', body: 'x' }, { kind: 'a', name: '2', body: 'x', ifThere: true }])
    await place?.query('DELETE FROM document WHERE name = \'1\'')
    await documents.write([{ kind: 'a', name: '1', body: 'y', ifThere: true }, { kind: 'a', name: '3', body: 'z' }])
    expect(await place?.query('SELECT name FROM document ORDER BY name')).toEqual([{ name: '3' }])
  })

  it('refuses a schema that is newer than it knows', async () => {
    await site.history.close()
    await place?.query('UPDATE meta SET value = value + 99 WHERE key = \'schema\'')
    await site.history.open()
    expect(site.history.fault()).toContain('newer version')
    await place?.query('UPDATE meta SET value = value - 99 WHERE key = \'schema\'')
    await site.history.open()
    expect(site.history.probe()).toBe(true)
  })
})
