import type { DeviceProfile } from '#shared/schemas/profile'
import { RegistryFileSchema } from '#shared/schemas/registry'
import { DEVICE_ICONS } from '#shared/device/device-icons'
import { describe, expect, it } from 'vitest'
import type { Registry } from '../../../../server/registry/contract'
import { JPEG, openRegistry, PNG } from './support'

const textOf = (registry: Registry) => [...registry.exportFile()].join('')
const importText = (registry: Registry, text: string, dryRun = false) => registry.importFile(RegistryFileSchema.parse(JSON.parse(text)), dryRun)

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
function createRandom(seed: number) {
  return () => {
    seed = (seed + 0x6D2B79F5) | 0
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

function createArbitrary(random: () => number) {
  const whole = (most: number) => Math.floor(random() * most)
  const oneOf = <T>(values: readonly T[], otherwise: T): T => values[whole(values.length)] ?? otherwise
  const letters = ['a', 'Z', '7', 'ü', '日', '🚪', '"', '\\', '<', '.', '/', ' ', '\'', '{', ',']
  const word = () => `x${Array.from({ length: whole(12) }, () => oneOf(letters, 'a')).join('')}y`
  const maybe = <T>(value: T) => random() < 0.5 ? undefined : value
  const profile = (): DeviceProfile => ({
    name: maybe(word()),
    place: maybe(word()),
    group: maybe(word()),
    note: maybe(`${word()}\n${word()}`),
    icon: maybe(oneOf(DEVICE_ICONS, 'cog')),
    intervalSeconds: maybe(random() * 1_000 + 0.1),
    metrics: maybe(Object.fromEntries(Array.from({ length: whole(5) }, () => [word(), {
      unit: maybe(oneOf(['K', '°C', 'm³/h', '%'], 'K')), decimals: maybe(whole(11)), hidden: maybe(true as const),
    }]))),
  })
  return { whole, word, maybe, profile }
}

async function fill(registry: Registry, seed: number) {
  const { whole, word, maybe, profile } = createArbitrary(createRandom(seed))
  for (let i = whole(20); i > 0; i--) {
    const deviceId = word()
    await registry.put(deviceId, profile())
    if (maybe(true)) await registry.putPicture(deviceId, maybe(PNG) ?? JPEG)
  }
  for (let i = whole(4); i > 0; i--) await registry.putGroup(word(), { intervalSeconds: 1 + whole(100) })
  await registry.putSite({ intervalSeconds: maybe(5) })
}

describe('the file', () => {
  it.each(Array.from({ length: 40 }, (_, seed) => seed))('brings everything to an empty machine, byte by byte (%i)', async (seed) => {
    const { registry } = openRegistry()
    await fill(registry, seed)
    const text = textOf(registry)
    const other = openRegistry()
    await fill(other.registry, seed + 1_000)
    await importText(other.registry, text)
    expect(textOf(other.registry)).toBe(text)
    expect(other.registry.all()).toEqual(registry.all())
    expect(other.registry.groups()).toEqual(registry.groups())
    for (const { deviceId } of registry.all()) expect(other.registry.picture(deviceId)).toEqual(registry.picture(deviceId))

    // From disk as well.
    other.store.close()
    expect(textOf(openRegistry({}, other.file).registry)).toBe(text)
  })

  it('is readable, a field a line, in an order that does not depend on the past', async () => {
    const { registry } = openRegistry()
    await registry.put('tor-2', { metrics: { tempC: { decimals: 1 }, rssi: { hidden: true }, empty: {} }, name: 'Südtor' })
    await registry.put('tor-1', { name: 'Nordtor' })
    await registry.putSite({ intervalSeconds: 60 })
    expect(textOf(registry)).toBe(`{
  "format": "leitstand-devices/1",
  "site": {
    "intervalSeconds": 60
  },
  "groups": [],
  "devices": [
    {
      "deviceId": "tor-1",
      "name": "Nordtor"
    },
    {
      "deviceId": "tor-2",
      "name": "Südtor",
      "metrics": {
        "rssi": {
          "hidden": true
        },
        "tempC": {
          "decimals": 1
        }
      }
    }
  ]
}
`)
  })
})

describe('an import', () => {
  const FILE = JSON.stringify({ format: 'leitstand-devices/1', site: { intervalSeconds: 5 }, groups: [{ name: 'Tore', intervalSeconds: 2 }], devices: [
    { deviceId: 'a', name: 'Neu', metrics: { tempC: { decimals: 1 } } },
    { deviceId: 'c', name: 'C', picture: `data:image/png;base64,${PNG.toString('base64')}` },
  ] })

  async function open() {
    const opened = openRegistry()
    await opened.registry.put('a', { name: 'Alt', metrics: { tempC: { decimals: 1, unit: 'K' } } })
    await opened.registry.put('b', { name: 'B' })
    return opened
  }

  it('says what would change before it does, and what has changed', async () => {
    const { registry, changes } = await open()
    const [before, told] = [textOf(registry), changes.length]
    const planned = await importText(registry, FILE, true)
    expect(planned).toEqual({ dryRun: true, total: 6, changes: [
      { path: 'site.intervalSeconds', before: null, after: '5' },
      { path: 'groups.Tore', before: null, after: '{"intervalSeconds":2}' },
      { path: 'devices.a.name', before: '"Alt"', after: '"Neu"' },
      { path: 'devices.a.metrics.tempC.unit', before: '"K"', after: null },
      { path: 'devices.b', before: '{"name":"B"}', after: null },
      { path: 'devices.c', before: null, after: expect.stringMatching(/^\{"name":"C","picture":"image\/png, 17 bytes/) },
    ] })
    expect([textOf(registry), changes.length]).toEqual([before, told])

    expect(await importText(registry, FILE)).toEqual({ ...planned, dryRun: false })
    expect(changes.slice(told).map(({ deviceId }) => deviceId)).toEqual(['a', 'b', 'c'])
    expect(await importText(registry, FILE)).toEqual({ dryRun: false, total: 0, changes: [] })
  })

  it('is all or nothing', async () => {
    const { registry, store } = await open()
    const before = textOf(registry)
    store.write = () => Promise.reject(new Error('The disk is full.'))
    expect(await importText(registry, FILE)).toMatchObject({ code: 'registry-unavailable' })
    expect(textOf(registry)).toBe(before)
  })

  it('lists a thousand changes and counts the others', async () => {
    const { registry } = openRegistry({ devices: 2_000 })
    const devices = Array.from({ length: 1_500 }, (_, n) => ({ deviceId: `d-${n}`, name: 'x' }))
    const report = await importText(registry, JSON.stringify({ format: 'leitstand-devices/1', devices }))
    expect(report).toMatchObject({ total: 1_500, changes: { length: 1_000 } })
  })

  it('names what cannot be taken by its path', async () => {
    const { registry } = openRegistry()
    const picture = `data:image/png;base64,${Buffer.from('<svg>').toString('base64')}`
    expect(await registry.importFile({ format: 'leitstand-devices/1', site: {}, groups: [], devices: [{ deviceId: 'a' }, { deviceId: 'b', picture }] }, false))
      .toMatchObject({ code: 'file-invalid', faults: [{ path: 'devices[1].picture' }] })
    const { error } = RegistryFileSchema.safeParse({ format: 'leitstand-devices/1', devices: [{ deviceId: 'a' }, { deviceId: 'a', metrics: { t: { decimals: 99 } } }] })
    expect(error?.issues.map(({ path }) => path.join('.'))).toContain('devices.1.metrics.t.decimals')
    for (const half of [{ deviceId: 'a\ud800' }, { deviceId: 'a', name: '\ud800' }]) expect(RegistryFileSchema.safeParse({ format: 'leitstand-devices/1', devices: [half] }).success).toBe(false)
    const twice = RegistryFileSchema.safeParse({ format: 'leitstand-devices/1', devices: [{ deviceId: 'a' }, { deviceId: 'a' }] })
    expect(twice.error?.issues).toMatchObject([{ path: ['devices', 1, 'deviceId'], message: 'is in the file twice' }])
  })

  it('stays within the limits', async () => {
    const two = JSON.stringify({ format: 'leitstand-devices/1', devices: [{ deviceId: 'a', name: 'A' }, { deviceId: 'b', name: 'B' }] })
    expect(await importText(openRegistry({ devices: 1 }).registry, two)).toMatchObject({ code: 'registry-full' })
    expect(await importText(openRegistry({ registryBytes: 20 }).registry, two)).toMatchObject({ code: 'registry-full' })
    expect(await importText(openRegistry({ picturesBytes: 10 }).registry, FILE)).toMatchObject({ code: 'registry-full' })
    expect(await importText(openRegistry({ pictureBytes: 10 }).registry, FILE)).toMatchObject({ code: 'file-invalid' })
  })
})
