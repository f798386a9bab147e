import { validate } from '@readme/openapi-parser'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { describe, expect, it } from 'vitest'
import { openApiDocument } from '../../../../server/documents/openapi'
import { expectExample, packageInfo, refsOf, resolveRef } from './support'

const document = openApiDocument()
const { components, info, paths } = document

describe('the OpenAPI document', () => {
  it('is valid OpenAPI 3.1', async () => {
    // The parser resolves references in the object that it is given.
    const result = await validate(JSON.parse(JSON.stringify(document)))
    expect(result).toMatchObject({ valid: true, specification: 'OpenAPI' })
    expect(result.warnings).toEqual([])
  })

  it('says what it describes, in which version, under which licence', () => {
    const { version, description, license } = packageInfo()
    expect(info).toEqual({ title: 'Leitstand', version, description, license: { name: license, identifier: license } })
    expect(document.servers).toEqual([{ url: '/' }])
  })

  it('holds schemas that are valid JSON Schema 2020-12', () => {
    const ajv = addFormats.default(new Ajv2020({ strict: true, allowUnionTypes: true }))
    ajv.addSchema({ $id: 'openapi', components })
    ajv.addKeyword('components')
    for (const name of Object.keys(components.schemas)) {
      expect(ajv.getSchema(`openapi#/components/schemas/${name}`), name).toBeTypeOf('function')
    }
  })

  it('has no reference that leads nowhere', () => {
    expect(refsOf(document).filter(ref => resolveRef(document, ref) === undefined)).toEqual([])
  })

  it('keeps no schema that nothing refers to', () => {
    const named = refsOf(document).filter(ref => ref.startsWith('#/components/schemas/'))
    expect(named.toSorted()).toEqual(Object.keys(components.schemas).map(name => `#/components/schemas/${name}`).toSorted())
  })

  it.each(Object.entries(components.schemas).flatMap(([name, { examples = [] }]) => examples.map(example => [name, example])))('shows a valid example of %s', (name, example) => {
    expectExample(String(name), example)
  })

  it('describes parameters as they are sent', () => {
    expect(paths['/api/sensors/{deviceId}/history']).toMatchObject({ get: { parameters: [
      { $ref: '#/components/parameters/deviceId' },
      { name: 'metric', in: 'query', required: true, schema: { type: 'string', minLength: 1 } },
      { name: 'from', required: false, schema: { anyOf: [{ $ref: '#/components/schemas/IsoTimestamp' }, { type: 'string' }] } },
      { name: 'to', required: false },
      { name: 'points', required: false, schema: { type: 'integer', default: 500 } },
      { name: 'resolution', schema: { enum: ['auto', 'raw'] } },
      { name: 'limit', required: false },
    ] } })
  })

  it('leaves room for fields to come', () => {
    expect(JSON.stringify(components.schemas)).not.toContain('"additionalProperties":false')
  })
})
