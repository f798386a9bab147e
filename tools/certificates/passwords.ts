import { pbkdf2Sync, randomBytes } from 'node:crypto'
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'

/** Writes a file whole or not at all, for its owner only. */
export function writeWhole(file: string, content: string) {
  writeFileSync(`${file}.part`, content, { mode: 0o600 })
  renameSync(`${file}.part`, file)
}

/** As mosquitto_passwd has it. The passwords are random, and the broker, which has one thread, computes it at each connection. */
const ITERATIONS = 101

/** 192 random bits, without characters that mean something in a file or a shell. */
export const newPassword = (): string => randomBytes(24).toString('base64url')

/** A password as Mosquitto keeps it: PBKDF2 with SHA-512, `$7$iterations$salt$hash`. */
export function hashPassword(password: string, salt = randomBytes(12)): string {
  const hash = pbkdf2Sync(password, salt, ITERATIONS, 64, 'sha512')
  return `$7$${ITERATIONS}$${salt.toString('base64')}$${hash.toString('base64')}`
}

/** Mosquitto's password file, `name:hash` a line; written at each change. A file that is not there is made. */
export function openPasswordFile(file: string) {
  const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean) : []
  const entries = new Map(lines.map(line => [line.slice(0, line.indexOf(':')), line]))
  const write = () => writeWhole(file, [...entries.values(), ''].join('\n'))
  if (!existsSync(file)) write()
  return {
    has: (name: string) => entries.has(name),
    set(name: string, password: string) {
      entries.set(name, `${name}:${hashPassword(password)}`)
      write()
    },
    /** Sets a new one. */
    renew(name: string): string {
      const password = newPassword()
      this.set(name, password)
      return password
    },
    /** Whether there was one. */
    remove(name: string): boolean {
      const was = entries.delete(name)
      if (was) write()
      return was
    },
  }
}
