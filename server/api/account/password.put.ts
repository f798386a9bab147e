import { PasswordChangeSchema } from '#shared/schemas/access'
import type { Session } from '#shared/schemas/access'

/** `PUT /api/account/password` with the current and a new one -> `Session`, a new one: every other has ended */
export default defineEventHandler(async (event): Promise<Session> => {
  const { accounts } = useLeitstand()
  const { current, password } = await requireBody(event, PasswordChangeSchema, MAX_ACCOUNT_BYTES)
  return accounts.describe(enter(
    event,
    requireDone(event, await accounts.changePassword(requirePrincipal(event), current, password, originOf(event))),
  ))
})
