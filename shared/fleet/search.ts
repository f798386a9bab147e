import type { DeviceState } from '#shared/schemas/device'

/** Whether deviceId, metric names, values, status or `more` contain every word (as {@link searchWords} makes them). */
export function matchesWords(device: DeviceState, words: readonly string[], more = ''): boolean {
  if (words.length === 0) return true
  const values = Object.entries(device.values).map(([name, { value }]) => `${name} ${value ?? ''}`)
  const text = [device.deviceId, more, device.state?.status ?? '', ...values].join('\n').toLowerCase()
  return words.every(word => text.includes(word))
}
