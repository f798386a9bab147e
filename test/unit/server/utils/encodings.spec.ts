import { expect, it } from 'vitest'
import { preferredEncoding } from '../../../../server/utils/encodings'

it.each([
  ['gzip', 'gzip'],
  ['gzip, deflate, br, zstd', 'br'],
  ['GZIP', 'gzip'],
  ['br;q=0.5, gzip;q=0.9', 'gzip'],
  ['br;q=0, *', 'gzip'],
  ['*', 'br'],
  ['gzip; q=0.2', 'gzip'],
  ['identity, gzip', 'gzip'],
  ['identity;q=1, gzip;q=0.5', undefined],
  ['gzip;q=0', undefined],
  ['gzip;q=nonsense', undefined],
  ['deflate, zstd', undefined],
  ['identity', undefined],
  ['', undefined],
  [undefined, undefined],
])('of %j prefers %s', (header, encoding) => {
  expect(preferredEncoding(header)).toBe(encoding)
})
