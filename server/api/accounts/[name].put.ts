import { AccountChangeSchema } from '#shared/schemas/access'
import type { Account } from '#shared/schemas/access'

/** `PUT /api/accounts/{name}` with a role or a password -> `Account[]`; a new password signs the account out everywhere */
export default defineEventHandler(async (event): Promise<Account[]> => {
  const { accounts } = useLeitstand()
  requireDone(event, await accounts.change(pathSegmentAfter(event, '/api/accounts/'), await requireBody(event, AccountChangeSchema, MAX_ACCOUNT_BYTES)))
  return accounts.list()
})
