import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { BrokerCodeSchema } from '#shared/schemas/health'
import { RefusalReasonSchema } from '#shared/schemas/refusal'
import { RejectionReasonSchema } from '#shared/schemas/rejection'
import { DEFINITIONS } from '../../../../server/metrics/definitions'
import type { Figures } from '../../../../server/metrics/figures'
import { createMetrics } from '../../../../server/metrics/metrics'
import { packageInfo } from '../documents/support'

function figures(change: Partial<Figures> = {}): Figures {
  return {
    messages: { received: 10, accepted: 7, duplicate: 1 },
    rejected: { 'not-json': 2 },
    devices: { byPresence: { live: 3, late: 0, silent: 1, offline: 0, unknown: 0 }, limit: 100 },
    stream: { clients: 4, replays: 1, clientLimit: 50, replayLimit: 5, published: 9, delivered: 27, coalesced: 8, givenUp: { stuck: 1, unanswered: 0, failed: 0 }, slowClients: 1, waitingBytes: 512, waitingLimit: 1_024 },
    broker: { code: 'lost', sinceMs: 1_793_620_800_500, attempts: 3, connects: 1, resumed: undefined },
    cluster: { leads: true, slot: 2, position: 4_711 },
    store: { isEnabled: true, hasFailed: false, databaseBytes: 4_096, logBytes: undefined, freeBytes: 1e9, history: {
      uncompacted: 6,
      uncommitted: 2,
      commits: 5,
      commitSeconds: 0.25,
      usedBytes: 4_000,
      limitBytes: 2e9,
      rawFrom: 1_793_620_800_000_000,
    } },
    refused: { 'host-foreign': 3 },
    logins: { failed: 2, refused: 1, provider: 0 },
    ...change,
  }
}

async function linesOf(read: Figures): Promise<string[]> {
  return (await createMetrics(async () => read).text()).split('\n')
}

describe('what Prometheus is told', () => {
  it('is what the rooms know', async () => {
    const lines = await linesOf(figures())
    expect(lines).toEqual(expect.arrayContaining([
      '# TYPE leitstand_messages_received_total counter',
      'leitstand_messages_received_total 10',
      'leitstand_messages_rejected_total{reason="not-json"} 2',
      'leitstand_devices{presence="silent"} 1',
      'leitstand_stream_clients{kind="replay"} 1',
      'leitstand_stream_events_delivered_total 27',
      'leitstand_stream_clients_given_up_total{reason="stuck"} 1',
      'leitstand_broker_connected 0',
      'leitstand_broker_status{code="lost"} 1',
      'leitstand_broker_status{code="connected"} 0',
      'leitstand_broker_status_since_timestamp_seconds 1793620800.5',
      'leitstand_store_fault 0',
      'leitstand_store_file_bytes{file="database"} 4096',
      'leitstand_store_oldest_message_timestamp_seconds 1793620800',
      'leitstand_refused_total{reason="host-foreign"} 3',
      'leitstand_logins_failed_total{reason="throttled"} 1',
      `leitstand_build_info{version="${packageInfo().version}"} 1`,
    ]))
    expect(lines.filter(line => /^(?:process_resident_memory_bytes|process_open_fds|process_start_time_seconds|nodejs_eventloop_lag_p99_seconds|nodejs_heap_size_used_bytes) \d/.test(line))).toHaveLength(5)
  })

  it('has a zero for everything that may be counted, from the beginning', async () => {
    const lines = await linesOf(figures({ rejected: {}, refused: {} }))
    for (const reason of RejectionReasonSchema.options) expect(lines).toContain(`leitstand_messages_rejected_total{reason="${reason}"} 0`)
    for (const reason of RefusalReasonSchema.options) expect(lines).toContain(`leitstand_refused_total{reason="${reason}"} 0`)
    expect(lines.filter(line => line.startsWith('leitstand_broker_status{'))).toHaveLength(BrokerCodeSchema.options.length)
  })

  it('leaves out what cannot be told, and tells it once it can', async () => {
    const { history, ...rest } = figures().store
    let now = figures({ store: { ...rest, history: undefined } })
    const metrics = createMetrics(async () => now)
    const unknown = await metrics.text()
    expect(unknown).toContain('# TYPE leitstand_store_unkept_messages gauge')
    expect(unknown).not.toMatch(/^leitstand_(?:store_(?:unkept_messages|commits_total|used_bytes|oldest\w+)|broker_session_resumed) /m)
    expect(unknown).not.toContain('{file="log"}')
    now = figures({ store: { ...rest, history }, broker: { ...figures().broker, resumed: false } })
    expect(await metrics.text()).toMatch(/^leitstand_broker_session_resumed 0$/m)
    expect(await metrics.text()).toMatch(/^leitstand_store_unkept_messages 2$/m)
  })

  it('goes back to where it was when a count does, as after a restart', async () => {
    let now = figures()
    const metrics = createMetrics(async () => now)
    await metrics.text()
    now = figures({ messages: { received: 4, accepted: 4, duplicate: 0 } })
    expect(await metrics.text()).toMatch(/^leitstand_messages_received_total 4$/m)
  })

  it('is apart for each control room', async () => {
    const [one, other] = [await linesOf(figures()), await linesOf(figures({ messages: { received: 99, accepted: 99, duplicate: 0 } }))]
    expect(one).toContain('leitstand_messages_received_total 10')
    expect(other).toContain('leitstand_messages_received_total 99')
  })

  it.each(DEFINITIONS.map(({ name }) => name))('%s is explained in docs/operation.md', (name) => {
    const text = readFileSync('docs/operation.md', 'utf8')
    const endings = [...text.matchAll(/`…(_\w+)/g)].map(([, ending = '']) => ending)
    expect(text.includes(`\`${name}`) || endings.some(ending => name.endsWith(ending)), name).toBe(true)
  })

  it('has names by the rules of Prometheus, each once', () => {
    expect(new Set(DEFINITIONS.map(({ name }) => name)).size).toBe(DEFINITIONS.length)
    for (const { name, kind, help } of DEFINITIONS) {
      expect(name).toMatch(/^leitstand_[a-z][a-z_]*$/)
      expect(name.endsWith('_total'), name).toBe(kind === 'counter')
      expect(help, name).toMatch(/^[A-Z].*\.$/)
    }
  })
})
