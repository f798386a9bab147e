import { useI18n } from '#imports'
import type { TopicEntry, TopicPayload, TopicVerdict } from '#shared/schemas/topics'
import { useFormats } from '../shell/useFormats'

const OK = { icon: 'i-lucide-check', colour: 'text-success' }
const REJECTED = { icon: 'i-lucide-circle-x', colour: 'text-error' }
const PER_MINUTE = 60
/** Slower rates are shown per minute or hour. */
const SLOW = 0.1

/** The texts of a topic or a branch. */
export function useTopicLabels() {
  const { t } = useI18n()
  const { number } = useFormats()
  const rounded = (value: number) => number(value >= 10 ? Math.round(value) : Math.round(value * 10) / 10)

  return {
    /** `12.5/s`, `3/min` */
    rate(perSecond: number): string {
      if (perSecond === 0 || perSecond >= SLOW) return t('topics.perSecond', { rate: rounded(perSecond) })
      if (perSecond * PER_MINUTE >= SLOW) return t('topics.perMinute', { rate: rounded(perSecond * PER_MINUTE) })
      return t('topics.perHour', { rate: rounded(perSecond * PER_MINUTE * PER_MINUTE) })
    },
    /** In one or two words, with their icon. */
    verdict(entry: TopicEntry): { icon: string, colour: string, word: string } {
      const rejected = entry.kind === 'branch' ? entry.rejected : Number(entry.verdict.kind === 'rejected')
      if (rejected === 0) return { ...OK, word: t('topics.accepted') }
      const word = entry.kind === 'branch' && rejected < entry.topics ? t('topics.someRejected', { count: number(rejected) }, rejected) : t('topics.rejected')
      return { ...REJECTED, word }
    },
    /** As a sentence. */
    made(verdict: TopicVerdict): string {
      if (verdict.kind === 'rejected') return t('topics.madeRejected', { reason: t(`rejection.reason.${verdict.reason}`) })
      const device = verdict.deviceId
      if (verdict.kind === 'state') return t('topics.madeState', { device, status: verdict.status ?? t('topics.deleted') })
      const others = verdict.count - verdict.metrics.length
      const metrics = verdict.metrics.join(', ') + (others > 0 ? ', …' : '')
      return t('topics.madeTelemetry', { device, metrics })
    },
    /** Text as it is; other bytes in base64, marked as such. */
    payload({ encoding, data, bytes }: TopicPayload): string {
      if (encoding === 'base64') return t('topics.base64', { data })
      return data.length < bytes && new TextEncoder().encode(data).length < bytes ? `${data} …` : data
    },
  }
}
