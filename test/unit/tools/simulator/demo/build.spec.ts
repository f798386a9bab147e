import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { needsBuild } from '../../../../../tools/simulator/demo/build'

const BUILT_AT = new Date('2026-01-15T12:00:00Z')
const BEFORE = new Date('2026-01-15T11:00:00Z')
const AFTER = new Date('2026-01-15T13:00:00Z')
let root = ''

async function write(path: string, time: Date) {
  await mkdir(dirname(join(root, path)), { recursive: true })
  await writeFile(join(root, path), '')
  await utimes(join(root, path), time, time)
}

const touch = (path: string, time: Date) => utimes(join(root, path), time, time)

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'demo-build-'))
  for (const path of ['nuxt.config.ts', 'package-lock.json', 'server/api/health.get.ts', 'pages/index.vue', 'tools/demo.ts', 'node_modules/a/index.js']) {
    await write(path, BEFORE)
  }
  for (const folder of ['server/api', 'server', 'pages']) await touch(folder, BEFORE)
})

afterEach(() => rm(root, { recursive: true, force: true }))

describe('whether the demo needs a build', () => {
  it('does without any', async () => {
    expect(await needsBuild(root)).toBe(true)
  })

  it('does not while the build is the newest', async () => {
    await write('.output/nitro.json', BUILT_AT)
    expect(await needsBuild(root)).toBe(false)
  })

  it.each(['nuxt.config.ts', 'package-lock.json', 'server/api/health.get.ts', 'pages/index.vue'])('does after a change of %s', async (path) => {
    await write('.output/nitro.json', BUILT_AT)
    await touch(path, AFTER)
    expect(await needsBuild(root)).toBe(true)
  })

  it('does after a source was removed', async () => {
    await write('.output/nitro.json', BUILT_AT)
    await rm(join(root, 'server/api/health.get.ts'))
    expect(await needsBuild(root)).toBe(true)
  })

  it.each(['tools/demo.ts', 'node_modules/a/index.js', 'README.md', 'test/unit/a.spec.ts', '.env'])('does not after a change of %s', async (path) => {
    await write('.output/nitro.json', BUILT_AT)
    await write(path, AFTER)
    expect(await needsBuild(root)).toBe(false)
  })
})
