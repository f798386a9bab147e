import { readFileSync } from 'node:fs'
import { expect } from 'vitest'
import { z } from 'zod'
import { COMPONENTS } from '../../../../server/documents/components'

const PackageSchema = z.object({ version: z.string(), description: z.string(), license: z.string() })

/** What both documents say of themselves is what package.json says. */
export function packageInfo() {
  return PackageSchema.parse(JSON.parse(readFileSync('package.json', 'utf8')))
}

/** Every `$ref` of a document, each once. */
export function refsOf(document: object): string[] {
  const refs = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]*)"/g)].flatMap(([, ref]) => ref ?? [])
  return [...new Set(refs)]
}

/** What a `$ref` points at inside its document; undefined when it leads nowhere. */
export function resolveRef(document: object, ref: string): unknown {
  const [root, ...path] = ref.split('/').map(part => part.replaceAll('~1', '/').replaceAll('~0', '~'))
  if (root !== '#') return undefined
  return path.reduce<unknown>((node, key) => typeof node === 'object' && node !== null ? Reflect.get(node, key) : undefined, document)
}

/** The example is accepted by the Zod schema of that name, which finds nothing in it that it does not know. */
export function expectExample(name: string, example: unknown) {
  const schema = COMPONENTS.get(name)
  expect(schema, `a schema named ${name}`).toBeDefined()
  expect(schema?.parse(example)).toEqual(example)
}
