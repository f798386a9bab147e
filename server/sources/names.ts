// eslint-disable-next-line no-control-regex
const CONTROL_CHARACTERS = /[\u0000-\u001F\u007F-\u009F]/

/** What is wrong with a deviceId or metric name, as a sentence. Names that every JavaScript object carries are refused. */
export function faultInName(name: string, what: string, maxLength: number): string | undefined {
  if (name.length === 0) return `${what} is empty.`
  if (name.length > maxLength) return `${what} is longer than ${maxLength} characters.`
  if (CONTROL_CHARACTERS.test(name)) return `${what} holds control characters.`
  if (name in {}) return `${what} is ${quote(name)}, which is reserved.`
  if (name === '.' || name === '..') return `${what} is ${quote(name)}, which no address can hold.`
  return undefined
}

export function quote(name: string): string {
  return `“${name.slice(0, 64)}”`
}
