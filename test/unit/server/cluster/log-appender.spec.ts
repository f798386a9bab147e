import { describe, expect, it } from 'vitest'
import { createLogAppender } from '../../../../server/cluster/log-appender'
import { PACKET_IDS } from '../../../../server/history/engine/deduplication'
import { bringUpToDate } from '../../../../server/history/postgres/open-connections'
import { toDatabase } from '../../../../server/history/postgres/connections'
import { hasPostgres, usePostgres } from '../history/conformance/postgres-place'

describe.skipIf(!hasPostgres)('the share of one session', () => {
  const { makePlace } = usePostgres()

  it('keeps what may still be delivered again, and nothing before it', async () => {
    const place = await makePlace()
    const database = await toDatabase(place.url, 'normal')
    const line = await database.dedicated((error) => { throw error })
    await bringUpToDate(line.query, false)
    // Eight bytes a delivery, half of all packet ids in each row; another session's stay as they are.
    for (const [last, slot] of [[1, 1], [2, 1], [3, 1], [4, 1], [5, 2]]) await line.query('INSERT INTO delivery (last, packets, slot) VALUES ($1, $2, $3)', [last, Buffer.alloc(PACKET_IDS * 4), slot])
    const writer = createLogAppender({ line, slot: 1, unacknowledged: 10, memory: { ids: new Map(), learn() {}, position: () => 0 }, reached: async () => {}, onFailure: (error) => { throw error }, onCommitted() {} })
    await writer.trim()
    const left = await line.query('SELECT last FROM delivery ORDER BY last')
    await line.close()
    await database.close()
    await place.remove()
    expect(left.map(({ last }) => last)).toEqual([2, 3, 4, 5])
  })
})
