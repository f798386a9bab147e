// Owns the values: what a schema asks for, and what nobody asked for.
import * as fc from 'fast-check'
import { z } from 'zod'

/** What has broken programs before. */
const ODD_TEXTS = ['', ' ', '.', '..', '../..', '__proto__', 'constructor', 'toString', '\u0000', 'a\u0000b', '\n', '\r\n', '\uFEFF', '\uFFFD', '\u202E', '\uDB40\uDC41', 'ﷺ',
  '👩‍🚀', 'ä', 'a\u0308', 'İ', '%', '%00', '%2e%2e%2f', '%zz', '<script>alert(1)</script>', '\' OR 1=1 --', '${7*7}', '{{7*7}}', 'null', 'NaN', '-0', '1e400', 'a,b', 'a;b', '"', '\\',
  '*', '*'.repeat(500), '#', '+', '$SYS', '/', '//', 'x'.repeat(129), 'x'.repeat(5_000), '9'.repeat(400), '2026-11-02T12:00:00Z', '+275760-09-13T00:00:00Z', '0000-01-01T00:00:00Z']
const ODD_NUMBERS = [0, -0, -1, 1, 0.1, 1e-320, 1e21, 1e308, -1e308, 2 ** 31, 2 ** 32, 2 ** 53, -(2 ** 53), 253_402_300_800_000, 8.64e15, 8.65e15]
const ODD_OBJECTS: readonly unknown[] = ['{"__proto__":{"polluted":true}}', '{"constructor":{"prototype":{"polluted":true}}}', '{"toString":1}'].map(text => JSON.parse(text))
const MOST_DEEP = 3_000

/** A few names that come again and again, so that something is said about the same things, and others. */
export const NAMES = ['tor-1', 'tor-2', 'Halle 1', 'a/b', 'ä?b', 'nobody']

export const oddText = () => fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...ODD_TEXTS) },
  { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 40 }) },
  { weight: 1, arbitrary: fc.string({ unit: 'grapheme', maxLength: 40 }) },
  { weight: 2, arbitrary: fc.constantFrom(...NAMES) },
)

export const oddNumber = () => fc.oneof(fc.constantFrom(...ODD_NUMBERS), fc.double(), fc.integer())

export const oddValue = (): fc.Arbitrary<unknown> => fc.oneof(
  oddText(), oddNumber(), fc.constantFrom(null, true, false, [], {}), fc.jsonValue({ maxDepth: 4 }),
  fc.constantFrom(...ODD_OBJECTS),
)

/** Texts that are JSON and are no joy to read. */
export const oddJson = () => fc.oneof(
  fc.integer({ min: 1, max: MOST_DEEP }).map(depth => '['.repeat(depth) + ']'.repeat(depth)),
  fc.integer({ min: 1, max: MOST_DEEP }).map(depth => '{"metrics":'.repeat(depth) + '1' + '}'.repeat(depth)),
  fc.constantFrom('', '{', 'nul', '1e400', '-1e400', '"\\ud800"', '{"a":1,"a":2}', '{"__proto__":1}', '\uFEFF{}', '{"metrics":{"a":1e999}}', '{"metrics":{"a":-0}}', '[NaN]'),
  fc.integer({ min: 1, max: 5_000 }).map(count => JSON.stringify({ metrics: Object.fromEntries(Array.from({ length: count }, (_, n) => [`m${n}`, n])) })),
)

/** The same with one value, anywhere in it, in place of which stands another. */
export function mutated(value: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  return fc.tuple(value, fc.nat(200), oddValue()).map(([whole, place, odd]) => replaced(whole, { left: place % Math.max(1, size(whole)) }, odd))
}

function size(value: unknown): number {
  return typeof value === 'object' && value !== null ? 1 + Object.values(value).reduce<number>((sum, part) => sum + size(part), 0) : 1
}

/** In the order in which it is written; `place.left` values go before the one that is replaced. */
function replaced(value: unknown, place: { left: number }, odd: unknown): unknown {
  if (place.left-- === 0) return odd
  if (Array.isArray(value)) return value.map(part => replaced(part, place, odd))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, replaced(part, place, odd)]))
}

/** The part of JSON Schema that the documents of the application use. */
export const JsonSchemaSchema = z.looseObject({
  $ref: z.string().optional(),
  type: z.union([z.string(), z.array(z.string())]).optional(),
  const: z.unknown().optional(),
  enum: z.array(z.unknown()).optional(),
  get anyOf() { return z.array(JsonSchemaSchema).optional() },
  get oneOf() { return z.array(JsonSchemaSchema).optional() },
  get allOf() { return z.array(JsonSchemaSchema).optional() },
  get items() { return z.union([z.boolean(), JsonSchemaSchema]).optional() },
  get properties() { return z.record(z.string(), JsonSchemaSchema).optional() },
  get additionalProperties() { return z.union([z.boolean(), JsonSchemaSchema]).optional() },
  required: z.array(z.string()).optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  maxLength: z.number().optional(),
  format: z.string().optional(),
})
export type JsonSchema = z.infer<typeof JsonSchemaSchema>
export type Components = Record<string, JsonSchema>

const MOST_ITEMS = 4
const MOST_LETTERS = 60

/** Values of the form that a schema asks for; what it says besides (patterns, sums) may be wrong. */
export function fitting(schema: JsonSchema, components: Components, depth = 0): fc.Arbitrary<unknown> {
  if (schema.$ref !== undefined) return fitting(components[schema.$ref.split('/').at(-1) ?? ''] ?? {}, components, depth + 1)
  if ('const' in schema && schema.const !== undefined) return fc.constant(schema.const)
  if (schema.enum && schema.enum.length > 0) return fc.constantFrom(...schema.enum)
  const choices = schema.anyOf ?? schema.oneOf ?? schema.allOf
  const [first, ...others] = choices?.map(choice => fitting(choice, components, depth + 1)) ?? []
  if (first) return fc.oneof(first, ...others)
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type
  switch (type) {
    case 'string': return fittingText(schema)
    case 'integer': return fc.integer({ min: Math.max(schema.minimum ?? -10, -1e9), max: Math.min(schema.maximum ?? 1_000, 1e9) })
    case 'number': return fc.double({ min: schema.minimum ?? -1_000, max: schema.maximum ?? 1_000, noNaN: true })
    case 'boolean': return fc.boolean()
    case 'null': return fc.constant(null)
    case 'array': return depth > 6 ? fc.constant([]) : fc.array(fitting(typeof schema.items === 'object' ? schema.items : {}, components, depth + 1), { maxLength: MOST_ITEMS })
    case 'object': return depth > 6 ? fc.constant({}) : fittingObject(schema, components, depth)
    default: return oddValue()
  }
}

function fittingText({ format, maxLength = MOST_LETTERS }: JsonSchema): fc.Arbitrary<string> {
  const text = fc.string({ unit: 'grapheme', maxLength: Math.min(maxLength, MOST_LETTERS) })
  return format === 'date-time' ? aroundNow() : fc.oneof(text, fc.constantFrom(...NAMES), aroundNow())
}

/** Times of the last days, some of them ahead. */
export function aroundNow(): fc.Arbitrary<string> {
  return fc.integer({ min: -3 * 86_400_000, max: 3_600_000 }).map(ms => new Date(Date.now() + ms).toISOString())
}

function fittingObject({ properties = {}, required = [], additionalProperties }: JsonSchema, components: Components, depth: number): fc.Arbitrary<unknown> {
  const fields = Object.fromEntries(Object.entries(properties).map(([name, field]) => [name, fitting(field, components, depth + 1)]))
  const known = fc.record(fields, { requiredKeys: required.filter(name => name in fields) })
  if (typeof additionalProperties !== 'object') return known
  return fc.tuple(known, fc.dictionary(oddText(), fitting(additionalProperties, components, depth + 1), { maxKeys: MOST_ITEMS })).map(([a, b]) => ({ ...a, ...b }))
}
