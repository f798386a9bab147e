export const NOT_JSON = Symbol('not JSON')
/** With the spaces that JSON may stand between. */
const WRAPPING = new Set(['\uFEFF', '\u0000', ' ', '\t', '\r', '\n'])

/** What a payload holds, or {@link NOT_JSON}. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  }
  catch {
    const bare = withoutWrapping(text)
    return bare === text ? NOT_JSON : parseJson(bare)
  }
}

/** Some libraries put a byte order mark before a text, and C its final NUL behind it: neither is part of it. */
export function withoutWrapping(text: string): string {
  let [from, to] = [0, text.length]
  while (from < to && WRAPPING.has(text.charAt(from))) from++
  while (to > from && WRAPPING.has(text.charAt(to - 1))) to--
  return text.slice(from, to)
}
