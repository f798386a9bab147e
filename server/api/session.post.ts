import { CredentialsSchema } from '#shared/schemas/access'
import type { Session } from '#shared/schemas/access'

/** `POST /api/session` with name and password -> `Session` and a cookie; 401 when it is wrong, 429 after too many attempts */
export default defineEventHandler(async (event): Promise<Session> => {
  const { accounts } = useLeitstand()
  const { name, password } = await requireBody(event, CredentialsSchema, MAX_ACCOUNT_BYTES)
  // A password typed into the wrong field must not come into the log: only names that exist do.
  event.context.target = accounts.nameOf(name)
  return accounts.describe(enter(event, requireDone(event, await accounts.login(name, password, originOf(event)))))
})
