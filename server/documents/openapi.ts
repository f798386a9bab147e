import { describeSchemas } from './json-schemas'
import { referredSchemas, schemaRef } from './components'
import type { JsonSchemas } from './components'
import { INFO, LICENCE } from './info'
import { TAGS } from './route'
import type { Answer, Body, Query, Route } from './route'
import { ROUTES } from './routes'
import { RULES, ruleOf } from '#shared/api/access'

const DEVICE_ID = {
  name: 'deviceId',
  in: 'path',
  required: true,
  description: 'Name of the device as it stands in its topics, percent-encoded.',
  schema: { type: 'string' },
  example: 'gate-001',
}

const GROUP = {
  name: 'group',
  in: 'path',
  required: true,
  description: 'Name of the group, percent-encoded.',
  schema: { type: 'string' },
  example: 'Halle 1',
}

const ACCOUNT_NAME = {
  name: 'name',
  in: 'path',
  required: true,
  description: 'Name of the account, percent-encoded.',
  schema: { type: 'string' },
  example: 'operator-1',
}

const TOKEN_ID = {
  name: 'tokenId',
  in: 'path',
  required: true,
  description: '`id` of the token, which is not the token itself.',
  schema: { type: 'string' },
  example: 'Zm9vYmFyYmF6',
}

const SHARE_ID = {
  name: 'shareId',
  in: 'path',
  required: true,
  description: '`id` of the link, which is not its secret.',
  schema: { type: 'string' },
  example: 'Zm9vYmFyYmF6',
}

const PATH_PARAMETERS = { deviceId: DEVICE_ID, group: GROUP, name: ACCOUNT_NAME, tokenId: TOKEN_ID, shareId: SHARE_ID }

const SECURITY_SCHEMES = {
  token: { type: 'http', scheme: 'bearer', description: 'An API token, made on the page of one’s account.' },
  session: { type: 'apiKey', in: 'cookie', name: 'leitstand-session', description: 'The cookie that `POST /api/session` hands out, or signing in at the identity provider.' },
  share: { type: 'apiKey', in: 'cookie', name: 'leitstand-share', description: 'The cookie that `POST /api/share-session` hands out.' },
}

/** No credentials are needed while no account exists. */
const SECURITY = [{ token: [] }, { session: [] }, {}]

/** What every route may answer besides: one shape, `code` for programs, `message` for people. */
const OTHER_ERRORS: Answer = { description: 'Any other error: 401 `login-required`, or `accounts-lost` where there were some that cannot be read, 403 `role-too-low`, `groups-limited`, `link-only` or `no-account-yet`, 404 `device-unknown` for a device that is not among those that may be seen, 503 `accounts-unavailable` or `login-busy`, 500 `internal`.', schema: 'ErrorAnswer' }

/** The HTTP API as an OpenAPI 3.1 document; `baseURL` is what its paths lie below. */
export function openApiDocument(baseURL = '/') {
  const schemas = describeSchemas('draft-2020-12')
  const paths: Record<string, Record<string, object>> = {}
  for (const route of ROUTES) paths[route.path] = { ...paths[route.path], [route.method]: operation(route, schemas) }
  return {
    openapi: '3.1.0',
    info: { ...INFO, license: { name: LICENCE, identifier: LICENCE } },
    servers: [{ url: baseURL.replace(/(?<=.)\/$/, '') }],
    security: SECURITY,
    tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
    paths,
    components: { parameters: PATH_PARAMETERS, securitySchemes: SECURITY_SCHEMES, schemas: referredSchemas(paths, schemas) },
  }
}

function operation({ id, tag, summary, method, path, query, requestHeaders = {}, body, answers }: Route, schemas: JsonSchemas) {
  const parameters = [
    ...Object.keys(PATH_PARAMETERS).filter(name => path.includes(`{${name}}`)).map(name => ({ $ref: `#/components/parameters/${name}` })),
    ...(query ? queryParameters(query, schemas) : []),
    ...Object.entries(requestHeaders).map(([name, description]) => ({ name, in: 'header', required: false, description, schema: { type: 'string' } })),
  ]
  return {
    operationId: id,
    tags: [tag],
    summary,
    ...access(`${method} ${path}`),
    ...(parameters.length > 0 && { parameters }),
    ...(body && { requestBody: requestBody(body) }),
    responses: Object.fromEntries(Object.entries({ ...answers, default: OTHER_ERRORS }).map(([status, answer]) => [status, response(answer)])),
  }
}

/** For those whose rights are limited to some groups. */
const FOR_LIMITED = {
  same: 'The same with limited rights.',
  theirs: 'With limited rights only what concerns one’s own devices.',
  nothing: 'Not with limited rights.',
} as const

/** The description of a route's rule. */
function access(key: string) {
  if (!isRouteKey(key)) return {}
  const { least, inPerson, limited, byLink } = ruleOf(key)
  if (least === 'everyone') return { description: 'For everybody.', security: [] }
  const description = `For ${least}s and above${inPerson ? ', signed in, not with a token' : ''}. ${FOR_LIMITED[limited]}${byLink ? ' Share links as well.' : ''}`
  return { description, ...(inPerson ? { security: [{ session: [] }] } : byLink && { security: [...SECURITY, { share: [] }] }) }
}

function isRouteKey(key: string): key is keyof typeof RULES {
  return key in RULES
}

function requestBody(body: Body) {
  const content = 'schema' in body
    ? { 'application/json': { schema: schemaRef(body.schema) } }
    : Object.fromEntries(body.mediaTypes.map(type => [type, {}]))
  return { description: body.description, required: true, content }
}

/** A query schema is an object with one property per parameter. */
function queryParameters({ schema, parameters }: Query, schemas: JsonSchemas) {
  const { properties = {}, required = [] } = schemas[schema] ?? {}
  const described = new Map(Object.entries(parameters))
  return Object.entries(properties).map(([name, shape]) => ({
    name,
    in: 'query',
    required: required.includes(name),
    description: described.get(name),
    schema: shape,
  }))
}

function response({ description, schema, files, isEmpty, headers }: Answer) {
  const json = { 'application/json': { schema: schema ? schemaRef(schema) : { type: 'object' } } }
  return {
    description,
    ...(headers && { headers: mapValues(headers, ({ description, type }) => ({ description, schema: { type } })) }),
    ...!isEmpty && { content: files ? mapValues(files, example => ({ schema: { type: 'string' }, example })) : json },
  }
}

function mapValues<From, To>(record: Record<string, From>, convert: (value: From) => To): Record<string, To> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, convert(value)]))
}
