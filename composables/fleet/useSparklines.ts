import { createSharedComposable, useDocumentVisibility, useIntervalFn } from '@vueuse/core'
import { computed, onMounted, onScopeDispose, shallowRef, toValue, watch } from 'vue'
import type { MaybeRefOrGetter } from 'vue'
import { MAX_SPARKLINES, SparklinesSchema } from '#shared/schemas/sparkline'
import type { Sparklines } from '#shared/schemas/sparkline'
import { useEventStream } from '../stream/useEventStream'
import { useReplayRoute } from '../replay/useReplayRoute'
import { presentMs } from '../shell/useServerTime'

type Sparkline = Sparklines[string]

/** Rows that are scrolled past cause no single requests. */
const LOOK_MS = 500
const FRESH_MS = 60_000
/** Lines stored of rows that were visible; beyond this the oldest are dropped. */
const MOST_LINES = 1_000

function createSparklines() {
  const { status, isPast, onEvent } = useEventStream()
  const { momentMs, transitions } = useReplayRoute()
  const visibility = useDocumentVisibility()
  const visible = new Map<string, number>()
  const askedAtMs = new Map<string, number>()
  const lines = shallowRef<ReadonlyMap<string, Sparkline>>(new Map())
  let isAsking = false

  async function look() {
    if (isAsking || status.value !== 'live' || visibility.value !== 'visible') return
    const nowMs = presentMs()
    const due = [...visible.keys()].filter(deviceId => nowMs - (askedAtMs.get(deviceId) ?? 0) >= FRESH_MS).slice(
      0,
      MAX_SPARKLINES,
    )
    if (due.length === 0) return
    isAsking = true
    for (const deviceId of due) remember(askedAtMs, deviceId, nowMs)
    try {
      const answer = SparklinesSchema.parse(await $fetch('/api/sparklines', { query: { device: due, at: momentMs.value === null ? undefined : new Date(momentMs.value).toISOString() }, retry: 0 }))
      const next = new Map(lines.value)
      for (const [deviceId, line] of Object.entries(answer)) remember(next, deviceId, line)
      lines.value = next
    }
    catch {
      // The rows are complete without it, and the next minute brings another attempt.
    }
    finally {
      isAsking = false
    }
  }
  useIntervalFn(look, LOOK_MS)
  // Another time has another hour before it.
  tryOnScopeDispose(onEvent(({ type }) => {
    if (type === 'snapshot' && isPast.value) askedAtMs.clear()
  }))
  watch(transitions, () => {
    lines.value = new Map()
    askedAtMs.clear()
  })

  return {
    lines,
    show: (deviceId: string) => void visible.set(deviceId, (visible.get(deviceId) ?? 0) + 1),
    hide(deviceId: string) {
      const rows = (visible.get(deviceId) ?? 0) - 1
      if (rows > 0) visible.set(deviceId, rows)
      else visible.delete(deviceId)
    },
  }
}

const useSharedSparklines = createSharedComposable(createSparklines)

/** The last hour of one device while its row is drawn; `undefined` until it is known, or without numbers. */
export function useSparkline(deviceId: MaybeRefOrGetter<string>) {
  const { lines, show, hide } = useSharedSparklines()
  let shown: string | undefined
  function showOnly(next: string | undefined) {
    if (shown !== undefined) hide(shown)
    shown = next
    if (next !== undefined) show(next)
  }
  onMounted(() => showOnly(toValue(deviceId)))
  watch(() => toValue(deviceId), showOnly)
  onScopeDispose(() => showOnly(undefined))
  return { line: computed(() => lines.value.get(toValue(deviceId))) }
}

/** Sets an entry as the newest and drops the oldest. */
function remember<T>(map: Map<string, T>, key: string, value: T) {
  map.delete(key)
  map.set(key, value)
  const oldest = map.keys().next().value
  if (map.size > MOST_LINES && oldest !== undefined) map.delete(oldest)
}
