import { useI18n } from '#imports'
import type { HistoryAnswer, HistoryGap, HistoryInterval, HistoryPoint } from '#shared/schemas/history'
import type { MetricValue } from '#shared/schemas/telemetry'
import { intervalAt, pointAt } from '#shared/history/history-series'
import { useDeviceAppearance } from '../device/useDeviceAppearance'
import { useFormats } from '../shell/useFormats'
import { useProfiles } from '../registry/useProfiles'

/** The values of a device's charts at a time, as text. */
export function useHistoryLabels(deviceId: string) {
  const { t } = useI18n()
  const { dateTime, value } = useFormats()
  const { metricLabel, metricText } = useDeviceAppearance()
  const { metricOf } = useProfiles()

  const say = (metric: string, number: number) => value(metric, number, metricOf(deviceId, metric))
  const sayAny = (metric: string, held: MetricValue) => metricText(metric, { value: held }, metricOf(deviceId, metric))

  function numberText(metric: string, { min, mean, max }: HistoryPoint): string {
    if (min === max) return say(metric, mean)
    return t('history.spread', { min: say(metric, min), mean: say(metric, mean), max: say(metric, max) })
  }

  return {
    numberReadout: (metric: string, point: HistoryPoint) => t('history.at', { when: dateTime(point.time), what: numberText(metric, point) }),

    stateReadout(metric: string, { from, since = from, value: held }: HistoryInterval, at: number | null): string {
      const what = t('history.since', { what: sayAny(metric, held), since: dateTime(since) })
      return at === null ? what : t('history.at', { when: dateTime(at), what })
    },

    /** Since when there is no value: `undefined` while the last one still holds. */
    noneSince(gaps: readonly HistoryGap[] | undefined): string | undefined {
      const last = gaps?.at(-1)
      return last?.to === null ? t('history.noneSince', { since: dateTime(last.from) }) : undefined
    },

    /** For screen readers: one metric at a time. */
    readoutAt(metric: string, answer: HistoryAnswer | undefined, at: number): string {
      const point = answer?.kind === 'number' ? pointAt(answer.points, at, answer.gaps) : undefined
      const interval = answer?.kind === 'state' ? intervalAt(answer.points, at) : undefined
      const what = point ? numberText(metric, point) : interval ? sayAny(metric, interval.value) : t('history.nothing')
      return t('history.named', { name: metricLabel(metric), what })
    },
  }
}
