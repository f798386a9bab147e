import type { InputOf, SchemaName } from './components'

type QueryName = Extract<SchemaName, `${string}Query`>
/** A query schema and what each of its parameters means. */
export type Query = { [Name in QueryName]: { schema: Name, parameters: Record<keyof InputOf<Name>, string> } }[QueryName]

export interface Answer {
  description: string
  /** The shape of a JSON answer; without it (and without `files`) a document of its own standard. */
  schema?: SchemaName
  /** An example by media type, for what is no single JSON value. */
  files?: Record<string, string>
  /** There is none: neither shape nor file. */
  isEmpty?: true
  headers?: Record<string, Header>
}

export interface Header {
  type: 'integer' | 'string'
  description: string
}

/** What is sent along: JSON of a shape, or a file of one of some media types. */
export type Body = { description: string } & ({ schema: SchemaName } | { mediaTypes: readonly string[] })

export interface Route {
  method: 'get' | 'put' | 'post' | 'delete'
  path: `/api/${string}` | '/metrics'
  id: string
  tag: keyof typeof TAGS
  summary: string
  query?: Query
  /** Meaning of headers that change the answer. */
  requestHeaders?: Record<string, string>
  body?: Body
  answers: Record<number, Answer>
}

export const TAGS = {
  devices: 'What is known of the devices now.',
  registry: 'What people say about the devices.',
  history: 'What they measured before.',
  operation: 'How the application itself is doing.',
  access: 'Who may enter, and who did what.',
  documents: 'This description.',
}

export const QUERY_INVALID = fault(400, '`query-invalid`: a parameter is missing or not usable; the message names it.')

export function fault(status: number, description: string): Record<number, Answer> {
  return { [status]: { description, schema: 'ErrorAnswer' } }
}
