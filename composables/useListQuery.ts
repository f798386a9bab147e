import { refDebounced } from '@vueuse/core'
import { computed, ref, watch } from 'vue'
import { useRoute, useRouter } from '#imports'
import { FLEET_FILTERS, FLEET_SORTS } from '#shared/utils/fleet-view'

const TYPING_MS = 200

/** Search, sort and filter of the overview, kept in the address: a reload or a shared link shows the same list. */
export function useListQuery() {
  const router = useRouter()
  const search = useQueryText('q')
  const typed = ref(search.value)
  const settled = refDebounced(typed, TYPING_MS)
  watch(settled, (text) => { search.value = text })
  // Back and forward.
  watch(search, (text) => { if (text !== settled.value) typed.value = text })

  return {
    /** What the search field holds. */
    typed,
    search,
    sort: useQueryChoice('sort', FLEET_SORTS),
    filter: useQueryChoice('filter', FLEET_FILTERS),
    group: useQueryText('group'),
    place: useQueryText('place'),
    showAll() {
      typed.value = ''
      void router.replace({ query: { ...router.currentRoute.value.query, q: undefined, filter: undefined, group: undefined, place: undefined } })
    },
  }
}

/** One of `choices`; the first is the default and stays out of the address. */
export function useQueryChoice<const T extends string>(name: string, choices: readonly [T, ...T[]]) {
  const text = useQueryText(name)
  return computed<T>({
    get: () => choices.find(choice => choice === text.value) ?? choices[0],
    set: (choice) => { text.value = choice === choices[0] ? '' : choice },
  })
}

/** A text kept in the address. */
export function useQueryText(name: string) {
  const route = useRoute()
  const router = useRouter()
  return computed<string>({
    get() {
      const value = route.query[name]
      return (Array.isArray(value) ? value[0] : value) ?? ''
    },
    set(text) {
      void router.replace({ query: { ...router.currentRoute.value.query, [name]: text || undefined } })
    },
  })
}
