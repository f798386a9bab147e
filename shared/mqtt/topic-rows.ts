import type { TopicEntry, Topics } from '#shared/schemas/topics'

/** One line of the tree as it is shown. */
export interface TopicRow {
  /** Names the row for as long as it is there: branches end with `/`. */
  key: string
  entry: TopicEntry
  /** What is new against the branch above: `gate-001/telemetry`. */
  label: string
  /** Depth from 1, and the place among its neighbours. */
  depth: number
  place: number
  of: number
  /** The row above it in the tree. */
  parent: string | undefined
}

/** Where a branch holds more than was asked for: behind the last of its rows. */
export interface TopicRows { rows: TopicRow[], more: number }

/** The rows of the branches that are open, as they stand below each other; `more` were left out by the server. */
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

/** The branches that are open after one more is: a branch that has been open for long closes when there are more than `most`. */
export function withOpened(open: readonly string[], path: string, most: number): string[] {
  const next = [...open, path]
  while (next.length > most) {
    const oldest = next.findIndex(other => !path.startsWith(other))
    // Only those above it are left: then the highest closes, which nobody will reach.
    const [closed = ''] = next.splice(Math.max(0, oldest), 1)
    for (let i = next.length - 1; i >= 0; i--) if (next[i]?.startsWith(closed)) next.splice(i, 1)
  }
  return next
}

function keyOf(entry: TopicEntry): string {
  return entry.kind === 'branch' ? entry.path : entry.topic
}
