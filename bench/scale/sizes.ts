// What a device and a viewer take of the memory, and a message of the disk.
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { benchPostgres } from '../postgres/postgres.ts'
import { fillSamples, METRICS } from '../storage/fill.ts'
import { makeFolder } from '../support/folder.ts'
import { withHistory } from '../support/history.ts'
import type { BenchOptions } from '../support/bench.ts'
import type { Sizes } from './fit.ts'
import { EVERY } from './measure.ts'
import { startSite } from './sites.ts'
import type { Site } from './sites.ts'

const FLEETS = [1_000, 10_000]
const FILL_PER_SECOND = 5_000
/** Messages of each device. */
const EACH = 2
const VIEWERS = 1_000
/** As many as make a day of a thousand devices, a message every two minutes. */
const SAMPLES = 2_000_000
const FILE_SAMPLES = 600_000
const SETTLE_MS = 1_000

export interface Memory { devices: number, viewers: number, heapBytes: number, residentBytes: number }
export interface Measured { memory: Memory[], sizes: Sizes }

export async function measureSizes(options: BenchOptions): Promise<Measured> {
  const memory: Memory[] = []
  for (const devices of FLEETS) memory.push(...await measureFleet(devices))
  const [small, watched, large] = memory
  if (!small || !watched || !large) throw new Error('Nothing was measured.')
  // What the machine has to have for them, and that is more than what is left when all garbage is collected.
  const deviceBytes = (large.residentBytes - small.residentBytes) / (large.devices - small.devices)
  return {
    memory,
    sizes: {
      deviceBytes,
      deviceHeapBytes: (large.heapBytes - small.heapBytes) / (large.devices - small.devices),
      // What is not the devices' heap: the program, V8's room, buffers, caches.
      baseBytes: small.residentBytes - small.devices * deviceBytes,
      viewerBytes: (watched.residentBytes - small.residentBytes) / watched.viewers,
      diskBytes: { sqlite: fillFile(), postgres: await fillDatabase(options) },
    },
  }
}

async function measureFleet(devices: number): Promise<Memory[]> {
  const site = await startSite({ store: 'sqlite', qos: 1, devices })
  try {
    site.send(FILL_PER_SECOND)
    await sleep(devices * EACH / FILL_PER_SECOND * 1_000 + SETTLE_MS)
    const sent = await site.pause()
    if (sent < devices) throw new Error(`Only ${sent} of ${devices} devices have spoken.`)
    const alone = { devices, viewers: 0, ...await look(site) }
    if (devices > Math.min(...FLEETS)) return [alone]
    const viewers = await site.watch(EVERY, VIEWERS)
    const watched = { devices, viewers: VIEWERS, ...await look(site) }
    await viewers.stop()
    return [alone, watched]
  }
  finally {
    await site.stop()
  }
}

async function look(site: Site) {
  await sleep(SETTLE_MS)
  const residentBytes = site.residentBytes()
  return { heapBytes: await site.heapBytes(), residentBytes }
}

/** Bytes of a message in the file, packed. */
function fillFile(): number {
  const folder = makeFolder()
  const last = new Map()
  const { samples } = withHistory(folder.path, last, history => fillSamples(history, last, FILE_SAMPLES, () => {}))
  const bytes = statSync(join(folder.path, 'history.db')).size
  folder.remove()
  return bytes / (samples / METRICS)
}

/** The same in PostgreSQL, its indexes with it. */
async function fillDatabase(options: BenchOptions): Promise<number> {
  const { bytes, samples } = await benchPostgres({ ...options, samples: SAMPLES }, () => {})
  return bytes / (samples / METRICS)
}
