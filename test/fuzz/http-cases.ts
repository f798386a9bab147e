import { readdirSync } from 'node:fs'
import * as fc from 'fast-check'
import { z } from 'zod'
import { toBase64 } from './cases'
import type { CaseOf } from './cases'
import { fitting, JsonSchemaSchema, mutated, NAMES, oddJson, oddText } from './values'
import type { Components, JsonSchema } from './values'

const ParameterSchema = z.looseObject({ name: z.string().optional(), in: z.string().optional(), schema: JsonSchemaSchema.optional() })
const OperationSchema = z.looseObject({
  parameters: z.array(ParameterSchema).optional(),
  requestBody: z.looseObject({ content: z.record(z.string(), z.looseObject({ schema: JsonSchemaSchema.optional() })) }).optional(),
  responses: z.record(z.string(), z.looseObject({ description: z.string() })),
})
/** What is read of the document that the server hands out. */
export const DocumentSchema = z.looseObject({
  paths: z.record(z.string(), z.record(z.string(), OperationSchema)),
  components: z.looseObject({ schemas: z.record(z.string(), JsonSchemaSchema) }),
})
type Operation = z.infer<typeof OperationSchema>

export interface Route { key: string, method: string, path: string, query: [name: string, schema: JsonSchema][], body: JsonSchema | 'file' | undefined, busy: readonly string[] }

/** Every route of the API with what may be sent along, and the codes with which it may answer 503. */
export function routesOf({ paths }: z.infer<typeof DocumentSchema>): Route[] {
  return Object.entries(paths).flatMap(([path, operations]) => Object.entries(operations).map(([method, operation]) => ({
    key: `${method} ${path}`,
    method: method.toUpperCase(),
    path,
    query: (operation.parameters ?? []).flatMap(({ in: where, name, schema }): [string, JsonSchema][] => where === 'query' && name !== undefined ? [[name, schema ?? {}]] : []),
    body: bodyOf(operation),
    busy: codesOf(operation),
  })))
}

function bodyOf({ requestBody }: Operation): Route['body'] {
  return requestBody && (requestBody.content['application/json']?.schema ?? 'file')
}

/** The codes in the descriptions of 503, and of everything else that may be answered. */
function codesOf({ responses }: Operation): string[] {
  const [busy = '', others = ''] = [responses[503]?.description, responses.default?.description]
  const [, codes = ''] = /503 ([^,]*)/.exec(others) ?? []
  return [...`${busy} ${codes}`.matchAll(/`([\w-]+)`/g)].map(([, code = '']) => code)
}

/** `devices/[deviceId].vue` -> `/devices/{deviceId}` */
function pageRoutes(): Route[] {
  const files = readdirSync('pages', { recursive: true, encoding: 'utf8' }).filter(file => file.endsWith('.vue'))
  const query = ['q', 'at', 'group', 'place', 'by', 'sort', 'view', 'presence', 'speed', 'from', 'to', 'metric', 'to', 'under'].map((name): [string, JsonSchema] => [name, { type: 'string' }])
  return files.map((file) => {
    const path = `/${file.replace(/(?:^|\/)index\.vue$|\.vue$/, '').replaceAll(/\[(?:\.\.\.)?(\w+)\]/g, '{$1}')}`
    return { key: `page ${path}`, method: 'GET', path, query, body: undefined, busy: [] }
  })
}

const HEADERS: Record<string, fc.Arbitrary<string>> = {
  'accept': fc.constantFrom('text/html', 'application/json', '*/*', 'text/event-stream', 'x', ''),
  'accept-encoding': fc.constantFrom('br', 'gzip', 'br;q=0, gzip;q=1', '*', 'identity;q=0', 'br;q=x', ','.repeat(500)),
  'accept-language': fc.constantFrom('de', 'en', 'xx', '*', 'de;q=9', 'zh-Hant-'.repeat(200)),
  'if-none-match': fc.constantFrom('*', '"x"', 'W/"x"', '"', '', '"a", '.repeat(300)),
  'last-event-id': fc.constantFrom('', 'x.1', 'x', '.', '1.1e9', '\u00FF'),
  'range': fc.constantFrom('bytes=0-0', 'bytes=9-1', 'bytes=-1,-2'),
  'content-type': fc.constantFrom('application/json', 'text/plain', 'multipart/form-data; boundary=x', 'application/json; charset=utf-16', 'image/png'),
  'content-encoding': fc.constantFrom('gzip', 'br', 'x'),
  'authorization': fc.constantFrom('Bearer x', 'Bearer', 'Basic YTpi', 'bearer lst_', `Bearer ${'x'.repeat(4_000)}`),
  'cookie': fc.constantFrom('leitstand-session=', 'leitstand-session', '=', ';;;', 'leitstand-language=xx', 'leitstand-language=../x', 'a=%zz', '__proto__=1'),
  'origin': fc.constantFrom('null', 'https://evil.example', 'x', 'http://localhost', 'http://['),
  'sec-fetch-site': fc.constantFrom('cross-site', 'same-origin', 'x'),
  'host': fc.constantFrom('localhost', 'evil.example', '[::1]', '[', 'localhost:x', ''),
  'x-forwarded-for': fc.constantFrom('10.0.0.9', 'x', '::1', ','.repeat(100), '1.2.3.4, 5.6.7.8'),
  'x-forwarded-proto': fc.constantFrom('https', 'x', 'http, https'),
  'x-forwarded-host': fc.constantFrom('localhost', 'evil.example', 'a b', '\u00FF'),
  'user-agent': fc.constantFrom('x'.repeat(3_000), '', '\u00FF'),
}

/** Those that decide at the door what comes of the rest: seldom, or nothing gets past it. */
const AT_THE_DOOR = ['authorization', 'cookie', 'origin', 'sec-fetch-site', 'host', 'x-forwarded-host']
const headerName = () => fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom(...Object.keys(HEADERS).filter(name => !AT_THE_DOOR.includes(name))) },
  { weight: 1, arbitrary: fc.constantFrom(...AT_THE_DOOR) },
)

const headers = () => fc.array(headerName().chain(name => fc.tuple(fc.constant(name), HEADERS[name] ?? fc.constant(''))), { maxLength: 3 }).map(pairs => Object.fromEntries(pairs))

/** A part of an address: well encoded, or as it should not be. */
const encoded = (text: fc.Arbitrary<string>) => fc.tuple(text, fc.constantFrom('well', 'well', 'well', 'twice', 'badly')).map(([part, how]) => {
  const once = encodeURIComponent(part.toWellFormed())
  return how === 'badly' ? `${once}%` : how === 'twice' ? encodeURIComponent(once) : once
})

const value = (schema: JsonSchema, components: Components) => encoded(fc.oneof(oddText(), fitting(schema, components).map(String)))

function query(route: Route, components: Components): fc.Arbitrary<string> {
  const [first, ...others] = route.query.map(([name, schema]) => value(schema, components).map(text => `${name}=${text}`))
  const foreign = fc.tuple(encoded(oddText()), encoded(oddText())).map(([name, text]) => `${name}=${text}`)
  const pair = first ? fc.oneof({ weight: 6, arbitrary: fc.oneof(first, ...others) }, { weight: 1, arbitrary: foreign }) : foreign
  return fc.array(pair, { maxLength: 5 }).map(pairs => pairs.length > 0 ? `?${pairs.join('&')}` : '')
}

const FILES = ['89504e470d0a1a0a', 'ffd8ffe0', '52494646000000005745425056503820', '3c737667'].map(hex => Buffer.from(hex, 'hex'))
const file = () => fc.tuple(fc.constantFrom(...FILES), fc.uint8Array({ maxLength: 200 })).map(([head, rest]) => Buffer.concat([head, rest]))

function body({ body: wanted }: Route, components: Components): fc.Arbitrary<string | null> {
  if (wanted === undefined) return fc.constant(null)
  if (wanted === 'file') return file().map(toBase64)
  const right = fitting(wanted, components)
  const texts = fc.oneof(
    { weight: 4, arbitrary: right.map(fit => JSON.stringify(fit) ?? '') },
    { weight: 4, arbitrary: mutated(right).map(changed => JSON.stringify(changed) ?? '') },
    { weight: 1, arbitrary: oddJson() },
  )
  return fc.oneof({ weight: 9, arbitrary: texts.map(toBase64) }, { weight: 1, arbitrary: fc.uint8Array({ maxLength: 300 }).map(toBase64) })
}

function path({ path: template }: Route): fc.Arbitrary<string> {
  const names = fc.tuple(encoded(fc.oneof(fc.constantFrom(...NAMES), oddText())), encoded(oddText()))
  return names.map(names => template.replaceAll(/\{\w+\}/g, () => names.shift() ?? 'x'))
}

const ofRoute = (route: Route, components: Components) => fc.record({
  kind: fc.constant('http' as const),
  as: fc.constantFrom('admin', 'admin', 'admin', 'nobody'),
  route: fc.constant(route.key),
  method: fc.oneof({ weight: 20, arbitrary: fc.constant(route.method) }, { weight: 1, arbitrary: fc.constantFrom('HEAD', 'OPTIONS', 'PATCH', 'DELETE', 'TRACE', 'POST', 'PROPFIND') }),
  path: fc.tuple(path(route), query(route, components)).map(([place, asked]) => place + asked),
  headers: headers(),
  body: body(route, components),
})

/** Requests to every route of the API, and to every page. */
export function httpCases(routes: readonly Route[], components: Components): fc.Arbitrary<CaseOf<'http'>> {
  const [first, ...others] = [...routes, ...pageRoutes()].map(route => ofRoute(route, components))
  if (!first) throw new Error('The server’s document names no route.')
  return fc.oneof(first, ...others)
}
