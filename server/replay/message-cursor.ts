import type { ScannedMessage } from '../history/queries/range-scan'
import type { HistoryReader } from '../history/queries/history-reader'

export interface MessageCursorOptions {
  past: () => HistoryReader
  /** Messages that are read ahead. */
  most: number
  isOpen: () => boolean
}

/**
 * The stored messages from a time on, one after the other, read ahead up to a limit. Times in microseconds since
 * 1970.
 */
export function createMessageCursor({ past, most, isOpen }: MessageCursorOptions) {
  let devices: ReadonlySet<string> | undefined
  let messages: ScannedMessage[] = []
  let head = 0
  /** Everything before it is read. */
  let readTo = 0
  /** Counts jumps: what was read for an earlier position is dropped. */
  let turn = 0

  /** Reads on, not beyond `until`; false: there is nothing more before it. */
  async function readOn(until: number): Promise<boolean> {
    while (readTo < until) {
      const ours = turn
      const range = await past().scan({
        from: readTo,
        until,
        devices,
        most,
        isWanted: () => ours === turn && isOpen(),
      })
      if (ours !== turn || !isOpen() || range.to <= readTo) return false
      messages = range.messages
      head = 0
      readTo = range.to
      if (messages.length > 0) return true
    }
    return false
  }

  return {
    /** Drops what is being read. */
    interrupt: () => void turn++,
    /** Goes to a time: the next message was measured after it. */
    wind(at: number, followed: ReadonlySet<string> | undefined) {
      turn++
      devices = followed
      messages = []
      head = 0
      readTo = at + 1
    },
    /** When the next message was measured; undefined: none was before `until`. */
    async next(until: number): Promise<number | undefined> {
      if (head >= messages.length && !await readOn(until)) return undefined
      return messages[head]?.message.time
    },
    /**
     * The messages up to a time that are read already, about `limit` at most: those of one microsecond stay together.
     */
    take(to: number, limit: number): ScannedMessage[] {
      let end = head
      for (let last = Number.NaN; end < messages.length; end++) {
        const time = messages[end]?.message.time ?? 0
        if (time > to || (end - head >= limit && time !== last)) break
        last = time
      }
      const taken = messages.slice(head, end)
      head = end
      return taken
    },
    /** The time up to which everything that was read has been taken. */
    takenTo: () => (messages[head]?.message.time ?? readTo) - 1,
  }
}
