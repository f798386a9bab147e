import { join } from 'node:path'
import { ESLint } from 'eslint'
import { describe, expect, it } from 'vitest'
import { arrowFault } from '../../../tools/lint/arrows'

const ROOT = '/project'
const fault = (file: string, specifier: string) => arrowFault(join(ROOT, file), specifier, ROOT)

describe('an import against the arrows', () => {
  it.each([
    ['shared/text/a.ts', 'vue'],
    ['shared/text/a.ts', 'node:fs'],
    ['shared/schemas/a.ts', 'h3'],
    ['shared/text/a.ts', '../../server/leitstand'],
    ['shared/text/a.ts', '~/composables/useFleet'],
    ['server/mqtt/a.ts', '../sources/sensors'],
    ['server/sources/a.ts', '../mqtt/connection'],
    ['server/fleet/a.ts', '../live/hub'],
    ['server/stream/a.ts', '../fleet/fleet'],
    ['server/stream/a.ts', '#imports'],
    ['server/stream/a.ts', 'h3'],
    ['server/fleet/a.ts', '../leitstand/leitstand'],
    ['server/metrics/a.ts', '../live/hub'],
    ['server/tracing/a.ts', '../history/history'],
    ['server/history/a.ts', '../tracing/tracing'],
    ['server/api/a.get.ts', '../metrics/metrics'],
    ['server/history/a.ts', '~~/server/fleet/fleet'],
    ['server/mqtt/a.ts', '../../pages/index.vue'],
    ['server/api/a.get.ts', '../fleet/fleet'],
    ['server/routes/ws/a.ts', '../../live/hub'],
    ['server/plugins/a.ts', '#server/mqtt/connection'],
    ['composables/useA.ts', '../server/leitstand'],
    ['composables/useA.ts', '~/components/A.vue'],
    ['composables/useA.ts', 'node:fs'],
    ['components/fleet/A.vue', '../../pages/index.vue'],
    ['components/A.vue', '@/server/settings'],
    ['pages/index.vue', '~/server/leitstand'],
    ['app.vue', './server/leitstand'],
    ['tools/a.ts', '../server/mqtt/connection'],
    ['tools/migrate/a.ts', '../../server/fleet/fleet'],
  ])('%s -> %s is a fault', (file, specifier) => {
    expect(fault(file, specifier)).toContain(`${file} must not import`)
  })

  it.each([
    ['shared/text/a.ts', '#shared/schemas/device'],
    ['shared/schemas/a.ts', 'zod'],
    ['server/mqtt/a.ts', './backoff'],
    ['server/mqtt/a.ts', 'mqtt'],
    ['server/mqtt/a.ts', 'node:net'],
    ['server/fleet/a.ts', '#shared/device/device-state'],
    ['server/leitstand/leitstand.ts', './fleet/fleet'],
    ['server/plugins/a.ts', '../leitstand/leitstand'],
    ['server/metrics/a.ts', '../../package.json'],
    ['server/metrics/a.ts', 'prom-client'],
    ['server/tracing/a.ts', '../mqtt/turns'],
    ['server/leitstand/leitstand.ts', './tracing/tracing'],
    ['server/leitstand/monitoring.ts', './metrics/figures'],
    ['server/utils/a.ts', 'h3'],
    ['composables/useA.ts', '@vueuse/core'],
    ['components/A.vue', '~/composables/useFleet'],
    ['pages/index.vue', '../components/A.vue'],
    ['test/unit/a.spec.ts', '../../server/stream/hub'],
    ['nuxt.config.ts', './server/settings'],
    ['tools/migrate/a.ts', '../../server/history/postgres/session.ts'],
  ])('%s -> %s is none', (file, specifier) => {
    expect(fault(file, specifier)).toBeUndefined()
  })
})

it('fails the lint in every form an import can take', async () => {
  const code = [
    'import { a } from \'../live/hub\'',
    'import type { B } from \'../live/hub\'',
    'export * from \'../live/hub\'',
    'export { c } from \'../live/hub\'',
    'export const d = import(\'../live/hub\')',
    'export const e = import(`../live/hub`)',
    'export type F = import(\'../live/hub\').Hub',
    'export const g = require(\'../live/hub\')',
  ]
  const [result] = await new ESLint().lintText(code.join('\n'), { filePath: 'server/mqtt/example.ts' })
  const lines = result?.messages.filter(({ ruleId }) => ruleId === 'leitstand/arrows').map(({ line }) => line)
  expect(lines).toEqual(code.map((_, index) => index + 1))
})
