import { fileURLToPath } from 'node:url'
import { defineVitestProject } from '@nuxt/test-utils/config'
import { defineConfig } from 'vitest/config'

const shared = fileURLToPath(new URL('./shared', import.meta.url))

/** End-to-end tests that measure time or memory, or kill what is busy: they have the machine for themselves. */
const ALONE = ['attack', 'bad-input', 'cluster-failover', 'connection', 'durability', 'large-fleet', 'postgres', 'resume', 'tracing'].map(name => `test/e2e/${name}.spec.ts`)

/** Limits are for what fails: no test may fail because the machine is busy. */
const patient = { setupFiles: ['test/support/patience.ts'], testTimeout: 60_000, hookTimeout: 60_000, expect: { poll: { timeout: 20_000 } } }

/** Files at a time. Most wait longer for servers, brokers and browsers than they compute: two cores have room for three. */
const together = { maxWorkers: 3, sequence: { groupOrder: 0 } }
const alone = { maxWorkers: 1, sequence: { groupOrder: 1 } }

const endToEnd = {
  environment: 'node' as const,
  globalSetup: ['test/e2e/support/build.ts'],
  setupFiles: ['test/e2e/support/watch-leaks.ts'],
  testTimeout: 120_000,
  hookTimeout: 120_000,
}

export default defineConfig({
  test: {
    projects: [
      {
        resolve: { alias: { '#shared': shared } },
        test: { ...patient, ...together, name: 'unit', environment: 'node', include: ['test/unit/**/*.spec.ts'] },
      },
      await defineVitestProject({
        test: { ...patient, ...together, name: 'nuxt', environment: 'nuxt', include: ['test/nuxt/**/*.spec.ts'] },
      }),
      {
        resolve: { alias: { '#shared': shared } },
        test: { ...endToEnd, ...together, name: 'e2e', include: ['test/e2e/**/*.spec.ts'], exclude: ALONE },
      },
      {
        resolve: { alias: { '#shared': shared } },
        test: { ...endToEnd, ...alone, name: 'e2e-alone', include: ALONE },
      },
    ],
  },
})
