const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** The ranges one can choose; the first is the default. */
export const HISTORY_RANGES = ['1h', '5m', '6h', '24h', '7d', '30d', '1y'] as const
export type HistoryRange = typeof HISTORY_RANGES[number]

const LENGTHS: Record<HistoryRange, number> = {
  '5m': 5 * MINUTE, '1h': HOUR, '6h': 6 * HOUR, '24h': DAY, '7d': 7 * DAY, '30d': 30 * DAY, '1y': 365 * DAY,
}
const SHORTEST_MS = 2 * SECOND
const LONGEST_MS = 20 * LENGTHS['1y']
/** A live window moves in steps about as wide as a pixel. */
const STEPS_PER_WINDOW = 600

/** Milliseconds since 1970. */
export interface TimeWindow { readonly from: number, readonly to: number }

/** The ranges from short to long, as buttons show them. */
export const RANGES_BY_LENGTH = HISTORY_RANGES.toSorted((a, b) => LENGTHS[a] - LENGTHS[b])

/** ISO 8601 or milliseconds since 1970, as the history's own query takes them. */
export function parseMoment(text: string): number | null {
  const time = /^\d{1,16}$/.test(text) ? Number(text) : Date.parse(text)
  return Number.isFinite(time) && time >= 0 && time < 8.64e15 ? time : null
}

/** The fixed window of an address; `null` without a valid one. */
export function parseWindow(from: string, to: string): TimeWindow | null {
  const [start, end] = [parseMoment(from), parseMoment(to)]
  if (start === null || end === null || end - start < SHORTEST_MS || end - start > LONGEST_MS) return null
  return { from: start, to: end }
}

/** The window of a range that ends now; it moves in whole steps, so that it is not drawn again every second. */
export function liveWindow(range: HistoryRange, nowMs: number): TimeWindow {
  const length = LENGTHS[range]
  const step = Math.max(SECOND, length / STEPS_PER_WINDOW)
  const to = Math.ceil(nowMs / step) * step
  return { from: to - length, to }
}

/** Half a window earlier (-1) or later (1). `null` when the later one would reach the live edge. */
export function stepped({ from, to }: TimeWindow, direction: -1 | 1, nowMs: number): TimeWindow | null {
  const by = Math.round((to - from) / 2) * direction
  if (direction > 0 && to + by >= nowMs) return null
  return { from: Math.max(0, from + by), to: Math.max(to - from, to + by) }
}

/** A window `factor` times as long around `centre`, within what can be shown. */
export function zoomed({ from, to }: TimeWindow, factor: number, centre = (from + to) / 2): TimeWindow {
  const length = Math.min(LONGEST_MS, Math.max(SHORTEST_MS, (to - from) * factor))
  const share = (centre - from) / (to - from)
  const start = Math.max(0, Math.round(centre - length * share))
  return { from: start, to: Math.round(start + length) }
}

/** Whether new telemetry is drawn as it comes; longer ranges are loaded again. */
export function isFollowed({ from, to }: TimeWindow): boolean {
  return to - from <= HOUR
}

/** How often a live window is loaded again. */
export function refreshEvery({ from, to }: TimeWindow): number {
  return Math.min(10 * MINUTE, Math.max(MINUTE, (to - from) / STEPS_PER_WINDOW))
}
