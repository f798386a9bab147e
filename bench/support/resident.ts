import { setTimeout as sleep } from 'node:timers/promises'
import type { Worker } from './child.ts'
import { median } from './figures.ts'

const LOOK_EVERY_MS = 200
const MEGABYTE = 1_000_000

/** Resident memory of a process while it was watched. */
export interface Resident {
  highestMb: number
  /** Medians of the first and the last quarter of the time. */
  firstMb: number
  lastMb: number
}

export function megabytes(bytes: number): number {
  return bytes / MEGABYTE
}

/** Looks at the memory of a process for so long. */
export async function watchMemory({ residentBytes }: Pick<Worker, 'residentBytes'>, seconds: number): Promise<Resident> {
  const looks: number[] = []
  for (const end = performance.now() + seconds * 1_000; performance.now() < end || looks.length === 0;) {
    looks.push(megabytes(residentBytes()))
    await sleep(LOOK_EVERY_MS)
  }
  const quarter = Math.ceil(looks.length / 4)
  return { highestMb: Math.max(...looks), firstMb: median(looks.slice(0, quarter)), lastMb: median(looks.slice(-quarter)) }
}
