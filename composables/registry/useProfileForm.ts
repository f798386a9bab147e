import { computed, reactive } from 'vue'
import { useI18n } from '#imports'
import { DeviceProfileSchema, MAX_DECIMALS, MAX_INTERVAL_SECONDS, MIN_INTERVAL_SECONDS } from '#shared/schemas/profile'
import type { DeviceProfile } from '#shared/schemas/profile'
import type { DeviceIcon } from '#shared/device/device-icons'

export interface MetricFields { metric: string, unit: string, decimals: string, hidden: boolean }

/** The texts of the form as typed, `''` for what is not set. */
export interface ProfileFields {
  name: string
  place: string
  group: string
  note: string
  icon: DeviceIcon | ''
  intervalSeconds: string
  metrics: MetricFields[]
}

/** The fields of a profile as a form edits them; `metrics` are those that can be set. */
export function useProfileForm(profile: DeviceProfile, metrics: readonly string[]) {
  const { t } = useI18n()
  const fields = reactive<ProfileFields>({
    name: profile.name ?? '',
    place: profile.place ?? '',
    group: profile.group ?? '',
    note: profile.note ?? '',
    icon: profile.icon ?? '',
    intervalSeconds: textOf(profile.intervalSeconds),
    metrics: metrics.map((metric) => {
      const profileOfMetric = profile.metrics && Object.hasOwn(profile.metrics, metric)
        ? profile.metrics[metric]
        : undefined
      return {
        metric,
        unit: profileOfMetric?.unit ?? '',
        decimals: textOf(profileOfMetric?.decimals),
        hidden: profileOfMetric?.hidden ?? false,
      }
    }),
  })
  const taken = computed(() => DeviceProfileSchema.safeParse(toProfile(fields)))

  /** What is wrong, by the name of the field. */
  function validate(): { name: string, message: string }[] {
    return taken.value.error?.issues.map((issue) => {
      const name = nameOf(issue.path)
      return { name, message: messageOf(issue, name) }
    }) ?? []
  }

  function nameOf(path: readonly PropertyKey[]): string {
    const [field, metric, part] = path
    if (field !== 'metrics') return String(field)
    return `metrics.${fields.metrics.findIndex(line => line.metric === metric)}.${String(part ?? 'unit')}`
  }

  function messageOf(issue: { code: string, maximum?: unknown }, name: string): string {
    if (name === 'intervalSeconds') return t('profile.fault.interval', { min: MIN_INTERVAL_SECONDS, max: MAX_INTERVAL_SECONDS })
    if (name.endsWith('.decimals')) return t('profile.fault.decimals', { max: MAX_DECIMALS })
    return issue.code === 'too_big' ? t('profile.fault.tooLong', { max: String(issue.maximum) }) : t('profile.fault.text')
  }

  return { fields, validate, /** The profile, or undefined while something is wrong. */ profile: computed(() => taken.value.data) }
}

function toProfile({ metrics, ...texts }: ProfileFields): object {
  return {
    ...Object.fromEntries(Object.entries(texts).map(([field, text]) => [field, field === 'intervalSeconds' ? numberOf(text) : text.trim() || undefined])),
    metrics: Object.fromEntries(metrics.map(({ metric, unit, decimals, hidden }) => [metric, {
      unit: unit.trim() || undefined, decimals: numberOf(decimals), hidden: hidden || undefined,
    }])),
  }
}

/** Both `0.5` and `0,5`; an empty text sets nothing. */
function numberOf(text: string): number | undefined {
  const typed = text.trim().replace(',', '.')
  return typed === '' ? undefined : Number(typed)
}

function textOf(number: number | undefined): string {
  return number === undefined ? '' : String(number)
}
