import { z } from 'zod'
import { DEVICE_ICONS } from '#shared/device/device-icons'

/** Most characters of a name, a place or a group, of a note and of a unit; most decimal places, and most metrics of a device. */
export const MAX_LABEL_LENGTH = 100
export const MAX_NOTE_LENGTH = 2_000
export const MAX_UNIT_LENGTH = 16
export const MAX_DECIMALS = 10
export const MAX_METRIC_PROFILES = 256
export const MAX_METRIC_NAME_LENGTH = 1_024
export const MAX_DEVICE_ID_LENGTH = 1_024
/** Seconds between two messages, from a tenth to a year. */
export const MIN_INTERVAL_SECONDS = 0.1
export const MAX_INTERVAL_SECONDS = 31_536_000

// Neither control characters nor halves of characters, which no database stores.
const ONE_LINE = /^[^\p{Cc}\p{Cs}]+$/u
const LINES = /^(?:[^\p{Cc}\p{Cs}]|[\t\r\n])+$/u
const label = z.string().trim().min(1).max(MAX_LABEL_LENGTH).regex(ONE_LINE, { error: 'must be one line' })

/** The configured interval of a device, which goes before the learned one. */
const intervalSeconds = z.number().min(MIN_INTERVAL_SECONDS).max(MAX_INTERVAL_SECONDS).optional()

/** The name of a device as it stands in its topics. */
export const DeviceIdSchema = z.string().min(1).max(MAX_DEVICE_ID_LENGTH).regex(/^[^\p{Cs}]+$/u, { error: 'must be text' })

/** The profile of a metric. */
export const MetricProfileSchema = z.object({
  /** In place of the unit from the metric's name. */
  unit: z.string().trim().min(1).max(MAX_UNIT_LENGTH).regex(ONE_LINE, { error: 'must be one line' }).optional(),
  /** Numbers are shown with exactly so many decimal places. */
  decimals: z.number().int().min(0).max(MAX_DECIMALS).optional(),
  /** Hidden on the pages; stored and returned by the API like any other. */
  hidden: z.literal(true).optional(),
})
export type MetricProfile = z.infer<typeof MetricProfileSchema>

/** The profile of a device. The MQTT topic stays its identity; every field is optional. */
export const DeviceProfileSchema = z.object({
  name: label.optional(),
  place: label.optional(),
  group: label.optional(),
  note: z.string().trim().min(1).max(MAX_NOTE_LENGTH).regex(LINES, { error: 'must be text' }).optional(),
  icon: z.enum(DEVICE_ICONS).optional(),
  intervalSeconds,
  metrics: z.record(z.string().min(1).max(MAX_METRIC_NAME_LENGTH), MetricProfileSchema)
    .refine(metrics => Object.keys(metrics).length <= MAX_METRIC_PROFILES, { error: `must have at most ${MAX_METRIC_PROFILES} metrics` }).optional(),
})
export type DeviceProfile = z.infer<typeof DeviceProfileSchema>

/** A profile in an answer; a device without one has only its `deviceId`. */
export const KnownDeviceSchema = DeviceProfileSchema.extend({
  deviceId: z.string(),
  /** There is a picture; the text changes with the picture: `/api/devices/{deviceId}/picture?v={picture}`. */
  picture: z.string().optional(),
})
export type KnownDevice = z.infer<typeof KnownDeviceSchema>

/** Answer of `GET /api/devices`, sorted by deviceId. */
export const KnownDevicesSchema = z.array(KnownDeviceSchema)

/** The profile of all devices of a group, or of the site: it holds for devices without a value of their own. */
export const SharedProfileSchema = z.object({ intervalSeconds })
export type SharedProfile = z.infer<typeof SharedProfileSchema>

/** Answer of `GET /api/groups`, sorted by name: groups that have devices or a setting. */
export const GroupsSchema = z.array(SharedProfileSchema.extend({ name: label, devices: z.number().int().nonnegative() }))
export type Groups = z.infer<typeof GroupsSchema>

/** Answer of `GET /api/places`, sorted by name. */
export const PlacesSchema = z.array(z.object({ name: label, devices: z.number().int().nonnegative() }))
export type Places = z.infer<typeof PlacesSchema>

export const PictureTypeSchema = z.enum(['image/png', 'image/jpeg', 'image/webp'])
export type PictureType = z.infer<typeof PictureTypeSchema>
