import type { Session } from '#shared/schemas/access'

/** `DELETE /api/account/sessions` -> `Session` of nobody: this account is signed out everywhere */
export default defineEventHandler(async (event): Promise<Session> => {
  const { accounts } = useLeitstand()
  const { name } = requireGuest(event)
  leave(event)
  if (name !== null) await accounts.logoutAll(name)
  return accounts.describe(undefined)
})
