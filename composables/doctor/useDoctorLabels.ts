import { useI18n } from '#imports'
import { ADVISED } from '#shared/api/doctor-advice'
import type { DoctorCheck } from '#shared/schemas/doctor'
import { useClock } from '../shell/useClock'
import { useFormats } from '../shell/useFormats'

/** The text of a check: the finding, and what to do. */
export function useDoctorLabels() {
  const { t, locale } = useI18n()
  const { number, ago, duration } = useFormats()
  const { serverNowMs } = useClock()

  function list(names: readonly string[] = []): string {
    return new Intl.ListFormat(locale.value).format(names)
  }

  function parametersOf({ facts }: DoctorCheck) {
    return {
      url: facts.url ?? '',
      filters: list(facts.filters),
      declined: list(facts.declined),
      codes: list(facts.reasonCodes?.map(String)),
      messages: number(facts.messages ?? 0),
      accepted: number(facts.accepted ?? 0),
      rejected: number(facts.rejected ?? 0),
      count: number(facts.count ?? 0),
      root: facts.root ?? '',
      who: facts.installations?.length ? ` (${list(facts.installations)})` : '',
      of: number(facts.of ?? 0),
      ago: facts.lastAt ? ago(Date.parse(facts.lastAt), serverNowMs.value) : '',
      duration: duration((facts.seconds ?? 0) * 1_000),
    }
  }

  return {
    sentence: (check: DoctorCheck) => t(`doctor.finding.${check.code}`, parametersOf(check), check.facts.count ?? check.facts.messages ?? check.facts.accepted ?? 0),
    /** `null` when nothing is to be done. */
    advice: (check: DoctorCheck) => ADVISED.includes(check.code) ? t(`doctor.advice.${check.code}`, parametersOf(check)) : null,
    /** `1 yr ahead` */
    clock: (aheadSeconds: number) => aheadSeconds > 0
      ? t('doctor.ahead', { time: duration(aheadSeconds * 1_000) })
      : t('doctor.behind', { time: duration(-aheadSeconds * 1_000) }),
  }
}
