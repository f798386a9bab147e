import { computed } from 'vue'
import { useI18n, useRuntimeConfig } from '#imports'
import { doorWord, isDoorMetric } from '#shared/utils/device-signs'
import type { Signs } from '#shared/utils/device-signs'
import type { MetricValue } from '#shared/schemas/telemetry'
import type { FleetEntry } from '#shared/utils/fleet-entry'
import { metricKind } from '#shared/utils/metrics'
import { useFormats } from './useFormats'

type MarkColour = 'error' | 'warning' | 'neutral'
export interface Mark {
  key: string
  icon: string
  label: string
  hint: string
  colour: MarkColour
}

/** A value counts as just changed for this long. */
const JUST_CHANGED_MS = 2_000

/** The words and marks of a device in the language of the page. */
export function useDeviceLook() {
  const { t } = useI18n()
  const formats = useFormats()
  const staleAfterSeconds = useRuntimeConfig().public.staleAfterSeconds

  const marks = computed(() => ({
    gone: { key: 'gone', icon: 'i-lucide-power-off', label: t('mark.gone'), hint: t('mark.goneHint'), colour: 'error' },
    unheard: { key: 'unheard', icon: 'i-lucide-timer-off', label: t('mark.unheard'), hint: t('mark.unheardHint'), colour: 'warning' },
    stale: { key: 'stale', icon: 'i-lucide-timer-off', label: t('mark.stale'), hint: t('mark.staleHint', { seconds: staleAfterSeconds }), colour: 'warning' },
    wrongClock: { key: 'clock', icon: 'i-lucide-clock-alert', label: t('mark.wrongClock'), hint: t('mark.wrongClockHint'), colour: 'warning' },
    replayed: { key: 'replayed', icon: 'i-lucide-archive', label: t('mark.replayed'), hint: t('mark.replayedHint'), colour: 'neutral' },
  } satisfies Record<string, Mark>))

  function doorText(value: string): string {
    const word = doorWord(value)
    if (!word) return value
    return word === 'open' ? t('door.open') : t('door.closed')
  }

  return {
    /** `open` and `closed` in the page's language, any other word as the device says it. */
    doorText,

    /** A metric's value as one would say it, with its unit. */
    metricText(name: string, value: MetricValue): string {
      return typeof value === 'string' && isDoorMetric(name) ? doorText(value) : formats.value(name, value)
    },

    /** `tempC` -> Temperature; a name of the device's own stays. */
    metricLabel(name: string): string {
      const { quantity } = metricKind(name)
      return quantity ? t(`metric.quantity.${quantity}`) : name
    },

    /** What is not as it should be, most serious first. */
    marksOf(signs: Signs, { heardAtMs }: FleetEntry): Mark[] {
      const { gone, unheard, stale, wrongClock, replayed } = marks.value
      return [
        ...signs.gone ? [gone] : [],
        ...signs.stale ? [heardAtMs === null ? unheard : stale] : [],
        ...signs.wrongClock ? [wrongClock] : [],
        ...signs.replayed ? [replayed] : [],
      ]
    },
  }
}

/** Whether a change is recent enough to be marked. A row scrolled into sight does not replay old changes. */
export function isJustChanged(changedAtMs: number | undefined): boolean {
  return changedAtMs !== undefined && Date.now() - changedAtMs < JUST_CHANGED_MS
}
