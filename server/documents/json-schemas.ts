import { z } from 'zod'
import { COMPONENTS, refTo } from './components'
import type { JsonSchemas } from './components'
import { EXAMPLES } from './examples'

/**
 * All components as JSON Schema. Read as input (`io: 'input'`): query parameters are then described as they are sent, and
 * objects stay open, because an answer may gain a field without breaking a client that checks it.
 */
export function describeSchemas(target: 'draft-2020-12' | 'draft-07'): JsonSchemas {
  const registry = z.registry<{ id: string }>()
  for (const [id, schema] of COMPONENTS) registry.add(schema, { id })
  const { schemas } = z.toJSONSchema(registry, { target, io: 'input', uri: refTo })
  const examples = new Map<string, unknown>(Object.entries(EXAMPLES))
  return Object.fromEntries(Object.entries(schemas).map(([name, { $schema, $id, ...schema }]) =>
    [name, examples.has(name) ? { ...schema, examples: [examples.get(name)] } : schema]))
}
