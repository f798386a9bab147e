import { computed } from 'vue'
import { useI18n } from '#imports'
import type { DeviceState, LatestValue, Presence } from '#shared/schemas/device'
import { doorWord, isDoorMetric, presenceOf } from '#shared/device/device-status'
import type { Signs } from '#shared/device/device-status'
import type { MetricProfile } from '#shared/schemas/profile'
import { metricKind } from '#shared/device/metrics'
import { useFormats } from '../shell/useFormats'
import { presentMs } from '../shell/useServerTime'

type MarkColour = 'error' | 'warning' | 'neutral' | 'success'
export interface Mark {
  key: string
  icon: string
  label: string
  hint: string
  colour: MarkColour
}

export const PRESENCE_LOOKS: Record<Presence, Pick<Mark, 'icon' | 'colour'>> = {
  live: { icon: 'i-lucide-activity', colour: 'success' },
  late: { icon: 'i-lucide-timer', colour: 'neutral' },
  silent: { icon: 'i-lucide-timer-off', colour: 'warning' },
  offline: { icon: 'i-lucide-power-off', colour: 'error' },
  unknown: { icon: 'i-lucide-ear-off', colour: 'neutral' },
}

export const TEXT_COLOURS: Record<MarkColour, string> = { success: 'text-success', neutral: 'text-muted', warning: 'text-warning', error: 'text-error' }

/** A value counts as just changed for this long. */
const JUST_CHANGED_MS = 2_000

/** The words and icons of a device in the language of the page. */
export function useDeviceAppearance() {
  const { t } = useI18n()
  const formats = useFormats()

  const marks = computed(() => ({
    wrongClock: { key: 'clock', icon: 'i-lucide-clock-alert', label: t('mark.wrongClock'), hint: t('mark.wrongClockHint'), colour: 'warning' },
    replayed: { key: 'replayed', icon: 'i-lucide-archive', label: t('mark.replayed'), hint: t('mark.replayedHint'), colour: 'neutral' },
  } satisfies Record<string, Mark>))

  /** Never colour alone: each has its own icon and word. */
  function presenceMark(presence: Presence): Mark {
    return { key: presence, label: t(`presence.word.${presence}`), hint: t(`presence.hint.${presence}`), ...PRESENCE_LOOKS[presence] }
  }

  function doorText(value: string): string {
    const word = doorWord(value)
    if (!word) return value
    return word === 'open' ? t('door.open') : t('door.closed')
  }

  return {
    /** `open` and `closed` in the page's language, any other word as the device sent it. */
    doorText,

    /** A metric's value as text, with its unit; `own` is the profile of the metric. */
    metricText(name: string, { value, exact }: Pick<LatestValue, 'value' | 'exact'>, own?: MetricProfile): string {
      return typeof value === 'string' && isDoorMetric(name) ? doorText(value) : formats.value(name, value, own, exact)
    },

    /** The text behind the dash of a metric that has no value now. */
    noValueHint: (ts: string) => t('value.noneAt', { when: formats.dateTime(ts) }),

    /** `tempC` -> Temperature; other names stay as they are. */
    metricLabel(name: string): string {
      const { quantity } = metricKind(name)
      return quantity ? t(`metric.quantity.${quantity}`) : name
    },

    presenceMark,

    /** `silent for 12 min, reports every 30 s, silent after 83 s` */
    presenceText(device: DeviceState, nowMs: number): string {
      const presence = presenceOf(device)
      const fromMs = Date.parse((presence === 'offline' ? device.presenceSince : device.lastSeen) ?? device.lastTelemetry.receivedAt)
      const text = t(`presence.sentence.${presence}`, { time: formats.duration(Math.max(0, nowMs - fromMs)) })
      const { intervalSeconds, silentAfterSeconds } = device
      if (silentAfterSeconds === undefined) return text
      const limit = formats.duration(silentAfterSeconds * 1_000)
      if (intervalSeconds !== undefined) return t('presence.rhythm', { text, interval: formats.duration(intervalSeconds * 1_000), limit })
      // A device that has not been heard, or has signed off, is not called silent.
      return presence === 'unknown' || presence === 'offline' ? text : t('presence.limit', { text, limit })
    },

    /** The problems of the device, most serious first. */
    marksOf(signs: Signs): Mark[] {
      const { wrongClock, replayed } = marks.value
      return [
        ...signs.presence === 'live' ? [] : [presenceMark(signs.presence)],
        ...signs.wrongClock ? [wrongClock] : [],
        ...signs.replayed ? [replayed] : [],
      ]
    },
  }
}

/** Whether a change is recent enough to be marked. A row that is scrolled into view does not replay old changes. */
export function isJustChanged(changedAtMs: number | undefined): boolean {
  return changedAtMs !== undefined && presentMs() - changedAtMs < JUST_CHANGED_MS
}
