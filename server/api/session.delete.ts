import type { Session } from '#shared/schemas/access'

/** `DELETE /api/session` -> `Session` of nobody; the session has ended, and its streams with it */
export default defineEventHandler(async (event): Promise<Session> => {
  const { accounts } = useLeitstand()
  const { guest } = visitorFor(event)
  leave(event)
  if (guest) await accounts.logout(guest)
  return accounts.describe(undefined)
})
