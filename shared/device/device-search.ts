import { searchWords } from '#shared/text/search-words'

/** The searchable texts of a device. */
export interface Jump {
  readonly deviceId: string
  readonly name: string
  readonly group: string
  readonly place: string
}

/**
 * The first `most` devices whose name, deviceId, group or place contain every word. First those whose name or
 * deviceId begins with the query, then those in which name or deviceId contain it, then those whose group or place
 * does, then those with the words in several places; each in the given order.
 */
export function findJumps(jumps: Iterable<Jump>, query: string, most: number): Jump[] {
  const words = searchWords(query)
  const typed = words.join(' ')
  const ranks: [begins: Jump[], contains: Jump[], belongs: Jump[], scattered: Jump[]] = [[], [], [], []]
  for (const jump of jumps) {
    const [name, deviceId] = [jump.name.toLowerCase(), jump.deviceId.toLowerCase()]
    const own = `${name}\n${deviceId}`
    const all = `${own}\n${jump.group}\n${jump.place}`.toLowerCase()
    if (!words.every(word => all.includes(word))) continue
    const rank = name.startsWith(typed) || deviceId.startsWith(typed) ? 0 : own.includes(typed) ? 1 : all.includes(typed) ? 2 : 3
    if (ranks[rank].length < most) ranks[rank].push(jump)
    if (ranks[0].length >= most) break
  }
  return ranks.flat().slice(0, most)
}
