import { PictureTypeSchema } from '#shared/schemas/profile'
import { MAX_LISTED_CHANGES } from '#shared/schemas/registry'
import { fault, QUERY_INVALID } from './route'
import type { Route } from './route'

const BODY_INVALID = fault(400, '`body-invalid`: the request cannot be taken; `faults` names each field and what is wrong there.')
const OTHER_GROUP = fault(403, '`groups-limited`: with limited rights, the group is not among those.')
const REGISTRY_FULL = fault(409, '`registry-full`: a limit is reached; the message names it.')
const TOO_LARGE = fault(413, '`too-large`: more bytes than are taken here.')
const UNAVAILABLE = fault(503, '`registry-unavailable`: it cannot be stored now; the message says why.')

/** Every route about what people say about devices. */
export const REGISTRY_ROUTES: readonly Route[] = [
  {
    method: 'get', path: '/api/devices', id: 'listProfiles', tag: 'registry',
    summary: 'What people say about devices: names, places, groups, units and the like.',
    requestHeaders: { 'If-None-Match': 'The `ETag` of an answer that is at hand: 304 while nothing has changed.' },
    answers: {
      200: {
        description: 'The devices with a profile, heard or not, sorted by deviceId.',
        schema: 'KnownDevices',
        headers: { ETag: { type: 'string', description: 'Names this answer.' } },
      },
      304: { description: 'Nothing has changed since the answer with that `ETag`.', isEmpty: true },
    },
  },
  {
    method: 'get', path: '/api/devices/{deviceId}', id: 'getProfile', tag: 'registry',
    summary: 'The profile of one device; only its `deviceId` while it has none.',
    answers: { 200: { description: 'The device.', schema: 'KnownDevice' } },
  },
  {
    method: 'put', path: '/api/devices/{deviceId}', id: 'putProfile', tag: 'registry',
    summary: 'Replaces the profile of a device, whether or not it has been heard. Its picture stays.',
    body: { description: 'The whole profile: what is left out is removed.', schema: 'DeviceProfile' },
    answers: {
      200: { description: 'The device as it is now.', schema: 'KnownDevice' },
      ...BODY_INVALID, ...OTHER_GROUP, ...fault(404, '`device-unknown`: with limited rights, the device is not among those.'), ...REGISTRY_FULL, ...TOO_LARGE, ...UNAVAILABLE,
    },
  },
  {
    method: 'delete', path: '/api/devices/{deviceId}', id: 'forgetDevice', tag: 'registry',
    summary: 'Forgets a device: it is not there any more, and after `NUXT_FORGET_UNDO_SECONDS` its history, its profile and its picture are deleted.',
    answers: {
      200: { description: 'Until when it can be brought back.', schema: 'ForgottenDevice' },
      ...fault(404, '`device-unknown`: nothing is known of such a device.'),
    },
  },
  {
    method: 'post', path: '/api/devices/{deviceId}/restore', id: 'restoreDevice', tag: 'registry',
    summary: 'Brings back a forgotten device as it was, with its messages since.',
    answers: {
      200: { description: 'The device as it is now.', schema: 'KnownDevice' },
      ...fault(404, '`device-unknown`: there is no such forgotten device, or it is too late.'),
    },
  },
  {
    method: 'get', path: '/api/devices/{deviceId}/picture', id: 'getPicture', tag: 'registry',
    summary: 'The picture of a device.',
    answers: {
      200: {
        description: 'The picture. With `?v=` and its `picture` it may be cached for ever.',
        files: Object.fromEntries(PictureTypeSchema.options.map(type => [type, ''])),
      },
      304: { description: 'It is still the same.', isEmpty: true },
      ...fault(404, '`picture-unknown`: the device has none.'),
    },
  },
  {
    method: 'put', path: '/api/devices/{deviceId}/picture', id: 'putPicture', tag: 'registry',
    summary: 'Gives a device a picture, in place of the one it has.',
    body: { description: 'The file as it is; its first bytes show its type.', mediaTypes: PictureTypeSchema.options },
    answers: {
      200: { description: 'The device as it is now.', schema: 'KnownDevice' },
      ...TOO_LARGE, ...REGISTRY_FULL, ...UNAVAILABLE,
      ...fault(415, '`picture-invalid`: neither PNG nor JPEG nor WebP.'),
    },
  },
  {
    method: 'delete', path: '/api/devices/{deviceId}/picture', id: 'deletePicture', tag: 'registry',
    summary: 'Takes a device’s picture away.',
    answers: { 200: { description: 'The device as it is now.', schema: 'KnownDevice' }, ...UNAVAILABLE },
  },
  {
    method: 'get', path: '/api/groups', id: 'listGroups', tag: 'registry',
    summary: 'The groups that devices belong to, or that something is set for.',
    answers: { 200: { description: 'Sorted by name, with the number of their devices.', schema: 'Groups' } },
  },
  {
    method: 'put', path: '/api/groups/{group}', id: 'putGroup', tag: 'registry',
    summary: 'Sets something for the devices of a group that say nothing else.',
    body: { description: 'All of it: what is left out is no longer set.', schema: 'SharedProfile' },
    answers: { 200: { description: 'What is set now.', schema: 'SharedProfile' }, ...BODY_INVALID, ...OTHER_GROUP, ...REGISTRY_FULL, ...UNAVAILABLE },
  },
  {
    method: 'get', path: '/api/places', id: 'listPlaces', tag: 'registry',
    summary: 'The places where devices are.',
    answers: { 200: { description: 'Sorted by name, with the number of their devices.', schema: 'Places' } },
  },
  {
    method: 'get', path: '/api/site', id: 'getSite', tag: 'registry',
    summary: 'What is set for all devices.',
    answers: { 200: { description: 'It.', schema: 'SharedProfile' } },
  },
  {
    method: 'put', path: '/api/site', id: 'putSite', tag: 'registry',
    summary: 'Sets something for all devices that say nothing else, nor their group.',
    body: { description: 'All of it: what is left out is no longer set.', schema: 'SharedProfile' },
    answers: { 200: { description: 'What is set now.', schema: 'SharedProfile' }, ...BODY_INVALID, ...UNAVAILABLE },
  },
  {
    method: 'get', path: '/api/registry', id: 'exportRegistry', tag: 'registry',
    summary: 'Everything that people say about devices, pictures as well, as one readable file: the same text for the same content.',
    answers: { 200: { description: 'The file.', schema: 'RegistryFile' } },
  },
  {
    method: 'put', path: '/api/registry', id: 'importRegistry', tag: 'registry',
    summary: 'Makes everything what a file says: what the file does not mention is taken away. All of it or nothing.',
    query: { schema: 'ImportQuery', parameters: { dryRun: '`true`: changes nothing and says what would change.' } },
    body: { description: 'Such a file.', schema: 'RegistryFile' },
    answers: {
      200: { description: `What has changed, or would: the first ${MAX_LISTED_CHANGES} places, and how many in all.`, schema: 'ImportReport' },
      ...fault(400, `${QUERY_INVALID[400]?.description} ${BODY_INVALID[400]?.description} \`file-invalid\`: a picture in it cannot be taken.`),
      ...REGISTRY_FULL, ...TOO_LARGE, ...UNAVAILABLE,
    },
  },
]
