import { StreamQuerySchema, StreamRequestSchema } from '#shared/schemas/events'
import type { StreamRequest } from '#shared/schemas/events'
import { toMicroseconds } from '#shared/utils/time'
import type { StreamOptions } from './lane'

/** The past from a moment on, in microseconds since 1970. */
export interface WantedReplay { at: number, speed: number }

export interface Wanted { options: StreamOptions, after: string | undefined, replay: WantedReplay | undefined }

/** What an address asks of the stream; a text says what is wrong with it. `maxDevices` bounds the interest. */
export function readStreamQuery(query: URLSearchParams, maxDevices: number): Wanted | string {
  const keys = Object.keys(StreamQuerySchema.shape).filter(key => query.has(key))
  const given = Object.fromEntries(keys.map(key => [key, key === 'device' ? query.getAll(key) : query.get(key)]))
  const result = StreamQuerySchema.safeParse(given)
  if (!result.success) return result.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ')
  const { after, mode, rate, batch, device, at, speed } = result.data
  if (device && device.length > maxDevices) return `device: at most ${maxDevices} can be named`
  if (at !== undefined && mode === 'latest') return 'mode: a replay has every message'
  return {
    replay: at === undefined ? undefined : { at: toMicroseconds(at), speed },
    after: after || undefined,
    options: {
      extended: keys.length > 0,
      mode,
      everyMs: mode === 'latest' ? 1_000 / rate : batch ?? 0,
      devices: device && new Set(device),
    },
  }
}

/** What a client says; a text says what is wrong with it. */
export function readStreamRequest(text: string, maxDevices: number): StreamRequest | string {
  try {
    const result = StreamRequestSchema.safeParse(JSON.parse(text))
    if (!result.success) return NOT_UNDERSTOOD
    const request = result.data
    return request.type === 'subscribe' && (request.devices?.length ?? 0) > maxDevices ? `At most ${maxDevices} devices can be subscribed to by name.` : request
  }
  catch {
    return NOT_UNDERSTOOD
  }
}

const NOT_UNDERSTOOD = 'Only {"type":"ping"} and {"type":"subscribe","devices":[…]} (or null for all) are understood here, and on a replay {"type":"play","speed":…}, {"type":"pause"}, {"type":"step"} and {"type":"seek","at":…}.'
const SECOND_MS = 1_000

/** At most so many per second, counted from the first of them. */
export function createRateLimit(perSecond: number, now: () => number = Date.now) {
  let since = 0
  let count = 0
  return (): boolean => {
    const time = now()
    if (time - since >= SECOND_MS) {
      since = time
      count = 0
    }
    return ++count <= perSecond
  }
}
