import { readFileSync, readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { PresenceSchema } from '#shared/schemas/device'
import { DoctorCheckNameSchema, DoctorCodeSchema, DoctorStatusSchema } from '#shared/schemas/doctor'
import { BrokerCodeSchema } from '#shared/schemas/health'
import { RejectionReasonSchema } from '#shared/schemas/rejection'
import { SessionSchema } from '#shared/schemas/access'
import { ACCESS_FAULTS, AUDIT_ACTIONS, ROLES } from '#shared/api/access'
import { ADVISED } from '#shared/api/doctor-advice'
import { QUANTITIES } from '#shared/device/metrics'
import { REFUSAL_REASONS } from '#shared/api/stream-refusal'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const STATIC_KEY = /(?:\bt\(\s*|keypath=)['"]([\w.-]+)['"]/g
const ANY_CALL = /(?<![\w.])\$?t\(\s*(.)/g
const TEMPLATE_KEY = /\bt\(`([\w.]+)\.\$\{/g

/** Keys that end with a member of an enum; every other key stands in the sources as it is. */
const FAMILIES: Record<string, readonly string[]> = {
  'broker.code': BrokerCodeSchema.options,
  'connection.refused.reason': REFUSAL_REASONS,
  'rejection.reason': RejectionReasonSchema.options,
  'doctor.check': DoctorCheckNameSchema.options,
  'doctor.status': DoctorStatusSchema.options,
  'doctor.finding': DoctorCodeSchema.options,
  'doctor.advice': ADVISED,
  'doctor.outcome': ['refused', 'failed'],
  'access.fault': ACCESS_FAULTS,
  'access.role': ROLES,
  'access.may': ROLES,
  'audit.by': SessionSchema.shape.by.options,
  'audit.deed': AUDIT_ACTIONS,
  'metric.quantity': QUANTITIES,
  'presence.word': PresenceSchema.options,
  'presence.hint': PresenceSchema.options,
  'presence.sentence': PresenceSchema.options,
}

const sources = ['app.vue', 'error.vue', ...['components', 'composables', 'layouts', 'pages'].flatMap(folder =>
  readdirSync(ROOT + folder, { recursive: true, encoding: 'utf8' }).map(file => `${folder}/${file}`))]
  .filter(file => /\.(?:vue|ts)$/.test(file))
  .map(file => readFileSync(ROOT + file, 'utf8'))

function matches(pattern: RegExp): string[] {
  return sources.flatMap(source => Array.from(source.matchAll(pattern), match => match[1] ?? ''))
}

function messagesOf(language: string): Map<string, string> {
  const messages = new Map<string, string>()
  const collect = (node: unknown, path: string) => {
    if (typeof node === 'string') return messages.set(path, node)
    for (const [key, child] of Object.entries(node ?? {})) collect(child, path ? `${path}.${key}` : key)
  }
  collect(JSON.parse(readFileSync(`${ROOT}i18n/locales/${language}.json`, 'utf8')), '')
  return messages
}

const german = messagesOf('de')
const english = messagesOf('en')
const used = new Set([
  ...matches(STATIC_KEY),
  // On the page that browsers keep for the time without a server (tools/shell).
  'offline.text',
  ...Object.entries(FAMILIES).flatMap(([family, members]) => members.map(member => `${family}.${member}`)),
])

describe('messages', () => {
  it('are the same in both languages', () => {
    expect([...german.keys()].sort()).toEqual([...english.keys()].sort())
  })

  it('have the same placeholders in both languages', () => {
    const placeholders = (text = '') => [...new Set(text.match(/\{\w+\}/g))].sort()
    for (const [key, text] of german) expect(placeholders(english.get(key)), key).toEqual(placeholders(text))
  })

  it('are all there', () => {
    expect([...used].filter(key => !german.has(key))).toEqual([])
  })

  it('are all used', () => {
    expect([...german.keys()].filter(key => !used.has(key))).toEqual([])
  })

  it('are asked for by keys that can be found: literals and the families above', () => {
    expect(matches(ANY_CALL).filter(character => !/['"`]/.test(character))).toEqual([])
    expect(matches(TEMPLATE_KEY).filter(family => !(family in FAMILIES))).toEqual([])
  })
})
