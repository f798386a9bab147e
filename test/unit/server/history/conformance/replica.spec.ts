import { describe } from 'vitest'
import { createReplica } from '../../../../../server/cluster/replica'
import type { HistoryOptions } from '../../../../../server/history/contract'
import type { JournalRecord } from '../../../../../server/history/engine/records'
import { until } from '../../../../e2e/support/until'
import { conformsInNumbers } from './numbers'
import { conformsInThePast } from './past'
import { hasPostgres, usePostgres } from './postgres-place'
import { conformsInSamples } from './samples'
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
})
