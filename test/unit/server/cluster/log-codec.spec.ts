import { describe, expect, it } from 'vitest'
import { joinEntries, readLog, writeEntry } from '../../../../server/cluster/log-codec'
import { readBatch, writeRecord } from '../../../../server/history/engine/records'

const telemetry = { deviceId: 'gate', ts: '2026-03-01T00:00:00.000Z', receivedAt: '2026-03-01T00:00:00.000Z', metrics: { 'text': 'a,\n"],[1,2', ',\n': 1 } }
const presence = { deviceId: 'gate', presence: 'live', since: '2026-03-01T00:00:00.000Z' } as const

describe('the log', () => {
  const body = joinEntries([
    writeEntry(7, 'telemetry', 31, JSON.stringify(telemetry)),
    writeEntry(7, 'presence', 0, JSON.stringify(presence)),
    writeEntry(0, 'document', 0, JSON.stringify({ kind: 'device', name: 'gate' })),
  ])

  it('gives back every record with its id and the text that it was written with', () => {
    expect(readLog(12, body)).toEqual([
      { id: 10, device: 7, kind: 'telemetry', bytes: 31, text: JSON.stringify(telemetry), value: telemetry },
      { id: 11, device: 7, kind: 'presence', bytes: 0, text: JSON.stringify(presence), value: presence },
      { id: 12, device: 0, kind: 'document', bytes: 0, text: '{"kind":"device","name":"gate"}', value: { kind: 'device', name: 'gate' } },
    ])
  })

  it('is read by a server that is alone, which leaves out what replicas tell each other', () => {
    expect([...readBatch(12, body)]).toEqual([{ id: 10, device: 7, kind: 'telemetry', bytes: 31, value: telemetry }])
  })

  it('may have been written by a server that is alone', () => {
    const alone = `[${writeRecord(3, 'telemetry', 9, JSON.stringify(telemetry))},${writeRecord(3, 'status', 4, '{"deviceId":"gate","status":null}')}]`
    expect(readLog(2, alone).map(({ id, kind, text }) => [id, kind, text])).toEqual([[1, 'telemetry', JSON.stringify(telemetry)], [2, 'status', '{"deviceId":"gate","status":null}']])
  })
})
