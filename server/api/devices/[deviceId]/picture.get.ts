import { createError } from 'h3'

/** `GET /api/devices/{deviceId}/picture?v=` -> the picture; with `v` it may be cached for ever */
export default defineEventHandler((event) => {
  const deviceId = requireDeviceName(event)
  const picture = useLeitstand().registry.picture(deviceId)
  if (!picture) throw createError({ statusCode: 404, message: `There is no picture of “${deviceId.slice(0, 128)}”.`, data: { code: 'picture-unknown' } })
  const { type, tag, bytes } = picture
  const etag = `"${tag}"`
  setResponseHeaders(event, {
    'content-type': type,
    'etag': etag,
    'cache-control': getQuery(event).v === tag ? 'private, max-age=31536000, immutable' : 'no-cache',
    // The uploader decided what is in it.
    'content-security-policy': 'default-src \'none\'; sandbox',
  })
  return isUnchanged(event, etag) ? null : bytes
})
