import { createHash, randomBytes, randomInt, timingSafeEqual } from 'node:crypto'

const TOKEN_PREFIX = 'lst_'
/** Without letters that look alike. */
const CODE_LETTERS = 'ABCDEFGHJKMNPQRSTUVWXYZ23456789'
const CODE_LENGTH = 12

/** 256 random bits. */
export function makeSecret(): string {
  return randomBytes(32).toString('base64url')
}

/** The same as an API token, with a prefix that marks it as one. */
export function makeToken(): string {
  return TOKEN_PREFIX + makeSecret()
}

/** An id, not a secret. */
export function makeId(): string {
  return randomBytes(9).toString('base64url')
}

/** The stored form of a secret. One round is enough for a secret that cannot be guessed. */
export function digest(secret: string): string {
  return createHash('sha256').update(secret).digest('base64url')
}

/** A code for people to copy, of some 59 bits: `ABCD-EFGH-JKMN`. */
export function makeCode(): string {
  return codeOf(Array.from({ length: CODE_LENGTH }, () => randomInt(CODE_LETTERS.length)))
}

/** The same code on all servers that know a secret number. */
export function codeFromSeed(seed: number): string {
  return codeOf([...createHash('sha256').update(`first account ${seed}`).digest().subarray(0, CODE_LENGTH)])
}

function codeOf(numbers: readonly number[]): string {
  return numbers.map(number => CODE_LETTERS[number % CODE_LETTERS.length]).join('').replaceAll(/(.{4})(?=.)/g, '$1-')
}

/** Compares in constant time; spaces, hyphens and case do not matter. */
export function isCode(typed: string, code: string): boolean {
  const bare = (text: string) => text.replaceAll(/[\s-]/g, '').toUpperCase()
  return isSame(bare(typed), bare(code))
}

export function isSame(a: string, b: string): boolean {
  return timingSafeEqual(createHash('sha256').update(a).digest(), createHash('sha256').update(b).digest())
}
