import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { createCounters } from '../../../../server/fleet/counters'
import { createFleet } from '../../../../server/fleet/fleet'
import { createPresence } from '../../../../server/fleet/presence/presence'
import { createRecentMessages } from '../../../../server/fleet/recent-messages'
import { createDeviceDeletion } from '../../../../server/leitstand/device-deletion'
import { createHistory } from '../../../../server/history/sqlite/history'
import { restoreFleet } from '../../../../server/ingest/ingest'
import { createRegistry } from '../../../../server/registry/registry'
import { status, telemetry } from '../fleet/support'
import { LIMITS, tempFile } from '../registry/support'

const UNDO_MS = 30_000
const SOON = { undoMs: 10 }

/** The number under which a device lies in the file; undefined: it does not. */
function numberOf(file: string, deviceId: string): number | undefined {
  const database = new DatabaseSync(file)
  const row = database.prepare('SELECT id FROM device WHERE name = ?').get(deviceId)
  database.close()
  return row && Number(row.id)
}

/** The rooms around forgetting as they are joined in the application, on a database of their own or that of an earlier start. */
function openSite({ undoMs = UNDO_MS, maxRemembered = 10 } = {}, file = tempFile()) {
  const events: [type: string, deviceId: string | undefined][] = []
  const fleet = createFleet({ devices: 100, metricsPerMessage: 10, fleetBytes: 100_000 })
  const presence = createPresence({ onChange: change => void fleet.applyPresence(change) })
  const counters = createCounters(deviceId => fleet.find(deviceId)?.place)
  const recent = createRecentMessages(10_000)
  const history = createHistory({
    file, durability: 'normal', unacknowledged: 100, retention: { rawDays: 0, minuteDays: 0, hourDays: 0, bytes: 1e9 },
    stateOf: deviceId => JSON.stringify(fleet.getIncludingHidden(deviceId)),
    onFault: () => {},
    onDamaged: () => {},
    onOpen(restored) {
      restoreFleet({ fleet, presence, counters }, restored)
      registry.load()
      forgetting.load()
    },
  })
  const registry = createRegistry({ store: history.documents, limits: LIMITS, onChange: ({ deviceId }) => events.push(['device', deviceId]) })
  const forgetting = createDeviceDeletion({
    fleet, presence, counters, recent, registry, history, documents: history.documents, undoMs, maxRemembered,
    hub: { publish: (type, deviceId) => events.push([type, deviceId]) },
  })
  history.open()

  function speak(deviceId: string, n: number, given = {}) {
    const value = telemetry(deviceId, { n }, given)
    if (forgetting.ignores(value)) return 'ignored'
    const { kind } = fleet.applyTelemetry(value, 20)
    const body = JSON.stringify(value)
    history.append({ kind: 'telemetry', value, body, delivery: { packetId: undefined, topic: '', payload: randomBytes(4), redelivered: false } })
    history.commit()
    presence.take(value, Date.now())
    return kind
  }
  function close() {
    forgetting.stop()
    history.close()
  }
  onTestFinished(close)
  return { file, events, fleet, registry, forgetting, history, speak, close, stored: (deviceId: string) => numberOf(file, deviceId) }
}

const untilGone = ({ stored }: ReturnType<typeof openSite>, deviceId: string) => vi.waitFor(() => expect(stored(deviceId)).toBeUndefined())

function rowsOf(file: string) {
  const database = new DatabaseSync(file, { readOnly: true })
  const count = (table: string) => Number(database.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.n)
  const rows = { device: count('device'), series: count('series'), segment: count('segment'), rollup: count('rollup') }
  database.close()
  return rows
}

describe('forgetting a device', () => {
  it('takes it away and tells so; what is not known cannot be forgotten', async () => {
    const { fleet, forgetting, events, speak } = openSite()
    speak('tor-1', 1)
    const answer = await forgetting.forget('tor-1')
    expect(answer).toMatchObject({ deviceId: 'tor-1', until: expect.any(String) })
    expect(await forgetting.forget('tor-1')).toMatchObject(answer && 'until' in answer ? { until: answer.until } : {})
    expect(events).toEqual([['forgotten', 'tor-1']])
    expect(fleet.get('tor-1')).toBeUndefined()
    expect(await forgetting.forget('nobody')).toBeUndefined()
    expect(await forgetting.restore('nobody')).toBeUndefined()
  })

  it('can be undone: all is as it was, and what the device has said meanwhile is there', async () => {
    const { fleet, registry, forgetting, history, events, speak, stored } = openSite()
    speak('tor-1', 1)
    await registry.put('tor-1', { name: 'North gate' })
    const id = stored('tor-1')
    await forgetting.forget('tor-1')
    expect(speak('tor-1', 2)).toBe('hidden')
    history.packAll()
    await forgetting.restore('tor-1')
    expect(events.at(-1)).toEqual(['states', 'tor-1'])
    expect(fleet.get('tor-1')).toMatchObject({ values: { n: { value: 2 } }, presence: 'live' })
    expect(registry.get('tor-1').name).toBe('North gate')
    expect(stored('tor-1')).toBe(id)
    const { points } = await history.raw({ deviceId: 'tor-1', metric: 'n', unit: null, from: 0, to: Number.MAX_SAFE_INTEGER }, 10)
    expect(points).toMatchObject([[expect.any(Number), 1], [expect.any(Number), 2]])
  })

  it('deletes everything of it in the end, and nothing of others', async () => {
    const site = openSite(SOON)
    const { file, registry, forgetting, history, speak, fleet } = site
    for (let n = 0; n < 50; n++) for (const deviceId of ['tor-1', 'tor-2']) speak(deviceId, n)
    history.packAll()
    speak('tor-1', 51)
    await registry.put('tor-1', { name: 'North gate' })
    const before = rowsOf(file)
    await forgetting.forget('tor-1')
    await untilGone(site, 'tor-1')
    await vi.waitFor(() => expect(registry.get('tor-1')).toEqual({ deviceId: 'tor-1' }))
    expect(await forgetting.restore('tor-1')).toBeUndefined()
    history.packAll()
    await history.maintain()
    await history.maintain()
    expect(rowsOf(file)).toEqual({ device: before.device / 2, series: before.series / 2, segment: before.segment / 2, rollup: before.rollup / 2 })
    expect(fleet.all().map(({ deviceId }) => deviceId)).toEqual(['tor-2'])
  })

  it('holds after a restart, whether or not the time was over', async () => {
    const names = ({ fleet }: ReturnType<typeof openSite>) => fleet.all().map(({ deviceId }) => deviceId)
    const first = openSite(SOON)
    for (const deviceId of ['tor-1', 'tor-2', 'tor-3']) first.speak(deviceId, 1)
    await first.forgetting.forget('tor-1')
    await untilGone(first, 'tor-1')
    first.close()
    const second = openSite({}, first.file)
    expect(names(second)).toEqual(['tor-2', 'tor-3'])
    await second.forgetting.forget('tor-2')
    second.close()
    const third = openSite(SOON, first.file)
    expect(names(third)).toEqual(['tor-3'])
    await third.forgetting.restore('tor-2')
    expect(third.fleet.get('tor-2')?.values.n?.value).toBe(1)
    await third.forgetting.forget('tor-3')
    third.close()
    const fourth = openSite({}, first.file)
    expect(names(fourth)).toEqual(['tor-2'])
    await untilGone(fourth, 'tor-3')
    expect(names(fourth)).toEqual(['tor-2'])
  })

  it('is not undone by a replay, but by the device itself, as a new one', async () => {
    const first = openSite(SOON)
    first.speak('tor-1', 1)
    await first.forgetting.forget('tor-1')
    await untilGone(first, 'tor-1')
    first.close()
    const { forgetting, fleet, speak, close, file, history } = openSite({}, first.file)
    expect(speak('tor-1', 2, { replayed: true })).toBe('ignored')
    expect(forgetting.ignores({ ...status('tor-1', 'offline') })).toBe(true)
    expect(speak('tor-1', 3)).toBe('changed')
    expect(fleet.get('tor-1')?.values).toMatchObject({ n: { value: 3 } })
    expect(speak('tor-1', 4, { replayed: true })).not.toBe('ignored')
    await vi.waitFor(() => expect(history.documents.all('forgotten')).toEqual([]))
    close()
    const third = openSite({}, file)
    expect(third.fleet.get('tor-1')).toBeDefined()
    expect(third.speak('tor-1', 5, { replayed: true })).not.toBe('ignored')
  })

  it('is remembered of so many devices', async () => {
    const site = openSite({ ...SOON, maxRemembered: 2 })
    for (const deviceId of ['tor-1', 'tor-2', 'tor-3']) {
      site.speak(deviceId, 1)
      await site.forgetting.forget(deviceId)
      await untilGone(site, deviceId)
    }
    const replays = ['tor-1', 'tor-2', 'tor-3'].map(deviceId => site.forgetting.ignores(telemetry(deviceId, { n: 2 }, { replayed: true })))
    expect(replays).toEqual([false, true, true])
  })

  it('is refused while nothing can be stored, and nothing has changed', async () => {
    const site = openSite()
    site.speak('tor-1', 1)
    site.close()
    rmSync(site.file)
    expect(await site.forgetting.forget('tor-1')).toMatchObject({ code: 'registry-unavailable' })
    expect(site.fleet.get('tor-1')).toBeDefined()
    expect(site.events).toEqual([])
  })
})
