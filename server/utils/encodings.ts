/** The supported encodings, the better first. */
const ENCODINGS = ['br', 'gzip'] as const

/** The supported encoding that `Accept-Encoding` prefers (RFC 9110 12.5.3); undefined: none. */
export function preferredEncoding(acceptEncoding: string | undefined): typeof ENCODINGS[number] | undefined {
  if (!acceptEncoding) return undefined
  const weights = new Map(acceptEncoding.toLowerCase().split(',').map(weighed))
  const weightOf = (encoding: string) => weights.get(encoding) ?? weights.get('*') ?? 0
  const best = ENCODINGS.reduce((a, b) => weightOf(b) > weightOf(a) ? b : a)
  return weightOf(best) > 0 && weightOf(best) >= (weights.get('identity') ?? 0) ? best : undefined
}

/** `gzip;q=0.5` -> `['gzip', 0.5]` */
function weighed(part: string): [string, number] {
  const [encoding = '', ...parameters] = part.split(';').map(text => text.trim())
  const q = parameters.find(parameter => parameter.startsWith('q='))?.slice(2)
  return [encoding, q === undefined ? 1 : Number(q) || 0]
}
