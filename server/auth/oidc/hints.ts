/** Sessions whose ID token is stored; the oldest are dropped. */
const MAX_HINTS = 1_000
/** Longer tokens make addresses that servers refuse. */
const MAX_HINT_LENGTH = 4_096

/**
 * ID tokens by session, only in memory: names and groups of people do not belong on disk. Without a token the
 * provider asks once more.
 */
export function createHints() {
  const held = new Map<string, string>()
  return {
    add(session: string, idToken: string) {
      if (idToken.length > MAX_HINT_LENGTH) return
      held.set(session, idToken)
      for (const oldest of held.keys()) {
        if (held.size <= MAX_HINTS) break
        held.delete(oldest)
      }
    },
    get: (session: string) => held.get(session),
    remove(session: string) {
      held.delete(session)
    },
    size: () => held.size,
  }
}
