import { ROOT_CONTEXT, SpanKind, SpanStatusCode } from '@opentelemetry/api'
import type { Link, Span } from '@opentelemetry/api'
import { parseTraceParent } from '@opentelemetry/core'
import { ATTR_ERROR_TYPE } from '@opentelemetry/semantic-conventions'
import type { TurnEvents } from '../mqtt/turns'
import type { Spans } from './sdk'

/** `off`: nothing is stored, so nothing has to be waited for. */
export type TurnDurability = 'full' | 'normal' | 'off'

/**
 * Makes one span of each turn: from its first message until all of them are committed and acknowledged. Messages with
 * a trace (user property `traceparent` of MQTT 5) are linked, as many as a span may have.
 */
export function traceTurns({ tracer, linksPerSpan }: Pick<Spans, 'tracer' | 'linksPerSpan'>, { onMessage, onTurnEnd }: TurnEvents, durability: TurnDurability): TurnEvents {
  let began: Date | undefined
  let messages = 0
  let toAcknowledge = 0
  let links: Link[] = []

  /** The span of the turn that ends, and room for the next one. */
  function startSpan(): Span {
    const attributes = {
      'messaging.system': 'mqtt',
      'messaging.operation.name': 'commit',
      'messaging.operation.type': 'process',
      'messaging.batch.message_count': messages,
      'leitstand.commit.acknowledged_count': toAcknowledge,
      'leitstand.commit.durability': durability,
    }
    const span = tracer.startSpan('mqtt commit', { kind: SpanKind.CONSUMER, attributes, links, ...(began && { startTime: began }) }, ROOT_CONTEXT)
    began = undefined
    messages = 0
    toAcknowledge = 0
    links = []
    return span
  }

  return {
    onMessage(message) {
      began ??= new Date()
      messages++
      if (message.packetId !== undefined) toAcknowledge++
      if (message.traceparent !== undefined && links.length < linksPerSpan) {
        const context = parseTraceParent(message.traceparent)
        if (context) links.push({ context: { ...context, isRemote: true } })
      }
      onMessage(message)
    },
    onTurnEnd(done) {
      const span = startSpan()
      try {
        onTurnEnd(done && ((committed) => {
          end(span, committed)
          done(committed)
        }))
      }
      catch (error) {
        end(span, false)
        throw error
      }
      // Messages without acknowledgement need not wait.
      if (!done) span.end()
    },
  }
}

function end(span: Span, committed: boolean) {
  if (!span.isRecording()) return
  if (!committed) span.setAttribute(ATTR_ERROR_TYPE, 'store-failed').setStatus({
    code: SpanStatusCode.ERROR,
    message: 'The messages could not be stored; the broker delivers them again.',
  })
  span.end()
}
