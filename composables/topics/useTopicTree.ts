import { refDebounced } from '@vueuse/core'
import { computed, ref, watch } from 'vue'
import { MAX_TOPIC_BRANCHES, TopicsSchema } from '#shared/schemas/topics'
import { topicRows, withOpened } from '#shared/mqtt/topic-rows'
import type { TopicRow } from '#shared/mqtt/topic-rows'
import { useQueryText } from '../shell/useQueryState'
import { usePolled } from '../shell/usePolled'

const EVERY_MS = 2_000
const TYPING_MS = 200
/** Rows of one branch: with all branches open the page has about 2,000. */
const ROWS_PER_BRANCH = 100
/** The first level is always loaded. */
const MAX_OPEN = MAX_TOPIC_BRANCHES - 1
/** A first level with at most this many branches is opened at once. */
const OPENED_AT_FIRST = 3

/**
 * The tree of topics, refreshed every two seconds while the page is visible: the open branches, or the search
 * results.
 */
export function useTopicTree() {
  const search = useQueryText('q')
  const typed = ref(search.value)
  const settled = refDebounced(typed, TYPING_MS)
  watch(settled, (text) => { search.value = text })

  const open = ref<string[]>([])
  /** Topics whose details are shown. */
  const detailed = ref(new Set<string>())
  const { answer, status, refresh } = usePolled({
    path: '/api/topics',
    query: () => search.value ? { q: search.value, limit: String(ROWS_PER_BRANCH) } : { under: ['', ...open.value], limit: String(ROWS_PER_BRANCH) },
    schema: TopicsSchema,
    everyMs: EVERY_MS,
  })

  const shown = computed(() => answer.value ? topicRows(answer.value.levels, open.value) : { rows: [], more: 0 })
  const stop = watch(() => answer.value?.levels[0]?.entries, (entries = []) => {
    const branches = entries.flatMap(entry => entry.kind === 'branch' ? [entry.path] : [])
    if (entries.length === 0 || search.value) return
    if (branches.length <= OPENED_AT_FIRST) open.value = branches
    stop()
  })

  function isOpen({ key, entry }: TopicRow): boolean {
    return entry.kind === 'branch' ? open.value.includes(key) : detailed.value.has(key)
  }

  return {
    answer,
    status,
    retry: refresh,
    typed,
    search,
    rows: computed(() => shown.value.rows),
    more: computed(() => shown.value.more),
    isOpen,
    toggle(row: TopicRow) {
      if (row.entry.kind === 'topic') {
        if (!detailed.value.delete(row.key)) detailed.value.add(row.key)
      }
      else if (isOpen(row)) open.value = open.value.filter(path => !path.startsWith(row.key))
      else open.value = withOpened(open.value, row.key, MAX_OPEN)
    },
  }
}
