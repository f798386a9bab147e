import { describe, expect, it } from 'vitest'
import { JPEG, openRegistry, PNG } from './support'

const GATE = { name: 'Nordtor', place: 'Hof', group: 'Tore', note: 'seit 2019\nneuer Motor', icon: 'door-open', intervalSeconds: 60, metrics: { tempC: { unit: 'K', decimals: 2 }, rssi: { hidden: true } } } as const

describe('what is said about a device', () => {
  it('is told, kept over a restart, and replaced as a whole', async () => {
    const { registry, changes, file, store } = openRegistry()
    expect(registry.get('tor-1')).toEqual({ deviceId: 'tor-1' })
    expect(await registry.put('tor-1', GATE)).toBeUndefined()
    expect(changes).toEqual([{ deviceId: 'tor-1', ...GATE }])
    store.close()

    const again = openRegistry({}, file)
    expect(again.registry.all()).toEqual([{ deviceId: 'tor-1', ...GATE }])
    await again.registry.put('tor-1', { name: 'Tor' })
    expect(again.registry.get('tor-1')).toEqual({ deviceId: 'tor-1', name: 'Tor' })
    await again.registry.put('tor-1', {})
    expect(again.registry.all()).toEqual([])
    again.store.close()
    expect(openRegistry({}, file).registry.all()).toEqual([])
  })

  it('stays as it was when it cannot be stored', async () => {
    const { registry, changes, store } = openRegistry()
    await registry.put('tor-1', { name: 'Tor' })
    const revision = registry.revision()
    store.write = () => Promise.reject(new Error('The disk is full.'))
    expect(await registry.put('tor-1', GATE)).toEqual({ code: 'registry-unavailable', message: 'The disk is full.' })
    expect(registry.get('tor-1')).toEqual({ deviceId: 'tor-1', name: 'Tor' })
    expect([registry.revision(), changes.length]).toEqual([revision, 1])
  })

  it('is in memory in the order in which it was stored', async () => {
    const { registry, file, store } = openRegistry()
    await Promise.all(Array.from({ length: 50 }, (_, n) => registry.put('tor-1', { name: `Tor ${n}` })))
    expect(registry.get('tor-1').name).toBe('Tor 49')
    store.close()
    expect(openRegistry({}, file).registry.get('tor-1').name).toBe('Tor 49')
  })

  it('counts groups and places, and follows their devices', async () => {
    const { registry } = openRegistry()
    await registry.put('a', { group: 'Tore', place: 'Hof' })
    await registry.put('b', { group: 'Tore', place: 'Dach' })
    await registry.putGroup('Klima', { intervalSeconds: 600 })
    expect(registry.groups()).toEqual([{ name: 'Klima', devices: 0, intervalSeconds: 600 }, { name: 'Tore', devices: 2 }])
    expect(registry.places()).toEqual([{ name: 'Dach', devices: 1 }, { name: 'Hof', devices: 1 }])
    await registry.put('b', { group: 'Klima' })
    expect([...registry.members('Tore')]).toEqual(['a'])
    expect(registry.places()).toEqual([{ name: 'Hof', devices: 1 }])
  })

  it('is found by whoever may see where it belongs, and says where it belonged before', async () => {
    const { registry, moves } = openRegistry()
    await registry.put('a', { group: 'Tore', place: 'Hof' })
    await registry.put('b', { group: 'Tore', place: 'Dach' })
    await registry.put('c', { place: 'Hof' })
    const reach = (groups?: string[], places?: string[], devices?: string[]) => ({ groups: groups && new Set(groups), places: places && new Set(places), devices: devices && new Set(devices) })
    const found = (...names: Parameters<typeof reach>) => [...registry.within(reach(...names)) ?? ['all']].toSorted()
    expect([found(['Tore', 'Klima']), found(['Tore'], ['Hof']), found(undefined, ['Hof']), found(['Tore'], undefined, ['b', 'c']), found(undefined, undefined, ['new']), found([]), found()])
      .toEqual([['a', 'b'], ['a'], ['a', 'c'], ['b'], ['new'], [], ['all']])
    await registry.put('a', { group: 'Klima' })
    await registry.forget('a', () => Promise.resolve())
    await registry.importFile({ format: 'leitstand-devices/1', site: {}, groups: [], devices: [{ deviceId: 'b', group: 'Klima' }] }, false)
    expect(moves.slice(3).map(({ from, to }) => [to.deviceId, from.group, to.group])).toEqual([['a', 'Tore', 'Klima'], ['a', 'Klima', undefined], ['b', 'Tore', 'Klima'], ['c', undefined, undefined]])
  })

  it('is not described by somebody who may not see it any more when it is their turn', async () => {
    const { registry } = openRegistry()
    await registry.put('a', { group: 'Tore' })
    const moved = registry.put('a', { group: 'Klima' })
    const late = registry.put('a', { group: 'Tore', name: 'Meins' }, ({ group }) => group === 'Tore')
    expect(await Promise.all([moved, late])).toMatchObject([undefined, { code: 'device-unknown' }])
    expect(registry.get('a')).toEqual({ deviceId: 'a', group: 'Klima' })
  })

  it('has the reporting interval of the device, else of its group, else of the site', async () => {
    const { registry } = openRegistry()
    await registry.put('a', { group: 'Tore', intervalSeconds: 1 })
    await registry.put('b', { group: 'Tore' })
    expect(registry.intervalSeconds('a')).toBe(1)
    expect(registry.intervalSeconds('b')).toBeUndefined()
    await registry.putSite({ intervalSeconds: 3 })
    await registry.putGroup('Tore', { intervalSeconds: 2 })
    expect(['a', 'b', 'c'].map(registry.intervalSeconds)).toEqual([1, 2, 3])
    await registry.putGroup('Tore', {})
    expect(registry.intervalSeconds('b')).toBe(3)
  })

  it('is left out where this version cannot read it', async () => {
    const { file, store } = openRegistry()
    await store.write([{ kind: 'device', name: 'tor-1', body: '{"icon":"of a later version"}' }, { kind: 'device', name: 'tor-2', body: '{"name":"Tor"}' }])
    store.close()
    const { registry } = openRegistry({}, file)
    expect(registry.load()).toEqual({ unreadable: 1 })
    expect(registry.all()).toEqual([{ deviceId: 'tor-2', name: 'Tor' }])
  })
})

describe('a picture', () => {
  it('is what its first bytes say, and survives a change of the profile', async () => {
    const { registry } = openRegistry()
    await registry.putPicture('tor-1', PNG)
    await registry.put('tor-1', { name: 'Tor' })
    const { picture } = registry.get('tor-1')
    expect(registry.picture('tor-1')).toMatchObject({ type: 'image/png', tag: picture })
    expect(Buffer.from(registry.picture('tor-1')?.bytes ?? [])).toEqual(PNG)
    await registry.putPicture('tor-1', JPEG)
    expect(registry.picture('tor-1')?.type).toBe('image/jpeg')
    expect(registry.get('tor-1').picture).not.toBe(picture)
    await registry.putPicture('tor-1', null)
    expect(registry.picture('tor-1')).toBeUndefined()
    expect(registry.get('tor-1')).toEqual({ deviceId: 'tor-1', name: 'Tor' })
  })

  it.each(['<svg onload="alert(1)">', 'GIF89a', '', 'RIFF0000WAVE'])('is not %j', async (text) => {
    const { registry } = openRegistry()
    expect(await registry.putPicture('tor-1', Buffer.from(text))).toMatchObject({ code: 'picture-invalid' })
  })
})

describe('limits', () => {
  it('of devices', async () => {
    const { registry } = openRegistry({ devices: 2 })
    await registry.put('a', { name: 'A' })
    await registry.put('b', { name: 'B' })
    expect(await registry.put('c', { name: 'C' })).toMatchObject({ code: 'registry-full' })
    expect(await registry.put('b', { name: 'other' })).toBeUndefined()
    await registry.put('a', {})
    expect(await registry.put('c', { name: 'C' })).toBeUndefined()
    await registry.putGroup('a', { intervalSeconds: 1 })
    await registry.putGroup('b', { intervalSeconds: 1 })
    expect(await registry.putGroup('c', { intervalSeconds: 1 })).toMatchObject({ code: 'registry-full' })
  })

  it('of bytes', async () => {
    const { registry } = openRegistry({ registryBytes: 100 })
    await registry.put('a', { note: 'x'.repeat(70) })
    expect(await registry.put('a', { note: 'x'.repeat(200) })).toMatchObject({ code: 'registry-full' })
    expect(await registry.put('a', { note: 'x'.repeat(10) })).toBeUndefined()
  })

  it('of one picture and of all', async () => {
    const { registry } = openRegistry({ pictureBytes: 20, picturesBytes: 30 })
    expect(await registry.putPicture('a', Buffer.concat([PNG, Buffer.alloc(20)]))).toMatchObject({ code: 'picture-too-large' })
    expect(await registry.putPicture('a', PNG)).toBeUndefined()
    expect(await registry.putPicture('b', PNG)).toMatchObject({ code: 'registry-full' })
    expect(await registry.putPicture('a', JPEG)).toBeUndefined()
    expect(await registry.putPicture('b', JPEG)).toBeUndefined()
  })
})
