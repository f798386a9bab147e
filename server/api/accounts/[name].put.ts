import { AccountChangeSchema } from '#shared/schemas/access'
import type { Account } from '#shared/schemas/access'

/** `PUT /api/accounts/{name}` with a role, a password or groups -> `Account[]`; a new password signs the account out everywhere */
export default defineEventHandler(async (event): Promise<Account[]> => {
  const { accounts } = useLeitstand()
  const name = pathSegmentAfter(event, '/api/accounts/')
  const change = await requireBody(event, AccountChangeSchema, MAX_ACCOUNT_BYTES)
  event.context.target = withGroups(name, change.groups)
  requireDone(event, await accounts.change(name, change))
  return accounts.list()
})
