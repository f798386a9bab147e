import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import { describe, expect, it } from 'vitest'
import { traceTurns } from '../../../../server/tracing/turns'
import type { TurnEvents } from '../../../../server/mqtt/turns'

const TRACEPARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
const ERROR = 2

function turns(events: Partial<TurnEvents>, linksPerSpan = 2) {
  const exporter = new InMemorySpanExporter()
  const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] })
  const traced = traceTurns({ tracer: provider.getTracer('test'), linksPerSpan }, { onMessage: () => {}, onTurnEnd: done => done?.(true), ...events }, 'normal')
  const take = (packetId?: number, traceparent?: string) => traced.onMessage({ topic: 'a/b', payload: Buffer.alloc(0), replayed: false, redelivered: false, packetId, ...(traceparent !== undefined && { traceparent }) })
  return { traced, take, spans: () => exporter.getFinishedSpans() }
}

describe('the span of a turn', () => {
  it('counts its messages, and begins anew with the next', () => {
    const { traced, take, spans } = turns({})
    for (const packetId of [1, undefined, 2]) take(packetId)
    traced.onTurnEnd(() => {})
    take()
    traced.onTurnEnd()
    const counts = spans().map(({ attributes }) => [attributes['messaging.batch.message_count'], attributes['leitstand.commit.acknowledged_count']])
    expect(counts).toEqual([[3, 2], [1, 0]])
  })

  it('has as many links as are allowed, and only to what is a trace', () => {
    const { traced, take, spans } = turns({})
    for (const traceparent of ['', 'nonsense', `${TRACEPARENT}-more`, '00-00000000000000000000000000000000-b7ad6b7169203331-01']) take(1, traceparent)
    traced.onTurnEnd(() => {})
    for (let i = 0; i < 5; i++) take(i, TRACEPARENT)
    traced.onTurnEnd(() => {})
    expect(spans().map(({ links }) => links.length)).toEqual([0, 2])
  })

  it('lasts until the messages are kept', () => {
    let keep: ((kept: boolean) => void) | undefined
    const { traced, take, spans } = turns({ onTurnEnd: (done) => { keep = done } })
    take(1)
    traced.onTurnEnd(() => {})
    expect(spans()).toEqual([])
    keep?.(true)
    expect(spans().map(({ status }) => status.code)).toEqual([0])
  })

  it.each<[string, TurnEvents['onTurnEnd']]>([
    ['are not kept', done => done?.(false)],
    ['cannot even be written', () => { throw new Error('SQLITE_FULL in /data/history.db') }],
  ])('is an error when they %s, without saying more of the machine', (_, onTurnEnd) => {
    const { traced, take, spans } = turns({ onTurnEnd })
    const told: boolean[] = []
    take(1)
    try {
      traced.onTurnEnd(kept => told.push(kept))
    }
    catch (error) {
      expect(String(error)).toContain('SQLITE_FULL')
      told.push(false)
    }
    expect(told).toEqual([false])
    expect(spans().map(({ status, attributes, events }) => [status.code, attributes['error.type'], events])).toEqual([[ERROR, 'store-failed', []]])
    expect(JSON.stringify(spans()[0]?.status)).not.toContain('SQLITE')
  })
})
