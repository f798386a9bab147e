import { DAY } from '../engine/rollups'
import type { Query } from './connections'

/**
 * How the tables that grow with time are partitioned: by which column, how wide (microseconds), and how far back
 * partitions are created. Older rows, as only a device with a wrong clock or old data sends them, are together in
 * `…_other`.
 */
export const FORMS = [
  { table: 'segment', by: 'last', width: DAY, back: 400 },
  { table: 'minute', by: 'period', width: 32 * DAY, back: 40 },
  { table: 'hour', by: 'period', width: 384 * DAY, back: 40 },
] as const
type Form = typeof FORMS[number]
export type Table = Form['table']

/** The messages of a segment are retained by when they arrived, however old their own times are. */
export const ARRIVAL = 'greatest(last, received)'

const FORM_OF = { segment: FORMS[0], minute: FORMS[1], hour: FORMS[2] } as const satisfies Record<Table, Form>

/** The existing partitions of each table; `isPartitioned` is false if the table was never partitioned. */
export async function openPartitions(query: Query, now: () => number) {
  const isPartitioned = (await query('SELECT 1 FROM pg_partitioned_table WHERE partrelid = \'segment\'::regclass')).length > 0
  const parts: Record<Table, Set<number>> = { segment: new Set(), minute: new Set(), hour: new Set() }
  /** Partitions that cannot be created any more: their rows are in `…_other`. */
  const others: Record<Table, Set<number>> = { segment: new Set(), minute: new Set(), hour: new Set() }

  async function look(query: Query) {
    for (const { table } of FORMS) {
      parts[table].clear()
      for (const { name } of await query('SELECT relname AS name FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid WHERE inhparent = $1::regclass', [table])) {
        const part = Number(String(name).slice(table.length + 1))
        if (Number.isInteger(part)) parts[table].add(part)
      }
    }
  }
  await look(query)

  async function make({ table, by, width }: Form, part: number, query: Query) {
    const [from, to] = [part * width, (part + 1) * width]
    if ((await query(`SELECT 1 FROM ${table}_other WHERE ${by} >= $1 AND ${by} < $2 LIMIT 1`, [from, to])).length > 0) {
      others[table].add(part)
      return
    }
    await query(`CREATE TABLE IF NOT EXISTS ${table}_${part} PARTITION OF ${table} FOR VALUES FROM (${from}) TO (${to})`)
    parts[table].add(part)
  }

  /**
   * Whether a partition that is too old by its times holds messages that arrived late; those that arrived too long
   * ago are dropped.
   */
  async function holdsLateMessages(part: number, time: number, query: Query): Promise<boolean> {
    if ((await query(`SELECT 1 FROM segment_${part} WHERE ${ARRIVAL} >= $1 LIMIT 1`, [time])).length === 0) return false
    await query(`DELETE FROM segment_${part} WHERE ${ARRIVAL} < $1`, [time])
    return true
  }

  return {
    isPartitioned,
    /** Reads which partitions exist: another replica may have created and dropped some. */
    look,
    /** Creates the partitions for some times (microseconds since 1970), as far as they are created at all. */
    async ensure(table: Table, times: Iterable<number>, query: Query) {
      if (!isPartitioned) return
      const { width, back } = FORM_OF[table]
      const today = Math.floor(now() * 1_000 / width)
      const wanted = new Set([...times].map(time => Math.floor(time / width)).filter(part => part >= today - back && part <= today + 1))
      for (const part of wanted) {
        if (!parts[table].has(part) && !others[table].has(part)) await make(FORM_OF[table], part, query)
      }
    },
    /**
     * Drops the partitions that lie wholly before a time; without partitions, the rows are deleted. Messages that
     * arrived after it stay, however old they are, unless `evenLate` is set.
     */
    async dropBefore(table: Table, time: number, query: Query, evenLate = false) {
      const { by, width } = FORM_OF[table]
      for (const part of parts[table]) {
        if ((part + 1) * width > time) continue
        if (table === 'segment' && !evenLate && await holdsLateMessages(part, time, query)) continue
        await query(`SET LOCAL lock_timeout = '2s'; DROP TABLE IF EXISTS ${table}_${part}`)
        parts[table].delete(part)
      }
      const age = table === 'segment' ? ARRIVAL : by
      await query(`DELETE FROM ${isPartitioned ? `${table}_other` : table} WHERE ${age} < $1`, [time])
    },
    /** The end of the oldest partition but the newest; undefined: none can be dropped. */
    oldestEnd(table: Table): number | undefined {
      const sorted = [...parts[table]].sort((a, b) => a - b)
      return sorted.length < 2 ? undefined : ((sorted[0] ?? 0) + 1) * FORM_OF[table].width
    },
  }
}
export type Partitions = Awaited<ReturnType<typeof openPartitions>>
