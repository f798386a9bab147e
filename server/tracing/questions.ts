import { SpanStatusCode, trace } from '@opentelemetry/api'
import type { Span } from '@opentelemetry/api'
import { ATTR_DB_OPERATION_NAME, ATTR_DB_SYSTEM_NAME, ATTR_ERROR_TYPE } from '@opentelemetry/semantic-conventions'
import type { History } from '../history/contract'
import type { Replays } from '../replay/replays'
import type { Spans } from './sdk'

/** Where the past is asked about. */
export interface Answering { history: History | undefined, replays: Replays }

export type DatabaseName = 'sqlite' | 'postgresql'

/**
 * The control room whose answers about the past are spans of their own, below that of the request. The small lines are not among them: one
 * request asks for as many as there are devices on a page.
 */
export function traceQuestions<L extends Answering>(leitstand: L, spans: Spans, database: DatabaseName): L {
  const { history, replays } = leitstand
  const traced = <A extends unknown[], R>(operation: string, ask: (...args: A) => R) => (...args: A): R => askWithin(spans, operation, database, () => ask(...args))
  return {
    ...leitstand,
    replays: { ...replays, devicesAt: traced('moment', replays.devicesAt) },
    history: history && {
      ...history,
      raw: traced('raw', history.raw),
      thinned: traced('thinned', history.thinned),
      messagesBefore: traced('messages', history.messagesBefore),
      export: traced('export', history.export),
      storage: traced('storage', history.storage),
      presence: { ...history.presence, read: traced('presence', history.presence.read) },
    },
  }
}

function askWithin<R>({ tracer, within }: Spans, operation: string, database: DatabaseName, ask: () => R): R {
  const parent = within.getStore()
  if (!parent) return ask()
  const attributes = { [ATTR_DB_SYSTEM_NAME]: database, [ATTR_DB_OPERATION_NAME]: operation }
  const span = tracer.startSpan(`history ${operation}`, { attributes }, parent)
  const context = trace.setSpan(parent, span)
  try {
    const answer = within.run(context, ask)
    if (answer instanceof Promise) answer.then(() => span.end(), () => fail(span))
    else span.end()
    return answer
  }
  catch (error) {
    fail(span)
    throw error
  }
}

/** The store's error contains details of the machine; they are in the log. */
function fail(span: Span) {
  span.setAttribute(ATTR_ERROR_TYPE, 'history-failed').setStatus({ code: SpanStatusCode.ERROR, message: 'The history could not answer.' })
  span.end()
}
