import type { SignedOut } from '#shared/schemas/access'

/** `DELETE /api/session` -> `SignedOut`: the session has ended, and its streams with it */
export default defineEventHandler((event): Promise<SignedOut> => signOut(event, visitorFor(event).principal, useLeitstand().accounts.logout))
