// @ts-check
import withNuxt from './.nuxt/eslint.config.mjs'
import { arrows } from './tools/lint/arrows.ts'

export default withNuxt(
  {
    name: 'leitstand/arrows',
    plugins: { leitstand: { rules: { arrows } } },
    rules: { 'leitstand/arrows': 'error' },
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
