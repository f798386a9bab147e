import { describe, expect, it, onTestFinished } from 'vitest'
import { createReplica } from '../../../../../server/cluster/replica'
import type { History, HistoryOptions } from '../../../../../server/history/contract'
import type { JournalRecord } from '../../../../../server/history/engine/records'
import { until } from '../../../../e2e/support/until'
import { conformsInNumbers } from './numbers'
import { conformsInThePast } from './past'
import { hasPostgres, usePostgres } from './postgres-place'
import { conformsInSamples } from './samples'
import { append, FOR_EVER, HOUR, kept, NOW_MS, SECOND, START, telemetry } from './site'
import type { Place } from './site'

/** One replica, as a history: what it has stored is there once it has come back with the log, and it packs once it leads. */
function asHistory(options: HistoryOptions, url: string): ReturnType<Place['create']> {
  const replica = createReplica({
    ...options, url,
    onLoad({ devices, records }) {
      options.onOpen({ devices, records: records.filter((record): record is JournalRecord & typeof record => record.kind === 'telemetry' || record.kind === 'status') })
    },
    onRecord() {},
    onBatchEnd() {},
    onLead() {},
    onOutdated(reason) { throw new Error(reason) },
  })
  let told: Promise<void> = Promise.resolve()
  return {
    ...replica,
    async open() {
      await replica.open()
      if (replica.fault() === null) await until(replica.leads, 'this replica to lead')
    },
    commit: done => replica.commit((kept) => {
      const followed = replica.catchUp()
      told = told.then(() => followed).then(() => done?.(kept))
    }),
  }
}

describe.skipIf(!hasPostgres)('a replica', () => {
  const { makePlace } = usePostgres()
  const inSchema = async (): Promise<Place> => {
    const place = await makePlace()
    return { ...place, create: options => asHistory(options, place.url) }
  }
  conformsInSamples(inSchema)
  conformsInThePast(inSchema)
  conformsInNumbers(inSchema)

  it('that does not lead exports what is not packed yet as well', async () => {
    const place = await makePlace()
    onTestFinished(place.remove)
    const options: HistoryOptions = {
      durability: 'normal', unacknowledged: 100, retention: FOR_EVER, now: () => NOW_MS, stateOf: deviceId => JSON.stringify({ deviceId }),
      onFault() {}, onOpen() {},
    }
    const leader = asHistory(options, place.url)
    await leader.open()
    onTestFinished(leader.close)
    const times = (first: number, count: number) => Array.from({ length: count }, (_, i) => START + (first + i) * 600 * SECOND)
    for (const time of times(0, 20)) append(leader, telemetry(time, { x: time / SECOND }))
    await kept(leader)
    await leader.packAll()
    // Into hours in which something is packed, and others; one is said again.
    for (const time of times(15, 20)) append(leader, telemetry(time, { x: time / SECOND, y: 1 }))
    await kept(leader)
    const follower = createReplica({ ...options, url: place.url, onLoad() {}, onRecord() {}, onBatchEnd() {}, onLead() {}, onOutdated() {} })
    await follower.open()
    onTestFinished(follower.close)
    await follower.catchUp()
    expect(follower.leads()).toBe(false)

    const [from, to] = [START + 2 * HOUR, START + 5 * HOUR - 1]
    const exportOf = async ({ export: ask }: Pick<History, 'export'>) => {
      const { messages, hours } = await ask('tor-1', from, to)
      return { messages, samples: (await Array.fromAsync(hours)).flat() }
    }
    const ofFollower = await exportOf(follower)
    expect(ofFollower.messages).toBeGreaterThan(20)
    expect(ofFollower.samples.map(({ time }) => time)).toEqual(ofFollower.samples.map(({ time }) => time).toSorted((a, b) => a - b))
    expect(bySeries(ofFollower.samples)).toEqual(bySeries((await exportOf(leader)).samples))
    expect(ofFollower.messages).toBe((await exportOf(leader)).messages)
  })
})

function bySeries(samples: readonly { metric: string, time: number, value: unknown }[]) {
  return Object.fromEntries(['x', 'y'].map(name => [name, samples.filter(({ metric }) => metric === name).map(({ time, value }) => [time, value])]))
}
