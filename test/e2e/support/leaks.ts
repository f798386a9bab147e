// Owns what must stand in no log line and in no answer: the insides of the server.

/** A frame of a stack, a file of the build, an absolute path of this machine. */
const INSIDES: readonly RegExp[] = [
  /"stack"/,
  /\n\s+at \S.*:\d+:\d+/,
  /node_modules/,
  /\.output\b/,
  /\.mjs\b/,
  /(?<![\w.:/-])\/(?:app|data|etc|home|opt|root|srv|tmp|usr|var|work)\/[\w.-]+/,
]

/** The first of each kind of insides in a text, with what stands around it. */
export function insidesIn(text: string): string[] {
  return INSIDES.flatMap((pattern) => {
    const found = pattern.exec(text)
    return found ? [text.slice(Math.max(0, found.index - 60), found.index + 120)] : []
  })
}
