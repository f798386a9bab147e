export interface TierCount { bytes: number, from: number | null, lastDayBytes: number }

/** What the database holds, counted row by row. Times in microseconds since 1970. */
export interface StorageStats {
  messages: number
  tiers: Record<'raw' | 'minute' | 'hour', TierCount>
  /** Bytes per series: its rollups, and its share in the messages of its device. */
  series: { device: number, metric: string, bytes: number }[]
}

export interface SeriesRow { id: number, device: number, metric: string }

/** Messages are packed by device: each series gets a share of the bytes, by the size of its rollups. */
export function sharesOf(rows: readonly SeriesRow[], byDevice: ReadonlyMap<number, number>, bySeries: ReadonlyMap<number, number>): StorageStats['series'] {
  const rollupsOf = new Map<number, number>()
  for (const { id, device } of rows) rollupsOf.set(device, (rollupsOf.get(device) ?? 0) + (bySeries.get(id) ?? 0))
  return rows.map(({ id, device, metric }) => {
    const own = bySeries.get(id) ?? 0
    const part = own / (rollupsOf.get(device) || 1)
    return { device, metric, bytes: Math.round(own + part * (byDevice.get(device) ?? 0)) }
  })
}
