import { AuditQuerySchema } from '#shared/schemas/access'
import type { Audit } from '#shared/schemas/access'

/** `GET /api/audit?limit=&before=` -> who did what, when, from where; newest first */
export default defineEventHandler((event): Audit => {
  const { limit, before } = requireQuery(event, AuditQuerySchema)
  return useLeitstand().accounts.audit(limit, before)
})
