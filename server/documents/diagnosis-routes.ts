import { MAX_TOPIC_BRANCHES } from '#shared/schemas/topics'
import { fault, QUERY_INVALID } from './route'
import type { Route } from './route'

/** Every route that helps to find out why something does not arrive. */
export const DIAGNOSIS_ROUTES: readonly Route[] = [
  {
    method: 'get', path: '/api/topics', id: 'getTopics', tag: 'operation',
    summary: 'What the broker carries under our subscriptions, level by level, and what was made of it.',
    query: {
      schema: 'TopicsQuery',
      parameters: {
        under: `Where a level begins: what its topics begin with, up to and with a \`/\`; empty for the first. Repeated for several levels, at most ${MAX_TOPIC_BRANCHES}.`,
        q: 'Instead of a level every topic below whose name, deviceId, metric names or reason of rejection contain every word, in any case.',
        limit: 'Most entries of a level; `more` says how many were left out.',
      },
    },
    answers: { 200: { description: 'The levels. A branch that holds one topic is that topic.', schema: 'Topics' }, ...QUERY_INVALID },
  },
  {
    method: 'get', path: '/api/doctor', id: 'getDoctor', tag: 'operation',
    summary: 'Why nothing arrives, or that all is well: every step on the way of a message, checked in order.',
    answers: { 200: { description: 'The checks, and the last examination.', schema: 'Doctor' } },
  },
  {
    method: 'get', path: '/metrics', id: 'getMetrics', tag: 'operation',
    summary: 'Counts and states for Prometheus; what they mean stands in docs/operation.md.',
    answers: {
      200: {
        description: 'The Prometheus text format (`text/plain; version=0.0.4`). Its length does not depend on how many devices there are.',
        files: { 'text/plain': '# HELP leitstand_messages_received_total Messages received from the broker.\n# TYPE leitstand_messages_received_total counter\nleitstand_messages_received_total 1205\n' },
      },
    },
  },
  {
    method: 'post', path: '/api/doctor/examination', id: 'postExamination', tag: 'operation',
    summary: 'Looks for five seconds at everything the broker carries (`#`), over a connection of its own. Who asks meanwhile gets the same answer.',
    answers: {
      200: { description: 'What was seen, whatever the outcome.', schema: 'Examination' },
      ...fault(503, '`broker-unavailable`: there is no connection to the broker.'),
    },
  },
]
