import type { SharedProfile } from '#shared/schemas/profile'
import { SharedProfileSchema } from '#shared/schemas/profile'

/** `PUT /api/groups/{group}` with a `SharedProfile` -> the same; it holds for devices of the group that say nothing else */
export default defineEventHandler(async (event): Promise<SharedProfile> => {
  const group = requireGroupName(event)
  const profile = await requireBody(event, SharedProfileSchema, MAX_PROFILE_BYTES)
  const refusal = await useLeitstand().registry.putGroup(group, profile)
  return refusal ? refuse(refusal) : profile
})
