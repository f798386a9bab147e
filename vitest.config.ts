import { fileURLToPath } from 'node:url'
import { defineVitestProject } from '@nuxt/test-utils/config'
import { defineConfig } from 'vitest/config'

const shared = fileURLToPath(new URL('./shared', import.meta.url))

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
      {
        resolve: { alias: { '#shared': shared } },
        test: {
          name: 'e2e',
          environment: 'node',
          include: ['test/e2e/**/*.spec.ts'],
          globalSetup: ['test/e2e/support/build.ts'],
          setupFiles: ['test/e2e/support/watch-leaks.ts'],
          testTimeout: 60_000,
          hookTimeout: 120_000,
          // Two cores: servers, brokers and browsers of several files at once would only slow each other down.
          fileParallelism: false,
        },
      },
    ],
  },
})
