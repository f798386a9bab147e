import { Readable } from 'node:stream'

/** `GET /api/registry` -> everything that people say about devices, as one readable file */
export default defineEventHandler((event) => {
  setResponseHeaders(event, {
    'content-type': 'application/json; charset=utf-8',
    'content-disposition': 'attachment; filename="leitstand-devices.json"',
  })
  return sendStream(event, Readable.from(useLeitstand().registry.exportFile()))
})
