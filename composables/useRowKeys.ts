import { nextTick } from 'vue'
import type { Ref } from 'vue'

const PAGE_ROWS = 10

export interface RowKeysOptions {
  count: () => number
  /** Draws the row if it is out of sight. */
  scrollTo: (index: number) => void
}

/** Arrow keys, Page Up/Down, Home and End move the focus from row to row, also to rows that are not drawn yet. */
export function useRowKeys(area: Readonly<Ref<HTMLElement | null>>, { count, scrollTo }: RowKeysOptions) {
  async function focusRow(index: number) {
    scrollTo(index)
    await nextTick()
    requestAnimationFrame(() => area.value?.querySelector<HTMLElement>(`[data-index="${index}"] a`)?.focus())
  }

  return {
    onKeydown(event: KeyboardEvent) {
      const row = event.target instanceof Element ? event.target.closest('[data-index]') : null
      if (!row || event.ctrlKey || event.metaKey || event.altKey) return
      const target = targetIndex(event.key, Number(row.getAttribute('data-index')), count() - 1)
      if (target === undefined) return
      event.preventDefault()
      void focusRow(target)
    },
  }
}

function targetIndex(key: string, current: number, last: number): number | undefined {
  switch (key) {
    case 'ArrowDown': return Math.min(last, current + 1)
    case 'ArrowUp': return Math.max(0, current - 1)
    case 'PageDown': return Math.min(last, current + PAGE_ROWS)
    case 'PageUp': return Math.max(0, current - PAGE_ROWS)
    case 'Home': return 0
    case 'End': return last
    default: return undefined
  }
}
