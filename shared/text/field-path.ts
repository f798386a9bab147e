const PLAIN = /^[\w-]+$/

/** `['devices', 3, 'metrics', 'a b']` -> `devices[3].metrics["a b"]` */
export function fieldPath(path: readonly PropertyKey[]): string {
  return path.map(String).reduce((text, key, i) => {
    if (typeof path[i] === 'number') return `${text}[${key}]`
    if (!PLAIN.test(key)) return `${text}[${JSON.stringify(key)}]`
    return text === '' ? key : `${text}.${key}`
  }, '')
}
