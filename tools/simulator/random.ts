/** A text as a 32-bit number (FNV-1a), to seed `chance` and `createWander` with. */
export function seedOf(text: string): number {
  let hash = 0x811C9DC5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return hash >>> 0
}

/** The `index`-th pseudo-random number of `seed`, in [0, 1): the same for the same arguments, in whatever order they are asked for. */
export function chance(seed: number, index: number): number {
  // An epoch in milliseconds does not fit 32 bits, so both halves of the index are mixed in.
  let hash = mix(seed ^ mix(index | 0) ^ mix(Math.floor(index / 2 ** 32) + 0x9E3779B9))
  hash = mix(hash + 0x6D2B79F5)
  return hash / 2 ** 32
}

/** `chance`, spread evenly from `min` to `max`. */
export function between(min: number, max: number, seed: number, index: number): number {
  return min + (max - min) * chance(seed, index)
}

/** MurmurHash3's finalizer. */
function mix(value: number): number {
  let hash = value >>> 0
  hash = Math.imul(hash ^ (hash >>> 16), 0x85EBCA6B)
  hash = Math.imul(hash ^ (hash >>> 13), 0xC2B2AE35)
  return (hash ^ (hash >>> 16)) >>> 0
}
