import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

/** A small disk of its own, gone with the test. */
export interface Disk {
  folder: string
  readOnly: () => void
  writable: () => void
  /** One file that may be read and not written; the returned function undoes it. */
  fileReadOnly: (name: string) => () => void
  /** Leaves no room on it; the returned function makes room again. */
  fill: () => () => void
}

/** Undefined where the system lets us make none. Permissions would not do: root does not mind them. */
export function smallDisk(megabytes = 4): Disk | undefined {
  const place = mkdtempSync(join(tmpdir(), 'leitstand-disk-'))
  onTestFinished(() => rmSync(place, { recursive: true, force: true }))
  const folder = join(place, 'disk')
  mkdirSync(folder)
  const mount = (options: string, ...more: string[]) => execFileSync('mount', ['-o', options, ...more, folder], { stdio: 'ignore' })
  try {
    mount(`size=${megabytes}m`, '-t', 'tmpfs', 'tmpfs')
  }
  catch {
    return undefined
  }
  onTestFinished(() => void execFileSync('umount', ['-l', folder]))
  return {
    folder,
    readOnly: () => mount('remount,ro'),
    writable: () => mount('remount,rw'),
    fileReadOnly(name) {
      const file = join(folder, name)
      execFileSync('mount', ['--bind', file, file])
      execFileSync('mount', ['-o', 'remount,ro,bind', file])
      return () => execFileSync('umount', ['-l', file])
    },
    fill() {
      for (const [i, bytes] of [megabytes * 1_048_576, 65_536, 4_096, 512].entries()) fillWith(join(folder, `filler-${i}`), bytes)
      return () => rmSync(join(folder, 'filler-0'))
    },
  }
}

function fillWith(file: string, bytes: number) {
  try {
    writeFileSync(file, Buffer.alloc(bytes))
  }
  catch {
    // As much as there was room for.
  }
}
