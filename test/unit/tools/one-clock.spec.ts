import { ESLint } from 'eslint'
import { expect, it } from 'vitest'

const WRONG = [
  'export const a = Date.now()',
  'export const b = new Date()',
  'export const c = [1].map(Date.now)',
  'export const d = window.Date.now()',
  'export const e = new globalThis.Date()',
  'export const f = performance.now()',
  'export const g = useNow({ interval: 1_000 })',
  'export const h = useTimestamp()',
  'export const i = Date[\'now\']()',
]
const RIGHT = ['export const a = new Date(0)', 'export const b = Date.parse(\'2026-11-14T03:00:00Z\')', 'export const c = new Date(Date.UTC(2026, 1))']

const eslint = new ESLint()

async function linesOf(code: string, filePath: string) {
  const [result] = await eslint.lintText(code, { filePath })
  return result?.messages.filter(({ ruleId }) => ruleId === 'leitstand/one-clock').map(({ line }) => line)
}

it('finds whatever asks the clock of the computer that a page is on', async () => {
  for (const file of ['composables/useExample.ts', 'shared/text/example.ts', 'plugins/example.ts']) {
    expect(await linesOf(WRONG.join('\n'), file), file).toEqual(WRONG.map((_, i) => i + 1))
    expect(await linesOf(RIGHT.join('\n'), file), file).toEqual([])
  }
  const page = ['<script setup lang="ts">', 'const a = Date.now()', '</script>', '<template>', '  <p>{{ a - Date.now() }}</p>', '  <p :title="String(new Date())" />', '</template>']
  for (const file of ['pages/example.vue', 'components/example/Example.vue', 'layouts/example.vue']) {
    expect(await linesOf(page.join('\n'), file), file).toEqual([2, 5, 6])
  }
  expect(await linesOf(WRONG.join('\n'), 'composables/shell/useServerTime.ts')).toEqual([])
  expect(await linesOf(WRONG.join('\n'), 'server/example.ts')).toEqual([])
})
