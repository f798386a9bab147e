import { pbkdf2Sync, randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { writeSecret } from './files.ts'

const PASSWORD_BYTES = 24
const SALT_BYTES = 12
const HASH_BYTES = 64
/**
 * As mosquitto_passwd has it. More would slow guessing a weak password down; these are random, and the broker, which has one
 * thread, computes it at each connection.
 */
const ITERATIONS = 101

/** 192 random bits, without characters that mean something in a file or a shell. */
export function newPassword(): string {
  return randomBytes(PASSWORD_BYTES).toString('base64url')
}

/** A password as Mosquitto keeps it: PBKDF2 with SHA-512, `$7$iterations$salt$hash`. */
export function hashPassword(password: string, salt = randomBytes(SALT_BYTES)): string {
  const hash = pbkdf2Sync(password, salt, ITERATIONS, HASH_BYTES, 'sha512')
  return `$7$${ITERATIONS}$${salt.toString('base64')}$${hash.toString('base64')}`
}

export interface PasswordFile {
  has: (name: string) => boolean
  set: (name: string, password: string) => void
  /** Whether there was one. */
  remove: (name: string) => boolean
}

/** Mosquitto's password file, `name:hash` a line; written at each change. A file that is not there is made. */
export function openPasswordFile(file: string): PasswordFile {
  const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean) : []
  const entries = new Map(lines.map(line => [line.slice(0, line.indexOf(':')), line]))
  const write = () => writeSecret(file, [...entries.values(), ''].join('\n'))
  if (!existsSync(file)) write()
  return {
    has: name => entries.has(name),
    set(name, password) {
      entries.set(name, `${name}:${hashPassword(password)}`)
      write()
    },
    remove(name) {
      const was = entries.delete(name)
      if (was) write()
      return was
    },
  }
}
