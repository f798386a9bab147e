import type { Account } from '#shared/schemas/access'

/** `DELETE /api/accounts/{name}` -> `Account[]`: the account, its sessions and its tokens are gone */
export default defineEventHandler(async (event): Promise<Account[]> => {
  const { accounts } = useLeitstand()
  requireDone(event, await accounts.remove(pathSegmentAfter(event, '/api/accounts/')))
  return accounts.list()
})
