import { asyncApiDocument } from '../documents/asyncapi'

const DOCUMENT = JSON.stringify(asyncApiDocument(useRuntimeConfig().app.baseURL))

/** `GET /api/asyncapi.json` -> the MQTT topics and the event stream as AsyncAPI 3.0 */
export default defineEventHandler((event) => {
  setResponseHeader(event, 'content-type', 'application/json')
  return DOCUMENT
})
