import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingHttpHeaders } from 'node:http'
import { onTestFinished } from 'vitest'
import { z } from 'zod'
import { until } from './until'

const ValueSchema = z.object({ stringValue: z.string() }).transform(({ stringValue }): string | number => stringValue)
  .or(z.object({ intValue: z.coerce.number() }).transform(({ intValue }) => intValue))
  .or(z.object({ doubleValue: z.number() }).transform(({ doubleValue }) => doubleValue))
const AttributesSchema = z.array(z.object({ key: z.string(), value: ValueSchema })).transform(list => Object.fromEntries(list.map(({ key, value }) => [key, value])))
const SpanSchema = z.object({
  name: z.string(),
  kind: z.number(),
  traceId: z.string(),
  spanId: z.string(),
  parentSpanId: z.string().optional(),
  startTimeUnixNano: z.coerce.number(),
  endTimeUnixNano: z.coerce.number(),
  attributes: AttributesSchema,
  links: z.array(z.object({ traceId: z.string(), spanId: z.string() })).optional(),
  events: z.array(z.unknown()).optional(),
  status: z.object({ code: z.number().default(0), message: z.string().optional() }),
})
const ExportSchema = z.object({
  resourceSpans: z.array(z.object({ resource: z.object({ attributes: AttributesSchema }), scopeSpans: z.array(z.object({ spans: z.array(SpanSchema) })) })),
})
export type Span = z.infer<typeof SpanSchema>

export interface Export { path: string, headers: IncomingHttpHeaders, body: Buffer }

export interface Collector {
  url: string
  port: number
  exports: Export[]
  /** Spans of exports in JSON, as far as they have come. */
  spans: () => Span[]
  resources: () => Record<string, string | number>[]
  /** The first span, come already or to come, that fits. */
  next: (name: string, fits?: (span: Span) => boolean) => Promise<Span>
}

/** A collector that takes traces by OTLP over HTTP, and keeps them. `port` 0: any. Stopped when the test ends. */
export async function startCollector(port = 0): Promise<Collector> {
  const exports: Export[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      exports.push({ path: request.url ?? '', headers: request.headers, body: Buffer.concat(chunks) })
      response.writeHead(200, { 'content-type': request.headers['content-type'] }).end(isJson(request.headers) ? '{}' : '')
    })
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  const address = server.address()
  if (typeof address !== 'object' || !address) throw new Error('The collector listens nowhere.')
  const decoded = () => exports.filter(({ headers }) => isJson(headers)).flatMap(({ body }) => ExportSchema.parse(JSON.parse(body.toString())).resourceSpans)
  const spans = () => decoded().flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans))
  return {
    url: `http://127.0.0.1:${address.port}`,
    port: address.port,
    exports,
    spans,
    resources: () => decoded().map(({ resource }) => resource.attributes),
    next: (name, fits = () => true) => until(() => spans().find(span => span.name === name && fits(span)), `the span “${name}”`),
  }
}

function isJson(headers: IncomingHttpHeaders): boolean {
  return headers['content-type'] === 'application/json'
}

/** The fields of a protobuf message by their number: those with a length as bytes, the others left out. */
export function fieldsOf(bytes: Buffer): Map<number, Buffer[]> {
  const fields = new Map<number, Buffer[]>()
  let at = 0
  function number() {
    let value = 0
    for (let factor = 1; ; factor *= 128) {
      const byte = bytes[at++] ?? 0
      value += (byte & 127) * factor
      if (byte < 128) return value
    }
  }
  while (at < bytes.length) {
    const tag = number()
    const wire = tag & 7
    if (wire === 0) number()
    else if (wire === 1) at += 8
    else if (wire === 5) at += 4
    else {
      const length = number()
      fields.set(tag >> 3, [...fields.get(tag >> 3) ?? [], bytes.subarray(at, at + length)])
      at += length
    }
  }
  return fields
}
