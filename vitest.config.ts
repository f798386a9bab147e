import { fileURLToPath } from 'node:url'
import { defineVitestProject } from '@nuxt/test-utils/config'
import { defineConfig } from 'vitest/config'

const shared = fileURLToPath(new URL('./shared', import.meta.url))

const EVERY_E2E = 'test/e2e/**/*.spec.ts'
// Two files at once, for servers and browsers mostly wait for one another; but not those about load, or how long something takes.
const ALONE = ['attack', 'backup', 'bad-input', 'cluster*', 'connection', 'durability', 'large-fleet', 'overview', 'postgres', 'presence', 'process', 'resume', 'stream']
  .map(name => `test/e2e/${name}.spec.ts`)

function endToEnd(name: string, { groupOrder, ...files }: { include: string[], exclude: string[], maxWorkers: number, groupOrder: number }) {
  return {
    resolve: { alias: { '#shared': shared } },
    test: {
      name,
      environment: 'node' as const,
      ...files,
      globalSetup: ['test/e2e/support/build.ts'],
      setupFiles: ['test/e2e/support/watch-leaks.ts'],
      sequence: { groupOrder },
      testTimeout: 60_000,
      hookTimeout: 120_000,
    },
  }
}

export default defineConfig({
  test: {
    projects: [
      {
        resolve: { alias: { '#shared': shared } },
        test: { name: 'unit', environment: 'node', include: ['test/unit/**/*.spec.ts'], testTimeout: 20_000 },
      },
      await defineVitestProject({
        test: { name: 'nuxt', environment: 'nuxt', include: ['test/nuxt/**/*.spec.ts'], testTimeout: 30_000, hookTimeout: 60_000 },
      }),
      endToEnd('e2e', { include: [EVERY_E2E], exclude: ALONE, maxWorkers: 2, groupOrder: 1 }),
      endToEnd('e2e-alone', { include: ALONE, exclude: [], maxWorkers: 1, groupOrder: 2 }),
    ],
  },
})
