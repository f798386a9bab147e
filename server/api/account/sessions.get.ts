import type { SignedIn } from '#shared/schemas/access'

/** `GET /api/account/sessions` -> where this account is signed in, the newest use first */
export default defineEventHandler((event): SignedIn[] => useLeitstand().accounts.sessions(requirePrincipal(event)))
