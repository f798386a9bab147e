import { computed } from 'vue'
import { useRouter, useRuntimeConfig, useState } from '#imports'
import { SessionSchema } from '#shared/schemas/access'
import type { Session } from '#shared/schemas/access'
import { leastOfPage, pageRefusalOf, refusalOf } from '#shared/api/access'
import type { RouteKey, Standing } from '#shared/api/access'

/** Until the server has answered; the server decides in any case. */
const UNTOLD: Session = { by: 'machine', name: null, role: 'admin', groups: null, view: null, isFirst: true, isClosed: false, provider: null, isExternal: false }

/** The user of the page, and what to offer to them. */
export function useAccess() {
  const session = useState<Session>('session', () => UNTOLD)
  const { currentRoute } = useRouter()
  const { baseURL } = useRuntimeConfig().app
  // The user is signing out: the end of the stream needs no message, and the next page is known.
  const isLeaving = useState('is-leaving', () => false)

  const standing = computed((): Standing => {
    const { role, by, groups, view } = session.value
    return { role, isInPerson: by === 'session', isLimited: groups !== null || view !== null, view: view?.path }
  })

  /**
   * The full path: below the application's base path. A foreign address, such as the identity provider's, stays as it
   * is.
   */
  function addressOfPage(path: string): string {
    return path.startsWith('/') ? baseURL + path.slice(1) : path
  }

  /** A new page from the server: nothing of another user stays in this one. */
  function goTo(path: string) {
    window.location.assign(addressOfPage(path))
  }

  /** The same in place of this page, so that nobody returns to it. */
  function goOnTo(path: string) {
    window.location.replace(addressOfPage(path))
  }

  /** To the login, and back here after it; a visitor with a share link learns that it has ended. */
  function askToSignIn() {
    const { path, fullPath } = currentRoute.value
    if (isLeaving.value) return
    if (session.value.view) return goTo('/share')
    if (leastOfPage(path) !== 'everyone') goTo(`/login?to=${encodeURIComponent(fullPath)}`)
  }

  return {
    session,
    isSignedIn: computed(() => session.value.by === 'session'),
    may: (key: RouteKey) => refusalOf(standing.value, key) === undefined,
    mayVisit: (path: string) => pageRefusalOf(standing.value, path) === undefined,
    /** Whether only some devices may be seen. */
    isLimited: computed(() => standing.value.isLimited),
    /** The start page: the overview, or the one view of a share link. */
    home: computed(() => session.value.view?.path ?? '/'),
    goTo,
    goOnTo,
    /** The rights have changed: loads this page again, with what may be seen now. */
    begin: () => window.location.reload(),
    askToSignIn,
    isLeaving,
    /** Whether the session has ended meanwhile; a server without an answer leaves that open. */
    async check() {
      try {
        const now = SessionSchema.parse(await $fetch('/api/session', { retry: 0 }))
        if (now.role === null) askToSignIn()
      }
      catch {
        // The connection's own banner shows why.
      }
    },
  }
}
