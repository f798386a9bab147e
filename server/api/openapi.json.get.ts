import { openApiDocument } from '../documents/openapi'

const DOCUMENT = JSON.stringify(openApiDocument(useRuntimeConfig().app.baseURL))

/** `GET /api/openapi.json` -> the HTTP API as OpenAPI 3.1 */
export default defineEventHandler((event) => {
  setResponseHeader(event, 'content-type', 'application/json')
  return DOCUMENT
})
