import type { ImportReport } from '#shared/schemas/registry'
import { ImportQuerySchema, RegistryFileSchema } from '#shared/schemas/registry'

/** `PUT /api/registry?dryRun=true` with such a file -> what changes, or would */
export default defineEventHandler(async (event): Promise<ImportReport> => {
  const { dryRun } = requireQuery(event, ImportQuerySchema)
  const outcome = await useLeitstand().registry.importFile(await requireBody(event, RegistryFileSchema, maxFileBytes()), dryRun)
  return 'code' in outcome ? refuse(outcome) : outcome
})
