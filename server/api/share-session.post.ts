import { ShareSecretSchema } from '#shared/schemas/access'
import type { Session } from '#shared/schemas/access'

/** `POST /api/share-session` with the secret of a link -> `Session` of its one view, and a cookie; 404 when it has ended */
export default defineEventHandler(async (event): Promise<Session> => {
  const { accounts } = useLeitstand()
  const { secret } = await requireBody(event, ShareSecretSchema, MAX_ACCOUNT_BYTES)
  const opened = requireDone(event, accounts.openShare(secret, visitorFor(event).address))
  event.context.target = opened.principal.view?.path
  event.context.outcome = { status: 200, isNoted: opened.isNew }
  return accounts.describe(enterByLink(event, secret, opened))
})
