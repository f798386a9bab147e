// Finds environment variables that look like a misspelled setting. Their values are never read.
import { SettingsSchema, variableName } from '../settings'

/** Nuxt's own and what its modules read. */
const OTHERS = /^NUXT_(?:PUBLIC|APP|UI|I18N|ICON|ESLINT|IMAGE|SITE|SESSION|DEVTOOLS|TELEMETRY|TEST|PORT|HOST|SOCKET)(?:_|$)/
const FILE = '_FILE'
/** Letters that may be wrong: of a short name fewer. */
const MOST_WRONG = 3
const LETTERS_PER_WRONG = 5
/** Shorter beginnings stand for nothing in particular. */
const MIN_PART = 3

/** Every variable that is read. */
function settingNames(): string[] {
  const defaults: Record<string, unknown> = SettingsSchema.parse({})
  return Object.entries(defaults).flatMap(([group, held]) =>
    typeof held === 'object' && held !== null ? Object.keys(held).map(key => variableName([group, key])) : [variableName([group])])
}

/** One sentence for each variable whose name is nearly that of a setting. */
export function nearMisses(env: Record<string, string | undefined>): string[] {
  const names = settingNames()
  const known = new Set(names.flatMap(name => [name, name + FILE]))
  return Object.keys(env).filter(name => /^nuxt_/i.test(name) && !known.has(name) && !OTHERS.test(name)).flatMap((name) => {
    const likely = nearest(name.toUpperCase(), names)
    return likely === undefined ? [] : [`${name} is no setting and is not looked at; ${likely} is one. Was that meant?`]
  })
}

function nearest(name: string, names: readonly string[]): string | undefined {
  const suffix = name.endsWith(FILE) && !names.includes(name) ? FILE : ''
  const asked = lettersOf(suffix ? name.slice(0, -FILE.length) : name)
  const scored = names.map(each => ({ each, wrong: wrongLetters(asked, lettersOf(each)) })).sort((a, b) => a.wrong - b.wrong)
  const [best] = scored
  const most = Math.min(MOST_WRONG, Math.floor(asked.length / LETTERS_PER_WRONG))
  if (best && best.wrong <= most) return best.each + suffix
  const [related, ...more] = names.filter(each => isPart(name, each) || haveSameWords(name, each) || goesOn(name, each, names))
  return related === undefined || more.length > 0 ? undefined : related + suffix
}

/** `NUXT_HISTORY_RAWDAYS` differs from `NUXT_HISTORY_RAW_DAYS` in no letter. */
function lettersOf(name: string): string {
  return name.replace(/^NUXT_/, '').replaceAll('_', '')
}

/** The beginning of a setting's name, up to a word or into one. */
function isPart(name: string, setting: string): boolean {
  const last = name.split('_').at(-1) ?? ''
  return setting.startsWith(name) && (setting[name.length] === '_' || (name.split('_').length > 2 && last.length >= MIN_PART))
}

/** A setting's name with additional words; not if other settings begin like that as well. */
function goesOn(name: string, setting: string, names: readonly string[]): boolean {
  return name.startsWith(`${setting}_`) && !names.some(other => other.startsWith(`${setting}_`))
}

function haveSameWords(name: string, setting: string): boolean {
  const words = (text: string) => text.split('_').toSorted().join('_')
  return words(name) === words(setting)
}

/** How many letters have to be changed, added, left out or swapped with the next. */
export function wrongLetters(a: string, b: string): number {
  const rows = Array.from({ length: a.length + 1 }, (_, i) => Array.from({ length: b.length + 1 }, (_, j) => i === 0 ? j : i))
  const at = (i: number, j: number) => rows[i]?.[j] ?? Infinity
  for (let i = 1; i <= a.length; i++) {
    const row = rows[i] ?? []
    for (let j = 1; j <= b.length; j++) {
      const isSame = a[i - 1] === b[j - 1]
      const isSwapped = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      row[j] = Math.min(at(i - 1, j) + 1, at(i, j - 1) + 1, at(i - 1, j - 1) + (isSame ? 0 : 1), isSwapped ? at(i - 2, j - 2) + 1 : Infinity)
    }
  }
  return at(a.length, b.length)
}
