import type { TopicEntry, Topics } from '#shared/schemas/topics'

/** One line of the tree as it is shown. */
export interface TopicRow {
  /** Identifies the row while it exists: branches end with `/`. */
  key: string
  entry: TopicEntry
  /** The part after the parent branch: `gate-001/telemetry`. */
  label: string
  /** Depth from 1, and the position among its siblings. */
  depth: number
  place: number
  of: number
  /** The row above it in the tree. */
  parent: string | undefined
}

/** If a branch has more entries than requested: after the last of its rows. */
export interface TopicRows { rows: TopicRow[], more: number }

/** The rows of the open branches, in order; the server left out `more`. */
export function topicRows(levels: Topics['levels'], open: readonly string[]): TopicRows {
  const byPath = new Map(levels.map(level => [level.under, level]))
  const found: TopicRows = { rows: [], more: 0 }

  function add(under: string, depth: number, parent: string | undefined) {
    const level = byPath.get(under)
    if (!level) return
    found.more += level.more
    level.entries.forEach((entry, index) => {
      const key = keyOf(entry)
      found.rows.push({ key, entry, label: key.slice(under.length) || key, depth, place: index + 1, of: level.entries.length + level.more, parent })
      if (entry.kind === 'branch' && open.includes(key)) add(key, depth + 1, key)
    })
  }
  add('', 1, undefined)
  return found
}

/** The open branches after one more is opened: the oldest closes when there are more than `most`. */
export function withOpened(open: readonly string[], path: string, most: number): string[] {
  const next = [...open, path]
  while (next.length > most) {
    const oldest = next.findIndex(other => !path.startsWith(other))
    // Only its ancestors are left: then the topmost closes, which never happens in practice.
    const [closed = ''] = next.splice(Math.max(0, oldest), 1)
    for (let i = next.length - 1; i >= 0; i--) if (next[i]?.startsWith(closed)) next.splice(i, 1)
  }
  return next
}

function keyOf(entry: TopicEntry): string {
  return entry.kind === 'branch' ? entry.path : entry.topic
}
