import type { Account } from '#shared/schemas/access'

/** `DELETE /api/accounts` -> `Account[]`: all of them are given up, those that cannot be read as well; with the key that `npm run admin` reads only */
export default defineEventHandler(async (event): Promise<Account[]> => {
  const { accounts } = useLeitstand()
  requireDone(event, await accounts.giveUp(requirePrincipal(event)))
  return accounts.list()
})
