import { describe, expect, it } from 'vitest'
import { signsOf } from '#shared/device/device-status'
import { entryWithTelemetry, toFleetEntry } from '#shared/fleet/fleet-entry'
import type { FleetEntry } from '#shared/fleet/fleet-entry'
import { countByFilter, directionOf, heldOrder, matchesSearch, sortLines } from '#shared/fleet/fleet-view'
import type { FleetLabels, FleetOrder, FleetSort } from '#shared/fleet/fleet-view'
import { NOW, device, telemetry } from '../fixtures'

const line = (entry: FleetEntry) => ({ entry, signs: signsOf(entry.device, entry.door) })
const names = (lines: { entry: FleetEntry }[]) => lines.map(({ entry }) => entry.device.deviceId)

const quiet = line(toFleetEntry(device('quiet', { tempC: 1 }, 10)))
const open = line(toFleetEntry(device('open', { doorState: 'open' }, 30)))
const silent = line(toFleetEntry({ ...device('silent', { tempC: 1 }, 600), presence: 'silent' }))
const changed = line(entryWithTelemetry(toFleetEntry(device('changed', { tempC: 1 }, 60)), telemetry('changed', { tempC: 2 }, 20), NOW))
const all = [changed, open, quiet, silent]

describe('sortLines', () => {
  const nowhere = () => ({ group: '', place: '' })
  const sorted = (sort: FleetSort, order: FleetOrder = 'usual', labelsOf: (deviceId: string) => FleetLabels = nowhere) => names(sortLines(all, sort, order, labelsOf))

  it('brings what needs attention to the top and leaves the rest in name order', () => {
    expect(sorted('attention')).toEqual(['open', 'silent', 'changed', 'quiet'])
  })

  it('sorts by when a device was heard', () => {
    expect(sorted('heard')).toEqual(['quiet', 'changed', 'open', 'silent'])
    expect(sorted('heard', 'reverse')).toEqual(['silent', 'open', 'changed', 'quiet'])
  })

  it('sorts by when a value changed', () => {
    expect(sorted('changed')[0]).toBe('changed')
  })

  it('leaves names as they come, or turns them round', () => {
    expect(sorted('name')).toEqual(['changed', 'open', 'quiet', 'silent'])
    expect(sorted('name', 'reverse')).toEqual(['silent', 'quiet', 'open', 'changed'])
  })

  it('puts the worst presence first, or last', () => {
    expect(sorted('presence')[0]).toBe('silent')
    expect(sorted('presence', 'reverse').at(-1)).toBe('silent')
  })

  it.each(['usual', 'reverse'] as const)('leaves devices without what is sorted by at the end (%s)', (order) => {
    expect(sorted('door', order)[0]).toBe('open')
    const labelsOf = (deviceId: string) => ({ group: deviceId === 'quiet' ? 'Hall 10' : deviceId === 'silent' ? 'Hall 2' : '', place: '' })
    const labelled = order === 'usual' ? ['silent', 'quiet'] : ['quiet', 'silent']
    expect(sorted('group', order, labelsOf)).toEqual([...labelled, 'changed', 'open'])
  })
})

describe('directionOf', () => {
  it('says how the keys of a column run', () => {
    expect(directionOf('name', 'usual')).toBe('ascending')
    expect(directionOf('name', 'reverse')).toBe('descending')
    expect(directionOf('heard', 'usual')).toBe('descending')
    expect(directionOf('heard', 'reverse')).toBe('ascending')
  })
})

describe('matchesSearch', () => {
  const { entry } = line(toFleetEntry(device('Hof Süd', { tempC: 22.4, note: 'Klemmt' })))

  it.each(['hof', 'SÜD', 'tempc', '22.4', 'klemmt', 'süd klemmt', '', '  '])('finds it by %j', (query) => {
    expect(matchesSearch(entry, query, '')).toBe(true)
  })

  it.each(['nord', 'süd nord', '22.5'])('does not find it by %j', (query) => {
    expect(matchesSearch(entry, query, '')).toBe(false)
  })

  it('finds it by the words the page shows', () => {
    expect(matchesSearch(entry, 'verstummt', 'verstummt')).toBe(true)
  })
})

describe('countByFilter', () => {
  it('counts every filter', () => {
    expect(countByFilter(all)).toEqual({ all: 4, open: 1, live: 3, late: 0, silent: 1, offline: 0, unknown: 0, clock: 0 })
  })
})

describe('heldOrder', () => {
  it('keeps rows where they are, adds new ones below and drops what is gone', () => {
    expect(heldOrder(['b', 'a', 'x'], ['a', 'b', 'c'], id => id !== 'x')).toEqual(['b', 'a', 'c'])
  })

  it('keeps a row that no longer matches', () => {
    expect(heldOrder(['a', 'b'], ['b'], () => true)).toEqual(['a', 'b'])
  })
})

describe('entryWithTelemetry', () => {
  it('marks what became another value and nothing else', () => {
    const before = toFleetEntry(device('tor-1', { tempC: 1, humidity: 40 }, 10))
    const after = entryWithTelemetry(before, telemetry('tor-1', { tempC: 2, humidity: 40 }), NOW)
    expect([...after.changes]).toEqual([['tempC', NOW]])
    expect(after.changedAtMs).toBe(NOW)
  })

  it('marks what changes all the time once only, and again after it has been still', () => {
    let entry: FleetEntry = toFleetEntry(device('tor-1', { tempC: 0 }, 60))
    const change = (atMs: number) => {
      entry = entryWithTelemetry(entry, telemetry('tor-1', { tempC: atMs }), atMs)
      return entry
    }
    for (const atMs of [NOW, NOW + 3_000, NOW + 6_000]) change(atMs)
    expect([...entry.changes]).toEqual([['tempC', NOW]])
    expect(entry.changedAtMs).toBe(NOW + 6_000)
    expect([...change(NOW + 10_000).changes]).toEqual([['tempC', NOW + 10_000]])
  })

  it('keeps the time of the last change when a message repeats the values', () => {
    const before = entryWithTelemetry(toFleetEntry(device('tor-1', { tempC: 1 }, 10)), telemetry('tor-1', { tempC: 2 }, 5), NOW - 5_000)
    const after = entryWithTelemetry(before, telemetry('tor-1', { tempC: 2 }), NOW)
    expect(after.changedAtMs).toBe(NOW - 5_000)
    expect(after.heardAtMs).toBe(NOW)
  })
})
