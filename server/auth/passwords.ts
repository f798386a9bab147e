import { randomBytes, timingSafeEqual } from 'node:crypto'
import { createHashing } from './hashing'

/**
 * 32 MiB and about a fifth of a second each, as OWASP advises: the cost of a guess for an attacker who has stolen the
 * database.
 */
const COST = 32_768
const BLOCK_SIZE = 8
const PARALLEL = 3
const KEY_BYTES = 32
const SALT_BYTES = 16
/** This many may wait; they are hashed one after the other. */
const MAX_WAITING = 20

/** Hashes passwords in the background. Both functions resolve to undefined when too many wait already. */
export function createPasswords(cost = COST) {
  const { scrypt } = createHashing()
  let under = 0
  // For names without an account: the answer takes as long as for a wrong password.
  const forUnknownNames = `scrypt$${cost}$${BLOCK_SIZE}$${PARALLEL}$${randomBytes(SALT_BYTES).toString('base64url')}$${randomBytes(KEY_BYTES).toString('base64url')}`

  async function ifThereIsRoom<T>(work: () => Promise<T>): Promise<T | undefined> {
    if (under > MAX_WAITING) return undefined
    under++
    try {
      return await work()
    }
    finally {
      under--
    }
  }

  function derive(password: string, salt: Buffer, [cost, blockSize, parallel]: readonly [number, number, number]): Promise<Buffer> {
    return scrypt(password.normalize('NFKC'), salt, { cost, blockSize, parallel, keyBytes: KEY_BYTES })
  }

  return {
    /** `scrypt$cost$blockSize$parallel$salt$hash` */
    hash: (password: string) => ifThereIsRoom(async () => {
      const salt = randomBytes(SALT_BYTES)
      const key = await derive(password, salt, [cost, BLOCK_SIZE, PARALLEL])
      return ['scrypt', cost, BLOCK_SIZE, PARALLEL, salt.toString('base64url'), key.toString('base64url')].join('$')
    }),
    /** Whether it is the password of `hash`; undefined as a hash is never right. */
    verify: (password: string, hash: string | undefined) => ifThereIsRoom(async () => {
      const [, N, r, p, salt = '', key = ''] = (hash ?? forUnknownNames).split('$')
      const expected = Buffer.from(key, 'base64url')
      const actual = await derive(password, Buffer.from(salt, 'base64url'), [Number(N), Number(r), Number(p)])
      return timingSafeEqual(actual, expected) && hash !== undefined
    }),
  }
}
export type Passwords = ReturnType<typeof createPasswords>
