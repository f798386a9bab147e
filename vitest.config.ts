import { fileURLToPath } from 'node:url'
import { defineVitestProject } from '@nuxt/test-utils/config'
import { defineConfig } from 'vitest/config'

const shared = fileURLToPath(new URL('./shared', import.meta.url))

/** Limits are for what fails: no test may fail because the machine is busy. */
const patient = { setupFiles: ['test/support/patience.ts'], testTimeout: 60_000, hookTimeout: 60_000, expect: { poll: { timeout: 20_000 } } }

export default defineConfig({
  test: {
    projects: [
      {
        resolve: { alias: { '#shared': shared } },
        test: { ...patient, name: 'unit', environment: 'node', include: ['test/unit/**/*.spec.ts'] },
      },
      await defineVitestProject({
        test: { ...patient, name: 'nuxt', environment: 'nuxt', include: ['test/nuxt/**/*.spec.ts'] },
      }),
      {
        resolve: { alias: { '#shared': shared } },
        test: {
          name: 'e2e',
          environment: 'node',
          include: ['test/e2e/**/*.spec.ts'],
          globalSetup: ['test/e2e/support/build.ts'],
          setupFiles: ['test/e2e/support/watch-leaks.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          // Two cores: servers, brokers and browsers of several files at once would only slow each other down.
          fileParallelism: false,
        },
      },
    ],
  },
})
