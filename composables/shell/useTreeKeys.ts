import { computed, nextTick, ref } from 'vue'
import type { Ref } from 'vue'
import type { TopicRow } from '#shared/mqtt/topic-rows'

export interface TreeKeysOptions {
  rows: () => readonly TopicRow[]
  isOpen: (row: TopicRow) => boolean
  toggle: (row: TopicRow) => void
}

/**
 * A tree is one stop of the Tab key: arrow keys move within it, right and left open and close (WAI-ARIA, tree view).
 */
export function useTreeKeys(area: Readonly<Ref<HTMLElement | null>>, { rows, isOpen, toggle }: TreeKeysOptions) {
  const chosen = ref<string>()
  /** The row that Tab leads to. */
  const current = computed(() => {
    const all = rows()
    return all.some(({ key }) => key === chosen.value) ? chosen.value : all[0]?.key
  })

  async function focus(row: TopicRow | undefined) {
    if (!row) return
    chosen.value = row.key
    await nextTick()
    area.value?.querySelector<HTMLElement>('[role=treeitem][tabindex="0"]')?.focus()
  }

  function act(key: string, row: TopicRow, index: number): boolean {
    const all = rows()
    const opens = isOpen(row)
    switch (key) {
      case 'ArrowDown': void focus(all[index + 1]); return true
      case 'ArrowUp': void focus(all[index - 1]); return true
      case 'Home': void focus(all[0]); return true
      case 'End': void focus(all.at(-1)); return true
      case 'ArrowRight':
        if (!opens) toggle(row)
        else if (all[index + 1]?.parent === row.key) void focus(all[index + 1])
        return true
      case 'ArrowLeft':
        if (opens) toggle(row)
        else void focus(all.find(other => other.key === row.parent))
        return true
      case 'Enter':
      case ' ': toggle(row); return true
      default: return false
    }
  }

  return {
    current,
    choose(row: TopicRow) { chosen.value = row.key },
    onKeydown(event: KeyboardEvent) {
      // Links within a row handle their own keys.
      if (!(event.target instanceof HTMLElement) || event.target.role !== 'treeitem' || event.ctrlKey || event.metaKey || event.altKey) return
      const all = rows()
      const index = all.findIndex(({ key }) => key === current.value)
      const row = all[index]
      if (row && act(event.key, row, index)) event.preventDefault()
    },
  }
}
