import { computed } from 'vue'
import { useRouter, useState } from '#imports'
import { SessionSchema } from '#shared/schemas/access'
import type { Session } from '#shared/schemas/access'
import { isAllowed, leastOfPage, ruleOf } from '#shared/utils/access'
import type { RouteKey } from '#shared/utils/access'

/** Until the server has said otherwise; it decides in any case. */
const UNTOLD: Session = { by: 'machine', name: null, role: 'admin', isFirst: true, provider: null, isExternal: false }

/** Who uses the page, and what may be offered to them. */
export function useAccess() {
  const session = useState<Session>('session', () => UNTOLD)
  const { currentRoute } = useRouter()

  /** A new page from the server: nothing of somebody else stays in this one. */
  function goTo(path: string) {
    window.location.assign(path)
  }

  /** To the login, and back here after it. */
  function askToSignIn() {
    const { path, fullPath } = currentRoute.value
    if (leastOfPage(path) !== 'everyone') goTo(`/login?to=${encodeURIComponent(fullPath)}`)
  }

  return {
    session,
    isSignedIn: computed(() => session.value.by === 'session'),
    may(key: RouteKey): boolean {
      const { least, inPerson } = ruleOf(key)
      return isAllowed(session.value.role, least) && (!inPerson || session.value.by === 'session')
    },
    mayVisit: (path: string) => isAllowed(session.value.role, leastOfPage(path)),
    goTo,
    askToSignIn,
    /** Whether the session has ended meanwhile; a server that does not answer says nothing about that. */
    async check() {
      try {
        const now = SessionSchema.parse(await $fetch('/api/session', { retry: 0 }))
        if (now.role === null) askToSignIn()
      }
      catch {
        // The connection's own banner tells why.
      }
    },
  }
}
