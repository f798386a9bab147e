import type { SharedProfile } from '#shared/schemas/profile'
import { SharedProfileSchema } from '#shared/schemas/profile'

/** `PUT /api/site` with a `SharedProfile` -> the same; it holds for devices that say nothing else, nor their group */
export default defineEventHandler(async (event): Promise<SharedProfile> => {
  const profile = await requireBody(event, SharedProfileSchema, MAX_PROFILE_BYTES)
  const refusal = await useLeitstand().registry.putSite(profile)
  return refusal ? refuse(refusal) : profile
})
