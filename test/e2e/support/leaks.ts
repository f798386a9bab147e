// Owns what must stand in no log line and in no answer: the insides of the server, and what a test has used as a secret. Knows no
// test runner, for the fuzz run looks here as well.
import { readFileSync } from 'node:fs'

/** A frame of a stack, a file of the build, an absolute path of this machine. */
const INSIDES: readonly RegExp[] = [
  /"stack"/,
  /\n\s+at \S.*:\d+:\d+/,
  /node_modules/,
  /\.output\b/,
  /\.mjs\b/,
  /(?<![\w.:/-])\/(?:app|data|dev|etc|home|opt|root|srv|tmp|usr|var|work)\/[\w.-]+/,
]
/** Shorter ones may be ordinary words. */
const LEAST_LENGTH = 8
const SHOWN = 80

/** The first of each kind of insides in a text, with what stands around it. */
export function insidesIn(text: string): string[] {
  return INSIDES.flatMap((pattern) => {
    const found = pattern.exec(text)
    return found ? [around(text, found.index)] : []
  })
}

function around(text: string, at: number): string {
  return text.slice(Math.max(0, at - SHOWN), at + SHOWN)
}

/** What must not be told, with what it is. */
export type Secrets = Map<string, string>

export function learn(secrets: Secrets, value: unknown, what: string) {
  if (typeof value === 'string' && value.length >= LEAST_LENGTH) secrets.set(value, what)
}

/** Of the settings of a server: passwords, addresses with a password, and files with one of them or a key. */
export function learnSettings(secrets: Secrets, env: Record<string, string>) {
  for (const [name, value] of Object.entries(env)) {
    if (/PASSWORD$/.test(name)) learn(secrets, value, name)
    if (/(?:PASSWORD|KEY)_FILE$/.test(name)) for (const line of linesOf(value)) learn(secrets, line, name)
    if (name.endsWith('_URL') && URL.canParse(value)) learn(secrets, decodeURIComponent(new URL(value).password), name)
  }
}

/** Those with something in them; the first and the last of a PEM file are no secret. */
function linesOf(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\n').map(line => line.trim()).filter(line => line !== '' && !line.startsWith('-----'))
  }
  catch {
    return []
  }
}

/** Of what is sent along with a request. */
export function learnRequest(secrets: Secrets, headers: Headers, body: unknown) {
  learn(secrets, /^bearer +(\S+)/i.exec(headers.get('authorization') ?? '')?.[1], 'a token')
  learnCookies(secrets, headers.get('cookie') ?? '')
  const sent = parsed(body)
  for (const field of ['password', 'current']) learn(secrets, sent[field], 'a password')
}

/** Of `Cookie` or `Set-Cookie`. */
export function learnCookies(secrets: Secrets, header: string) {
  for (const [, session] of header.matchAll(/leitstand-session=([^;,\s]+)/g)) learn(secrets, session, 'a session')
}

/** Of the one answer that tells a token: it may have it. */
export function learnToken(secrets: Secrets, body: string) {
  learn(secrets, parsed(body).token, 'a token')
}

function parsed(text: unknown): Record<string, unknown> {
  try {
    const value: unknown = typeof text === 'string' ? JSON.parse(text) : undefined
    return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value)) : {}
  }
  catch {
    return {}
  }
}

/** What stands in a text and must not: insides, and secrets. */
export function leaksIn(text: string, secrets: Secrets): string[] {
  const told = [...secrets].flatMap(([secret, what]) => {
    const at = text.indexOf(secret)
    return at < 0 ? [] : [`${what} in: ${around(text, at)}`]
  })
  return [...told, ...insidesIn(text)]
}
