import { StreamQuerySchema, StreamRequestSchema } from '#shared/schemas/events'
import type { StreamRequest } from '#shared/schemas/events'
import { toMicroseconds } from '#shared/time/time'
import type { StreamOptions } from './channel'

/** How many devices and groups one request may name. */
export interface SubscriptionLimits {
  streamDevices: number
  streamGroups: number
}

/** A replay from this time on, in microseconds since 1970. */
export interface WantedReplay { at: number, speed: number }

/** `options`: everything but the device scope, which never comes from an address. */
export interface RequestedStream {
  options: Omit<StreamOptions, 'deviceScope'>
  after: string | undefined
  replay: WantedReplay | undefined
}

/** Reads the query of a stream; a text is the reason why it is invalid. */
export function readStreamQuery(query: URLSearchParams, limits: SubscriptionLimits): RequestedStream | string {
  const keys = Object.keys(StreamQuerySchema.shape).filter(key => query.has(key))
  const given = Object.fromEntries(keys.map(key => [key, REPEATED.has(key) ? query.getAll(key) : query.get(key)]))
  const result = StreamQuerySchema.safeParse(given)
  if (!result.success) return result.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ')
  const { after, mode, rate, batch, device, group, at, speed } = result.data
  if (device && device.length > limits.streamDevices) return `device: at most ${limits.streamDevices} can be named`
  if (group && group.length > limits.streamGroups) return `group: at most ${limits.streamGroups} can be named`
  if (at !== undefined && mode === 'latest') return 'mode: a replay has every message'
  return {
    replay: at === undefined ? undefined : { at: toMicroseconds(at), speed },
    after: after || undefined,
    options: {
      extended: keys.length > 0,
      mode,
      everyMs: mode === 'latest' ? 1_000 / rate : batch ?? 0,
      devices: device && new Set(device),
      groups: group && new Set(group),
    },
  }
}

/** Reads a request of a client; a text is the reason why it is invalid. */
export function readStreamRequest(text: string, limits: SubscriptionLimits): StreamRequest | string {
  try {
    const result = StreamRequestSchema.safeParse(JSON.parse(text))
    if (!result.success) return NOT_UNDERSTOOD
    const request = result.data
    if (request.type !== 'subscribe') return request
    if ((request.devices?.length ?? 0) > limits.streamDevices) return `At most ${limits.streamDevices} devices can be subscribed to by name.`
    if ((request.groups?.length ?? 0) > limits.streamGroups) return `At most ${limits.streamGroups} groups can be subscribed to.`
    return request
  }
  catch {
    return NOT_UNDERSTOOD
  }
}

const REPEATED: ReadonlySet<string> = new Set(['device', 'group'])
const NOT_UNDERSTOOD = 'Only {"type":"ping"} and {"type":"subscribe","devices":[…],"groups":[…]} (one of the two, or devices null for all) are understood here, and on a replay {"type":"play","speed":…}, {"type":"pause"}, {"type":"step"} and {"type":"seek","at":…}.'
const SECOND_MS = 1_000

/** At most this many per second, counted from the first of them; a call may count for several. */
export function createRateLimit(perSecond: number, now: () => number = Date.now) {
  let since = 0
  let count = 0
  return (amount = 1): boolean => {
    const time = now()
    if (time - since >= SECOND_MS) {
      since = time
      count = 0
    }
    count += amount
    return count <= perSecond
  }
}
