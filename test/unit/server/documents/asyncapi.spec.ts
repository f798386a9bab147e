import asyncApiSpecs from '@asyncapi/specs'
import { Ajv } from 'ajv'
import addFormats from 'ajv-formats'
import { describe, expect, it } from 'vitest'
import { StreamEventSchema } from '#shared/schemas/events'
import { asyncApiDocument } from '../../../../server/documents/asyncapi'
import { CHANNELS } from '../../../../server/documents/channels'
import type { Channel } from '../../../../server/documents/channels'
import { expectExample, packageInfo, refsOf, resolveRef } from './support'

const document = asyncApiDocument()
const { components, info } = document
const channels: Channel[] = Object.values(CHANNELS)
const messages = channels.flatMap(({ receives, sends }) => [...receives, ...sends])

describe('the AsyncAPI document', () => {
  it('is valid AsyncAPI 3.0', () => {
    // The definitions of the standard bring JSON Schema's own with them, and annotations that Ajv does not know.
    const ajv = addFormats.default(new Ajv({ strict: false, meta: false, validateSchema: false, allErrors: true }))
    ajv.validate(asyncApiSpecs.schemas['3.0.0'], document)
    expect(ajv.errors).toBeNull()
  })

  it('says what it describes, in which version, under which licence', () => {
    const { version, description, license } = packageInfo()
    expect(info).toEqual({ title: 'Leitstand', version, description, license: { name: license } })
  })

  it('holds schemas that are valid JSON Schema draft 07', () => {
    const ajv = addFormats.default(new Ajv({ strict: true, allowUnionTypes: true }))
    ajv.addSchema({ $id: 'asyncapi', components })
    ajv.addKeyword('components')
    for (const name of Object.keys(components.schemas)) {
      expect(ajv.getSchema(`asyncapi#/components/schemas/${name}`), name).toBeTypeOf('function')
    }
  })

  it('has no reference that leads nowhere', () => {
    expect(refsOf(document).filter(ref => resolveRef(document, ref) === undefined)).toEqual([])
  })

  it.each(messages)('shows a valid example of $name', ({ name }) => {
    const { payload, examples } = components.messages[name] ?? {}
    expect(payload).toEqual({ $ref: `#/components/schemas/${name}` })
    expect(examples).toHaveLength(1)
    for (const example of examples ?? []) expectExample(name, example.payload)
  })

  it('has a message for every event of the stream', () => {
    const types = CHANNELS.events.sends.map(({ example }) => StreamEventSchema.parse(example).type)
    expect(types.toSorted()).toEqual(StreamEventSchema.options.map(({ shape }) => shape.type.value).toSorted())
  })

  it('tells from the application’s side who says what', () => {
    const said = Object.entries(document.operations).map(([id, operation]) => `${id}: ${refsOf(operation).map(ref => ref.split('/').at(-1)).slice(1).join(' ')}`)
    expect(said).toEqual([
      'receiveTelemetry: TelemetryMessage',
      'receiveState: StateMessage',
      'sendStatus: ApplicationStatus',
      'receiveEvents: StreamRequest',
      'sendEvents: SnapshotEvent TelemetryEvent StateEvent PresenceEvent BrokerEvent DeviceEvent ForgottenEvent WithdrawnEvent BatchEvent StatesEvent ResumedEvent SubscribedEvent HeartbeatEvent CoalescedEvent ClockEvent PongEvent ErrorEvent',
    ])
  })
})
