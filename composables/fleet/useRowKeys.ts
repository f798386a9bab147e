import { nextTick } from 'vue'
import type { Ref } from 'vue'

const PAGE_ROWS = 10

interface Stop { row: number, column: number }

export interface RowKeysOptions {
  rows: () => number
  /** How many stops a row has. */
  stopsIn: (row: number) => number
  /** Scrolls to the row if it is not visible. */
  scrollTo: (row: number) => void
}

/**
 * Arrow keys, Page Up/Down, Home and End move the focus from stop to stop, also to rows that are not drawn yet. A
 * stop is the link or button in an element with `data-row` and `data-column`.
 */
export function useRowKeys(area: Readonly<Ref<HTMLElement | null>>, { rows, stopsIn, scrollTo }: RowKeysOptions) {
  async function focusStop({ row, column }: Stop) {
    scrollTo(row)
    await nextTick()
    requestAnimationFrame(() => area.value?.querySelector<HTMLElement>(`[data-row="${row}"][data-column="${column}"] :is(a, button)`)?.focus())
  }

  /** The nearest stop of a row; the row may be past an end, and have fewer stops. */
  function nearest(row: number, column: number): Stop {
    const there = Math.min(Math.max(row, 0), rows() - 1)
    return { row: there, column: Math.min(column, stopsIn(there) - 1) }
  }

  function beside({ row, column }: Stop, step: 1 | -1): Stop {
    const next = column + step
    if (next < 0) return row === 0 ? { row, column } : nearest(row - 1, Infinity)
    if (next >= stopsIn(row)) return row === rows() - 1 ? { row, column } : { row: row + 1, column: 0 }
    return { row, column: next }
  }

  function target(key: string, at: Stop): Stop | undefined {
    switch (key) {
      case 'ArrowDown': return nearest(at.row + 1, at.column)
      case 'ArrowUp': return nearest(at.row - 1, at.column)
      case 'ArrowRight': return beside(at, 1)
      case 'ArrowLeft': return beside(at, -1)
      case 'PageDown': return nearest(at.row + PAGE_ROWS, at.column)
      case 'PageUp': return nearest(at.row - PAGE_ROWS, at.column)
      case 'Home': return nearest(0, 0)
      case 'End': return nearest(rows() - 1, Infinity)
      default: return undefined
    }
  }

  return {
    onKeydown(event: KeyboardEvent) {
      const stop = event.target instanceof Element ? event.target.closest('[data-row]') : null
      if (!stop || event.ctrlKey || event.metaKey || event.altKey) return
      const next = target(event.key, { row: Number(stop.getAttribute('data-row')), column: Number(stop.getAttribute('data-column')) })
      if (!next) return
      event.preventDefault()
      void focusStop(next)
    },
  }
}
