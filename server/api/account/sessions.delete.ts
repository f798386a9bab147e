import type { SignedOut } from '#shared/schemas/access'

/** `DELETE /api/account/sessions` -> `SignedOut`: this account is signed out everywhere */
export default defineEventHandler((event): Promise<SignedOut> =>
  signOut(event, requirePrincipal(event), async ({ name }) => {
    if (name !== null) await useLeitstand().accounts.logoutAll(name)
  }))
