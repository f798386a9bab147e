import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createHistory } from '../../../../../server/history/sqlite/history'
import { hasPostgres, usePostgres } from './postgres-place'
import { createRandom, DAY, HOUR, randomMessages, SECOND, START, store, useSite } from './site'
import type { Random, Site } from './site'

/** Answers to questions of every kind about the same data: they depend on nothing but the numbers. */
async function answers({ history }: Site, random: Random, questions: number): Promise<unknown[]> {
  const given: unknown[] = []
  for (let i = 0; i < questions; i++) {
    const deviceId = `tor-${random(6)}`
    const metric = ['x', 'rare', 'door', 'on', 'nothing'][random(5)] ?? 'x'
    const from = START - DAY + random(2 * 86_400) * SECOND
    const question = { deviceId, metric, unit: null, from, to: from + random(3 * 24) * HOUR + random(3_600) * SECOND }
    given.push(await history.raw(question, 1 + random(200)), await history.thinned(question, 1 + random(500)))
    given.push(await history.messagesBefore(deviceId, from, 1 + random(30)).then(messages => messages.slice(0, 1)))
    given.push(await history.sparkline(deviceId, metric, from))
  }
  given.push(await history.reader().earliest())
  return given
}

describe.skipIf(!hasPostgres)('on the same random data', () => {
  const { makePlace } = usePostgres()
  const inFile = useSite(async () => {
    const folder = mkdtempSync(join(tmpdir(), 'leitstand-alike-'))
    return { create: options => createHistory({ ...options, file: join(folder, 'history.db'), onDamaged: () => {} }), remove: async () => rmSync(folder, { recursive: true }) }
  })
  const divided = useSite(() => makePlace({ partitions: true }))
  const whole = useSite(() => makePlace({ partitions: false }))

  it.each([21, 22, 23])('all answer the same questions alike (%i)', async (seed) => {
    const told: unknown[][] = []
    for (const site of [inFile, divided, whole]) {
      const random = createRandom(seed)
      await store(site, randomMessages(random, 3_000), random)
      told.push(await answers(site, createRandom(seed + 100), 150))
    }
    const [expected, ...others] = told
    expect(expected?.length).toBeGreaterThan(500)
    for (const other of others) expect(other).toEqual(expected)
  })
})
