/** Narrower than any place of a row: few letters, none of them a wide one, besides the first. */
const SHORT = /^\p{L}?[\p{Ll}\p{N} .,:%°²³µ/+−–-]{0,9}(?: ?[\p{L}°%]{1,2})?$/u

/** Whether a text fits wherever rows and tiles show one, so that nothing need be cut off: clipping a text costs a browser more than drawing it. */
export function isShortText(text: string): boolean {
  return SHORT.test(text)
}
