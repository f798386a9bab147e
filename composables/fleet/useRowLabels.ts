import { computed } from 'vue'
import { useI18n } from '#imports'
import type { Presence } from '#shared/schemas/device'
import { iconName } from '#shared/device/device-icons'
import { saysGone } from '#shared/device/device-state'
import type { Signs } from '#shared/device/device-status'
import type { FleetEntry } from '#shared/fleet/fleet-entry'
import { iconClass } from '#shared/text/icon-class'
import { isJustChanged, PRESENCE_LOOKS, TEXT_COLOURS, useDeviceAppearance } from '../device/useDeviceAppearance'
import { useClock } from '../shell/useClock'
import { useFormats } from '../shell/useFormats'
import { useProfiles } from '../registry/useProfiles'

/** A longer text may be cut off; its full text is in the tooltip. */
const LONG_TEXT = 12
/** Number of metric names whose labels are cached. */
const MOST_LABELS = 2_000

const DOOR_LOOKS = {
  open: { icon: iconClass('i-lucide-door-open'), look: 'bg-warning-400 text-warning-950 font-semibold' },
  closed: { icon: iconClass('i-lucide-door-closed'), look: 'text-toned' },
  other: { icon: iconClass('i-lucide-circle-dot'), look: 'text-toned' },
}
const STATUS_ICON = iconClass('i-lucide-tag')
const GONE_ICON = iconClass('i-lucide-power-off')
const CLOCK_ICON = iconClass('i-lucide-clock-alert')
const REPLAYED_ICON = iconClass('i-lucide-archive')

/** Icons that rows show as plain elements. */
export const ROW_ICONS = [
  'i-lucide-door-open', 'i-lucide-door-closed', 'i-lucide-circle-dot', 'i-lucide-tag', 'i-lucide-power-off', 'i-lucide-clock-alert', 'i-lucide-archive',
  'i-lucide-arrow-up', 'i-lucide-arrow-down', 'i-lucide-chevron-right', 'i-lucide-chevron-down',
  ...Object.values(PRESENCE_LOOKS).map(({ icon }) => icon),
]

/** A label with its icon, as a row shows it. */
export interface RowMark { key: string, icon: string, text: string, hint: string, look: string }

export interface RowValue { name: string, label: string, text: string, hint: string | undefined, changedAtMs: number | undefined, isNews: boolean }

/**
 * The texts of rows and tiles as plain data: a list creates this once for all its rows, for it would be too expensive
 * if each row created texts and formats itself. Reactive: call it while rendering.
 */
export function useRowLabels() {
  const { t, locale } = useI18n()
  const { presenceMark, doorText, metricLabel, metricText, noValueHint } = useDeviceAppearance()
  const { ago, dateTime } = useFormats()
  const { nowMs, serverNowMs } = useClock()
  const { profileOf, metricOf } = useProfiles()

  const words = computed(() => {
    const presence = (key: Presence): RowMark => {
      const { label, hint, icon, colour } = presenceMark(key)
      return { key, text: label, hint, icon: iconClass(icon), look: TEXT_COLOURS[colour] }
    }
    return {
      language: locale.value,
      presence: { live: presence('live'), late: presence('late'), silent: presence('silent'), offline: presence('offline'), unknown: presence('unknown') },
      clock: { key: 'clock', icon: CLOCK_ICON, text: t('mark.wrongClock'), hint: t('mark.wrongClockHint'), look: 'text-warning' },
      replayed: { key: 'replayed', icon: REPLAYED_ICON, text: t('mark.replayed'), hint: t('mark.replayedHint'), look: 'text-muted' },
      labels: new Map<string, string>(),
    }
  })

  function labelOf(name: string): string {
    const { labels } = words.value
    const known = labels.get(name)
    if (known !== undefined) return known
    if (labels.size >= MOST_LABELS) labels.clear()
    const label = metricLabel(name)
    labels.set(name, label)
    return label
  }

  function timeWords(timeMs: number, time: string, clockMs: number) {
    return { time, text: ago(timeMs, clockMs), hint: dateTime(timeMs) }
  }

  return {
    /** The name (the deviceId without a profile), and the icon's class if it has one. */
    name(deviceId: string) {
      const profile = profileOf(deviceId)
      return { name: profile?.name ?? deviceId, isNamed: profile?.name !== undefined, icon: profile?.icon && iconClass(iconName(profile.icon)) }
    },
    presence: (signs: Signs): RowMark => words.value.presence[signs.presence],
    /** What a reader must know before trusting the values. */
    marks: ({ wrongClock, replayed }: Signs): RowMark[] => [...wrongClock ? [words.value.clock] : [], ...replayed ? [words.value.replayed] : []],
    door({ door, changes, statusChangedAtMs }: FleetEntry) {
      if (!door) return null
      const changedAtMs = door.metric ? changes.get(door.metric) : statusChangedAtMs
      return { ...DOOR_LOOKS[door.word ?? 'other'], text: doorText(door.value), hint: door.metric ?? undefined, changedAtMs, isNews: door.word !== 'open' && isJustChanged(changedAtMs) }
    },
    status({ device: { state }, statusChangedAtMs }: FleetEntry) {
      if (!state) return null
      const isGone = saysGone(state.status)
      return {
        icon: isGone ? GONE_ICON : STATUS_ICON,
        look: isGone ? 'text-error font-medium' : 'text-toned',
        text: doorText(state.status),
        hint: `${state.status} · ${dateTime(state.updatedAt)}`,
        changedAtMs: statusChangedAtMs,
        isNews: isJustChanged(statusChangedAtMs),
      }
    },
    /** The first `most` values, and the number of the others. The door has a place of its own. */
    values({ device: { deviceId, values }, door, changes }: FleetEntry, most: number): { items: RowValue[], rest: number } {
      const items: RowValue[] = []
      let rest = 0
      for (const name in values) {
        const latest = values[name]
        const own = metricOf(deviceId, name)
        if (!latest || name === door?.metric || own?.hidden) continue
        if (items.length >= most) {
          rest++
          continue
        }
        const text = metricText(name, latest, own)
        const changedAtMs = changes.get(name)
        const hint = latest.value === null ? noValueHint(latest.ts) : text.length > LONG_TEXT ? text : undefined
        items.push({ name, label: labelOf(name), text, hint, changedAtMs, isNews: isJustChanged(changedAtMs) })
      }
      return { items, rest }
    },
    heard({ heardAtMs, device }: FleetEntry) {
      return heardAtMs === null || device.lastSeen === null ? null : timeWords(heardAtMs, device.lastSeen, serverNowMs.value)
    },
    /** When a value or the status last changed; `null` if not since the page was opened. */
    changed({ changedAtMs }: FleetEntry) {
      return changedAtMs === 0 ? null : timeWords(changedAtMs, new Date(changedAtMs).toISOString(), nowMs.value)
    },
    more: (count: number) => t('fleet.moreValues', { count }, count),
    noValues: () => t('fleet.noValues'),
    notHeard: () => words.value.presence.unknown,
  }
}

export type RowLabels = ReturnType<typeof useRowLabels>
