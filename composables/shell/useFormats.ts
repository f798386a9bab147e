import { computed } from 'vue'
import { useI18n } from '#imports'
import type { MetricProfile } from '#shared/schemas/profile'
import type { MetricValue } from '#shared/schemas/telemetry'
import { isRepeated, offsetName, systemZone } from '#shared/time/local-time'
import { unitOf } from '#shared/device/metrics'
import { durationParts, relativeParts } from '#shared/time/relative-time'

const LANGUAGE_TAGS: Record<string, string> = { de: 'de-DE', en: 'en-GB' }
const NO_VALUE = '–'
const NO_BREAK_SPACE = '\u00A0'
/** Above this, a power of ten is easier to read than separators and decimals. */
const LARGEST_PLAIN = 1e12
const SMALLEST_PLAIN = 1e-3
const DURATION_UNITS = ['second', 'minute', 'hour', 'day']
const BYTE_UNITS = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte']

/** Numbers, units, dates and relative times in the language of the page. */
export function useFormats() {
  const { locale, t } = useI18n()
  const language = computed(() => LANGUAGE_TAGS[locale.value] ?? 'en-GB')
  const formats = computed(() => formatsOf(language.value))

  function number(value: number, decimals?: number): string {
    if (decimals !== undefined) return withDecimals(decimals).format(value)
    const size = Math.abs(value)
    if (size >= LARGEST_PLAIN || (size > 0 && size < SMALLEST_PLAIN)) return formats.value.scientific.format(value)
    return formats.value.number.format(value)
  }

  function withDecimals(decimals: number): Intl.NumberFormat {
    const { language, byDecimals } = formats.value
    return byDecimals[decimals] ??= new Intl.NumberFormat(language, { minimumFractionDigits: decimals, maximumFractionDigits: decimals })
  }

  function text(value: MetricValue, decimals?: number): string {
    if (typeof value === 'number') return number(value, decimals)
    if (typeof value === 'boolean') return value ? t('value.yes') : t('value.no')
    return value
  }

  return {
    /** The language as `Intl` names it. */
    language,
    number: (value: number) => number(value),
    /**
     * A value as text: `22.4 °C`, `yes`, `open`; `own` is the profile of the metric. `isExact`: the text is a whole
     * number of which every digit counts.
     */
    value(name: string, value: MetricValue | null, own?: MetricProfile, isExact?: boolean): string {
      if (value === null) return NO_VALUE
      const unit = unitOf(name, value, own, isExact)
      return unit ? `${text(value, own?.decimals)}${NO_BREAK_SPACE}${unit}` : text(value, own?.decimals)
    },
    /** `14 Nov 2026, 03:12:45`; in an hour that occurs twice with its offset. */
    dateTime: (time: string | number) => formats.value.moment(new Date(time)),
    /** `1.2 GB` */
    bytes(value: number): string {
      const power = value < 1 ? 0 : Math.min(BYTE_UNITS.length - 1, Math.floor(Math.log10(value) / 3))
      return formats.value.bytes[power]?.format(value / 1_000 ** power) ?? number(value)
    },
    /** `14 days`, below ten with a decimal. */
    days: (value: number) => (value < 10 ? formats.value.fewDays : formats.value.days).format(value),
    /** `12.3%` */
    share: (value: number) => formats.value.share.format(value),
    /** `03:12:45` */
    time: (time: string | number) => formats.value.time.format(new Date(time)),
    /** `12 min`, `30 s` */
    duration(ms: number): string {
      const { value, unit } = durationParts(ms)
      return formats.value.durations[unit]?.format(value) ?? number(value)
    },
    /** `2 minutes ago`; a time slightly ahead of the clock is now. */
    ago(timeMs: number, nowMs: number): string {
      const { value, unit } = relativeParts(Math.min(0, timeMs - nowMs))
      return formats.value.relative.format(value, unit)
    },
  }
}

const made = new Map<string, Formats>()

/** Made once per language. */
function formatsOf(language: string) {
  const known = made.get(language)
  if (known) return known
  const formats = new Formats(language)
  made.set(language, formats)
  return formats
}

/** Each is created on first use: that takes longer than drawing a row. */
class Formats {
  readonly byDecimals: Record<number, Intl.NumberFormat> = {}
  #number?: Intl.NumberFormat
  #scientific?: Intl.NumberFormat
  #dateTime?: Intl.DateTimeFormat
  #time?: Intl.DateTimeFormat
  #bytes?: Intl.NumberFormat[]
  #days?: Intl.NumberFormat
  #fewDays?: Intl.NumberFormat
  #durations?: Record<string, Intl.NumberFormat>
  #share?: Intl.NumberFormat
  #relative?: Intl.RelativeTimeFormat
  #zone?: string

  constructor(readonly language: string) {}

  get number() { return this.#number ??= new Intl.NumberFormat(this.language, { maximumFractionDigits: 3 }) }
  get scientific() { return this.#scientific ??= new Intl.NumberFormat(this.language, { notation: 'scientific', maximumSignificantDigits: 4 }) }
  get dateTime() { return this.#dateTime ??= new Intl.DateTimeFormat(this.language, { dateStyle: 'medium', timeStyle: 'medium' }) }
  get time() { return this.#time ??= new Intl.DateTimeFormat(this.language, { timeStyle: 'medium' }) }
  get bytes() { return this.#bytes ??= BYTE_UNITS.map(unit => this.#unit(unit, { unitDisplay: 'short', maximumSignificantDigits: 3 })) }
  get days() { return this.#days ??= this.#unit('day', { unitDisplay: 'long', maximumFractionDigits: 0 }) }
  get fewDays() { return this.#fewDays ??= this.#unit('day', { unitDisplay: 'long', maximumFractionDigits: 1 }) }
  get durations() { return this.#durations ??= Object.fromEntries(DURATION_UNITS.map(unit => [unit, this.#unit(unit, { unitDisplay: 'short', maximumFractionDigits: 1 })])) }
  get share() { return this.#share ??= new Intl.NumberFormat(this.language, { style: 'percent', maximumSignificantDigits: 3 }) }
  get relative() { return this.#relative ??= new Intl.RelativeTimeFormat(this.language, { numeric: 'auto', style: 'long' }) }

  get zone() { return this.#zone ??= systemZone() }

  moment(time: Date): string {
    const text = this.dateTime.format(time)
    const ms = time.getTime()
    return isRepeated(ms, this.zone) ? `${text} ${offsetName(ms, this.zone, this.language)}` : text
  }

  #unit(unit: string, options: Intl.NumberFormatOptions) {
    return new Intl.NumberFormat(this.language, { style: 'unit', unit, ...options })
  }
}
