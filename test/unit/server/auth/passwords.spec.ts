import { scryptSync } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { constants } from 'node:os'
import { describe, expect, it } from 'vitest'
import { createPasswords } from '../../../../server/auth/passwords'

const LOW_COST = 1_024

/** How many threads of this process let all others go first. */
function modestThreads(): number {
  return readdirSync('/proc/self/task').filter((thread) => {
    const stat = readFileSync(`/proc/self/task/${thread}/stat`, 'latin1')
    // The name in parentheses may hold anything; the fields behind it are numbered from three on.
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16]) === constants.priority.PRIORITY_LOW
  }).length
}

describe('a password', () => {
  it('is kept as scrypt makes it, with a salt of its own', async () => {
    const { hash, verify } = createPasswords(LOW_COST)
    const [kept = '', other = ''] = [await hash('correct horse battery'), await hash('correct horse battery')]
    const [name, N, r, p, salt = '', key] = kept.split('$')
    expect([name, N, r, p]).toEqual(['scrypt', '1024', '8', '3'])
    expect(scryptSync('correct horse battery', Buffer.from(salt, 'base64url'), 32, { N: 1_024, r: 8, p: 3 }).toString('base64url')).toBe(key)
    expect(other).not.toBe(kept)
    expect(await verify('correct horse battery', kept)).toBe(true)
    expect(await verify('correct horse batterx', kept)).toBe(false)
    expect(await verify('correct horse battery', undefined)).toBe(false)
  })

  it('is right whichever way its letters are written', async () => {
    const { hash, verify } = createPasswords(LOW_COST)
    expect(await verify('Gru\u0308\u00DFe an alle', await hash('Gr\u00FC\u00DFe an alle'))).toBe(true)
  })

  it('that cannot be read is an error, and the next one is looked at', async () => {
    const { hash, verify } = createPasswords(LOW_COST)
    await expect(verify('correct horse battery', 'scrypt$3$8$3$AAAA$AAAA')).rejects.toThrow()
    expect(await verify('correct horse battery', await hash('correct horse battery'))).toBe(true)
  })

  it.runIf(process.platform === 'linux')('is hashed by a thread that lets every other go first', async () => {
    const { hash } = createPasswords(LOW_COST)
    const before = modestThreads()
    await hash('correct horse battery')
    expect(modestThreads()).toBe(before + 1)
  })
})
