// What happens when: events in the order of their time, those of one moment in the order in which they were planned.

interface Planned { at: number, order: number, go: () => void }

export interface Clock {
  /** Seconds since the start of the simulation. */
  now: () => number
  /** Does something so many seconds from now. */
  after: (seconds: number, go: () => void) => void
  /** Lets everything happen that is due before `end`. */
  runUntil: (end: number) => void
}

/** A binary heap: planning and taking the next are logarithmic in what is planned. */
export function createClock(): Clock {
  const heap: Planned[] = []
  let now = 0
  let planned = 0

  function before(a: number, b: number): boolean {
    const [one, other] = [heap[a], heap[b]]
    if (!one || !other) return one !== undefined
    return one.at < other.at || (one.at === other.at && one.order < other.order)
  }

  function swap(a: number, b: number) {
    const [one, other] = [heap[a], heap[b]]
    if (one && other) [heap[a], heap[b]] = [other, one]
  }

  function add(event: Planned) {
    let at = heap.push(event) - 1
    for (let parent = (at - 1) >> 1; at > 0 && before(at, parent); parent = (at - 1) >> 1) {
      swap(at, parent)
      at = parent
    }
  }

  function take(): Planned | undefined {
    swap(0, heap.length - 1)
    const first = heap.pop()
    for (let at = 0; ;) {
      const [left, right] = [2 * at + 1, 2 * at + 2]
      const least = before(right, left) ? right : left
      if (least >= heap.length || !before(least, at)) return first
      swap(at, least)
      at = least
    }
  }

  return {
    now: () => now,
    after(seconds, go) {
      if (!(seconds >= 0)) throw new RangeError(`Nothing can be planned for ${seconds} seconds from now.`)
      add({ at: now + seconds, order: planned++, go })
    },
    runUntil(end) {
      for (let next = heap[0]; next && next.at < end; next = heap[0]) {
        take()
        now = next.at
        next.go()
      }
      now = end
    },
  }
}
