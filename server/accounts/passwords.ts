import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto'

/** 32 MiB and about a fifth of a second each, as OWASP advises: what a guess costs whoever has stolen the database. */
const COST = 32_768
const BLOCK_SIZE = 8
const PARALLEL = 3
const KEY_BYTES = 32
const SALT_BYTES = 16
/** So many at once, for their memory; so many may wait. */
const MAX_RUNNING = 2
const MAX_WAITING = 20

/** Hashes passwords on Node's threads, few at a time. Both functions resolve to undefined when too many are waiting already. */
export function createPasswords(cost = COST) {
  let running = 0
  const waiting: (() => void)[] = []
  // What a password is compared with where there is no account: the answer takes as long as if there were one.
  const nobody = `scrypt$${cost}$${BLOCK_SIZE}$${PARALLEL}$${randomBytes(SALT_BYTES).toString('base64url')}$${randomBytes(KEY_BYTES).toString('base64url')}`

  async function inTurn<T>(work: () => Promise<T>): Promise<T | undefined> {
    if (running >= MAX_RUNNING) {
      if (waiting.length >= MAX_WAITING) return undefined
      await new Promise<void>(resolve => waiting.push(resolve))
    }
    else {
      running++
    }
    try {
      return await work()
    }
    finally {
      const next = waiting.shift()
      // Its place goes to the next one.
      if (next) next()
      else running--
    }
  }

  return {
    /** `scrypt$cost$blockSize$parallel$salt$hash` */
    hash: (password: string) => inTurn(async () => {
      const salt = randomBytes(SALT_BYTES)
      const key = await derive(password, salt, cost, BLOCK_SIZE, PARALLEL)
      return ['scrypt', cost, BLOCK_SIZE, PARALLEL, salt.toString('base64url'), key.toString('base64url')].join('$')
    }),
    /** Whether it is the password of `hash`; undefined as a hash is never right. */
    verify: (password: string, hash: string | undefined) => inTurn(async () => {
      const [, N, r, p, salt = '', key = ''] = (hash ?? nobody).split('$')
      const expected = Buffer.from(key, 'base64url')
      const actual = await derive(password, Buffer.from(salt, 'base64url'), Number(N), Number(r), Number(p))
      return timingSafeEqual(actual, expected) && hash !== undefined
    }),
  }
}
export type Passwords = ReturnType<typeof createPasswords>

function derive(password: string, salt: Buffer, N: number, r: number, p: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(password.normalize('NFKC'), salt, KEY_BYTES, { N, r, p, maxmem: 256 * N * r }, (error, key) => error ? reject(error) : resolve(key))
  })
}
