import { NewAccountSchema } from '#shared/schemas/access'
import type { Account } from '#shared/schemas/access'

/** `POST /api/accounts` with name, role and password -> `Account[]`; the first one takes `POST /api/first-account`, except on this machine */
export default defineEventHandler(async (event): Promise<Account[]> => {
  const { accounts } = useLeitstand()
  const account = await requireBody(event, NewAccountSchema, MAX_ACCOUNT_BYTES)
  event.context.target = withGroups(account.name, account.groups)
  if (requirePrincipal(event).by === 'open') throw refusalError(event, {
    code: 'code-wrong',
    message: 'The first account takes the code from the application’s log: make it on the page /welcome.',
  })
  requireDone(event, await accounts.add(account))
  return accounts.list()
})
