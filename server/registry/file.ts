import type { DeviceProfile, MetricProfile } from '#shared/schemas/profile'
import { MAX_CHANGE_LENGTH, MAX_LISTED_CHANGES, REGISTRY_FORMAT } from '#shared/schemas/registry'
import type { ImportReport, RegistryDevice, RegistryFile } from '#shared/schemas/registry'
import { fieldPath } from '#shared/text/field-path'
import { isRecord } from '#shared/device/ordinary'

/** Plain code-unit order: the same on every machine. */
export function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** A profile with its fields in one fixed order, without empty metrics. */
export function canonicalProfile({ name, place, group, note, icon, intervalSeconds, metrics = {} }: DeviceProfile): DeviceProfile {
  const profiles = Object.entries(metrics).map(([metric, profile]) => [metric, canonicalMetric(profile)] as const)
    .filter(([, profile]) => Object.keys(profile).length > 0)
    .sort(([a], [b]) => byCodeUnit(a, b))
  return {
    ...(name !== undefined && { name }),
    ...(place !== undefined && { place }),
    ...(group !== undefined && { group }),
    ...(note !== undefined && { note }),
    ...(icon !== undefined && { icon }),
    ...(intervalSeconds !== undefined && { intervalSeconds }),
    ...(profiles.length > 0 && { metrics: Object.fromEntries(profiles) }),
  }
}

function canonicalMetric({ unit, decimals, hidden }: MetricProfile): MetricProfile {
  return { ...(unit !== undefined && { unit }), ...(decimals !== undefined && { decimals }), ...(hidden && { hidden }) }
}

/** The text of the file, a device at a time: two spaces a level, a field a line, a line break at the end. */
export function* fileText({ site, groups, devices }: Omit<RegistryFile, 'format' | 'devices'> & { devices: Iterable<RegistryDevice> }): Generator<string> {
  yield `{\n  "format": ${JSON.stringify(REGISTRY_FORMAT)},\n  "site": ${indented(site, '  ')},\n`
  yield* listText('groups', groups)
  yield ',\n'
  yield* listText('devices', devices)
  yield '\n}\n'
}

function* listText(name: string, items: Iterable<object>): Generator<string> {
  let separator = `  "${name}": [`
  for (const item of items) {
    yield `${separator}\n    ${indented(item, '    ')}`
    separator = ','
  }
  yield separator === ',' ? '\n  ]' : `${separator}]`
}

function indented(value: object, by: string): string {
  return JSON.stringify(value, null, 2).replaceAll('\n', `\n${by}`)
}

type Change = ImportReport['changes'][number]

/** Collects the differences, field by field. */
export function createComparison() {
  const changes: Change[] = []
  let total = 0

  function compare(path: readonly string[], before: unknown, after: unknown) {
    if (isRecord(before) && isRecord(after)) {
      for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) compare([...path, key], before[key], after[key])
      return
    }
    const [was, becomes] = [textOf(before), textOf(after)]
    if (was === becomes) return
    total++
    if (changes.length < MAX_LISTED_CHANGES) changes.push({ path: fieldPath(path), before: shortened(was), after: shortened(becomes) })
  }

  return { compare, report: (dryRun: boolean): ImportReport => ({ dryRun, total, changes }) }
}

function textOf(value: unknown): string | null {
  return value === undefined ? null : JSON.stringify(value)
}

function shortened(text: string | null): string | null {
  return text && text.length > MAX_CHANGE_LENGTH ? `${text.slice(0, MAX_CHANGE_LENGTH - 1)}…` : text
}
