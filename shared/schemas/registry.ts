import { z } from 'zod'
import { DeviceIdSchema, DeviceProfileSchema, GroupsSchema, SharedProfileSchema } from '#shared/schemas/profile'

export const REGISTRY_FORMAT = 'leitstand-devices/1'

/** `data:image/png;base64,…` */
const PICTURE = /^data:[a-z/]+;base64,[A-Za-z0-9+/]+={0,2}$/

/** A device in the file: its name, its profile, and its picture. */
export const RegistryDeviceSchema = z.object({
  deviceId: DeviceIdSchema,
  ...DeviceProfileSchema.shape,
  picture: z.string().regex(PICTURE, { error: 'must be a picture as data:image/…;base64,…' }).optional(),
})
export type RegistryDevice = z.infer<typeof RegistryDeviceSchema>

/** All profiles and pictures, as one file (`GET` and `PUT /api/registry`). */
export const RegistryFileSchema = z.object({
  format: z.literal(REGISTRY_FORMAT),
  site: SharedProfileSchema.default({}),
  groups: z.array(GroupsSchema.element.omit({ devices: true })).default([]),
  devices: z.array(RegistryDeviceSchema).default([]),
}).superRefine(({ groups, devices }, context) => {
  for (const i of repeated(groups.map(({ name }) => name))) context.addIssue({ code: 'custom', path: ['groups', i, 'name'], message: 'is in the file twice' })
  for (const i of repeated(devices.map(({ deviceId }) => deviceId))) context.addIssue({ code: 'custom', path: ['devices', i, 'deviceId'], message: 'is in the file twice' })
})
export type RegistryFile = z.infer<typeof RegistryFileSchema>

/** Most changes that are listed one by one, and most characters that are shown of what was and what becomes. */
export const MAX_LISTED_CHANGES = 1_000
export const MAX_CHANGE_LENGTH = 500

/** `PUT /api/registry?dryRun=true`: only reports what would change. */
export const ImportQuerySchema = z.object({
  dryRun: z.enum(['true', 'false']).transform(word => word === 'true').default(false),
})

/** Answer of `PUT /api/registry`: what has changed, or with `dryRun` would. */
export const ImportReportSchema = z.object({
  dryRun: z.boolean(),
  total: z.number().int().nonnegative(),
  /** The first 1,000 of them, in the order of the file. */
  changes: z.array(z.object({
    /** Such as `devices.tor-1.name`. */
    path: z.string(),
    /** As JSON text, cut with `…` when it is long; `null`: not there. */
    before: z.string().nullable(),
    after: z.string().nullable(),
  })),
})
export type ImportReport = z.infer<typeof ImportReportSchema>

/** The positions of names that have occurred before. */
function repeated(names: readonly string[]): number[] {
  const seen = new Set<string>()
  return names.flatMap((name, i) => {
    if (seen.has(name)) return i
    seen.add(name)
    return []
  })
}
