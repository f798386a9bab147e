import { refDebounced } from '@vueuse/core'
import { computed, ref, watch } from 'vue'
import { useRoute, useRouter } from '#imports'
import { FLEET_GROUPINGS } from '#shared/fleet/fleet-groups'
import { FLEET_FILTERS, FLEET_ORDERS, FLEET_SORTS } from '#shared/fleet/fleet-view'
import type { FleetOrder, FleetSort } from '#shared/fleet/fleet-view'

const TYPING_MS = 200
/** The first depends on the width of the screen. */
const FLEET_FORMS = ['fitting', 'table', 'tiles'] as const

/**
 * View, search, sort, filter and grouping of the overview, stored in the address: a reload or a shared link shows the
 * same list.
 */
export function useQueryState() {
  const router = useRouter()
  const search = useQueryText('q')
  const typed = ref(search.value)
  const settled = refDebounced(typed, TYPING_MS)
  watch(settled, (text) => { search.value = text })
  // Back and forward.
  watch(search, (text) => { if (text !== settled.value) typed.value = text })

  return {
    /** The text of the search field. */
    typed,
    search,
    sort: useQueryChoice('sort', FLEET_SORTS),
    order: useQueryChoice('order', FLEET_ORDERS),
    filter: useQueryChoice('filter', FLEET_FILTERS),
    form: useQueryChoice('form', FLEET_FORMS),
    by: useQueryChoice('by', FLEET_GROUPINGS),
    group: useQueryText('group'),
    place: useQueryText('place'),
    /** Both at once: of two changes of the address in one turn the first would be lost. */
    sortBy(sort: FleetSort, order: FleetOrder) {
      const query = { sort: sort === FLEET_SORTS[0] ? undefined : sort, order: order === FLEET_ORDERS[0] ? undefined : order }
      void router.replace({ query: { ...router.currentRoute.value.query, ...query } })
    },
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

/** A text stored in the address. */
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
