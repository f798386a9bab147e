import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { hashPassword, newPassword, openPasswordFile } from '../../../../tools/certificates/passwords'
import { tempFolder } from './support'

describe('a password', () => {
  it('is hashed as mosquitto_passwd does it', () => {
    // Made by mosquitto_passwd 2.0.11.
    const made = '$7$101$M+09EFQviiT6mNwO$1QK9H0Vu284wI3fz8v70J013BJ7U6IEv+HiAmI2+g1bKJag5mbrnv1FgDU9Z4OD7ngi6bzjbM04W8Ofm/KId9g=='
    expect(hashPassword('correct horse', Buffer.from('M+09EFQviiT6mNwO', 'base64'))).toBe(made)
  })

  it('is salted, random, and long enough that nobody guesses it', () => {
    expect(hashPassword('same')).not.toBe(hashPassword('same'))
    expect(newPassword()).not.toBe(newPassword())
    expect(newPassword()).toMatch(/^[\w-]{32}$/)
  })
})

describe('the password file', () => {
  it('is made, keeps what others wrote into it, and replaces and removes by name', () => {
    const file = join(tempFolder(), 'passwords')
    const first = openPasswordFile(file)
    expect(existsSync(file)).toBe(true)
    first.set('gate-1', 'a')
    first.set('gate-10', 'b')
    const before = linesOf(file)
    const second = openPasswordFile(file)
    second.set('gate-1', 'c')
    expect(linesOf(file)).toEqual([expect.stringMatching(/^gate-1:\$7\$101\$/), before[1]])
    expect(linesOf(file)[0]).not.toBe(before[0])
    expect(second.remove('gate')).toBe(false)
    expect(second.remove('gate-1')).toBe(true)
    expect([second.has('gate-1'), second.has('gate-10')]).toEqual([false, true])
    expect(linesOf(file)).toEqual([before[1]])
  })
})

function linesOf(file: string): string[] {
  return readFileSync(file, 'utf8').trimEnd().split('\n')
}
