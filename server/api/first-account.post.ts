import { FirstAccountSchema } from '#shared/schemas/access'
import type { Session } from '#shared/schemas/access'

/** `POST /api/first-account` with name, password and the code from the log (not from this machine) -> `Session` of the new admin */
export default defineEventHandler(async (event): Promise<Session> => {
  const { accounts } = useLeitstand()
  const { name, password, code = '' } = await requireBody(event, FirstAccountSchema, MAX_ACCOUNT_BYTES)
  event.context.target = name
  const { isLocal } = visitorFor(event)
  return accounts.describe(enter(event, requireDone(event, await accounts.addFirst({ name, password }, isLocal ? null : code, originOf(event)))))
})
