// @ts-check
import withNuxt from './.nuxt/eslint.config.mjs'
import { arrows } from './tools/lint/arrows.ts'
import { circles } from './tools/lint/circles.ts'
import { oneClock } from './tools/lint/one-clock.ts'

export default withNuxt(
  {
    name: 'leitstand/own',
    plugins: { leitstand: { rules: { arrows, circles, 'one-clock': oneClock } } },
    rules: { 'leitstand/arrows': 'error', 'leitstand/circles': 'error', 'leitstand/one-clock': 'error' },
  },
  {
    name: 'leitstand/strict',
    files: ['**/*.ts', '**/*.vue'],
    rules: {
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-non-null-assertion': 'error',
      'no-console': ['error', { allow: ['info', 'warn', 'error'] }],
      '@stylistic/max-statements-per-line': ['error', { max: 3 }],
      'nuxt/nuxt-config-keys-order': 'off',
    },
  },
  { ignores: ['.output/', '.data/', 'coverage/'] },
)
