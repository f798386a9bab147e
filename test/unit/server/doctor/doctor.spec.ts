import { describe, expect, it } from 'vitest'
import type { DoctorCheck, Examination } from '#shared/schemas/doctor'
import type { BrokerStatus, ClockStep } from '#shared/schemas/health'
import { createDoctor } from '../../../../server/doctor/doctor'
import type { HeardTopic } from '../../../../server/doctor/evidence'

const NOW = Date.parse('2026-01-01T12:00:00.000Z')
const MINUTE = 60_000
const YEAR = 365 * 24 * 60 * MINUTE

const CONNECTED: BrokerStatus = {
  code: 'connected', reason: 'Connected.', url: 'mqtt://broker:1883', embedded: false, protocol: 'MQTT 5.0',
  since: new Date(NOW - 60 * MINUTE).toISOString(), attempts: 0, granted: ['sensors/#'], refused: [],
}
const LOOKED: Examination = {
  at: new Date(NOW - MINUTE).toISOString(), outcome: 'looked', reason: null, seconds: 5, isCut: false,
  messages: 1, ownStatusSeen: true, others: [], othersTotal: 0, within: 0, strangers: [],
}

function topic(given: Partial<HeardTopic> = {}): HeardTopic {
  return { deviceId: 'tor-1', isState: false, live: 1, lastMs: NOW, replayed: false, reason: undefined, ...given }
}

interface Site { broker?: Partial<BrokerStatus>, topics?: Record<string, HeardTopic>, received?: number, accepted?: number, rejected?: number, examination?: Partial<Examination>, wrongClocks?: { deviceId: string, aheadMs: number }[], clockStep?: ClockStep }

async function examined({ broker, topics = {}, examination, wrongClocks = [], clockStep, ...counts }: Site) {
  const heard = Object.entries(topics)
  const doctor = createDoctor({
    broker: () => ({ ...CONNECTED, ...broker }),
    counts: () => ({ received: heard.length, accepted: heard.filter(([, { reason }]) => !reason).length, rejected: 0, ...counts }),
    topics: () => heard,
    examine: () => Promise.resolve({ ...LOOKED, ...examination }),
    wrongClocks: () => wrongClocks,
    clockStep: () => clockStep ?? null,
    root: 'leitstand',
  })
  if (examination) await doctor.examine()
  return doctor.report(NOW)
}

/** `broker ok broker-reached`, … */
async function findings(site: Site): Promise<Record<string, string>> {
  const { checks } = await examined(site)
  return Object.fromEntries(checks.map(({ check, status, code }) => [check, `${status} ${code}`]))
}

async function checkOf(name: DoctorCheck['check'], site: Site): Promise<DoctorCheck> {
  const check = (await examined(site)).checks.find(({ check }) => check === name)
  if (!check) throw new Error(`no check ${name}`)
  return check
}

describe('the doctor', () => {
  it('finds a site well that is well', async () => {
    const report = await examined({ topics: { a: topic(), b: topic({ isState: true }) } })
    expect(report.status).toBe('ok')
    expect(report.checks.map(({ code }) => code)).toEqual([
      'broker-reached', 'login-accepted', 'subscription-granted', 'messages-seen', 'acceptance-all', 'clocks-right', 'states-seen', 'ghosts-none', 'root-unseen',
    ])
  })

  it.each([
    ['unreachable', 'broker-unreachable'], ['host-unknown', 'broker-host-unknown'], ['tls-failed', 'broker-tls-failed'],
    ['refused', 'broker-refused'], ['taken-over', 'broker-taken-over'], ['lost', 'broker-lost'], ['protocol-refused', 'broker-protocol-refused'],
  ] as const)('names a broker that is %s, and asks no further', async (code, found) => {
    expect(await findings({ broker: { code, protocol: null, granted: [] } })).toMatchObject({
      broker: `fault ${found}`, login: 'unknown skipped', subscription: 'unknown skipped', messages: 'unknown skipped', acceptance: 'unknown skipped',
    })
  })

  it('cannot tell while the first connection is being made', async () => {
    const report = await examined({ broker: { code: 'connecting', protocol: null } })
    expect(report.status).toBe('unknown')
  })

  it.each([['login-refused', 'login-refused'], ['not-authorized', 'login-not-authorized'], ['client-id-refused', 'login-client-id-refused']] as const)('names a login that is %s', async (code, found) => {
    expect(await findings({ broker: { code, protocol: null } })).toMatchObject({ broker: 'ok broker-reached', login: `fault ${found}`, subscription: 'unknown skipped' })
  })

  it('names a refused subscription with its filter and reason code', async () => {
    expect(await checkOf('subscription', { broker: { code: 'subscription-refused', granted: [], refused: ['sensors/#'], reasonCodes: [135] } }))
      .toEqual({ check: 'subscription', status: 'fault', code: 'subscription-refused', facts: { filters: ['sensors/#'], reasonCodes: [135] } })
  })

  it('tells a broker that withholds from one that is quiet, and from devices on other topics', async () => {
    expect(await findings({})).toMatchObject({ subscription: 'ok subscription-granted', messages: 'fault messages-none' })
    expect(await findings({ examination: { messages: 0, ownStatusSeen: false } })).toMatchObject({ subscription: 'fault subscription-withheld', messages: 'unknown skipped' })
    expect(await findings({ examination: {} })).toMatchObject({ messages: 'fault messages-nowhere' })
    expect(await checkOf('messages', { examination: { messages: 3, others: [{ topic: 'foo/bar', messages: 2, retained: false }], othersTotal: 1 } }))
      .toMatchObject({ code: 'messages-elsewhere', facts: { count: 1, topics: ['foo/bar'] } })
  })

  it('concludes nothing from an examination that failed or is long ago', async () => {
    expect(await findings({ examination: { outcome: 'failed', messages: 0 } })).toMatchObject({ messages: 'fault messages-none' })
    expect(await findings({ examination: { at: new Date(NOW - 11 * MINUTE).toISOString() } })).toMatchObject({ messages: 'fault messages-none' })
  })

  it('notices that nothing comes any more, or nothing but retained messages', async () => {
    expect(await findings({ topics: { a: topic({ lastMs: NOW - 11 * MINUTE }) } })).toMatchObject({ messages: 'warning messages-stopped' })
    expect(await findings({ topics: { a: topic({ live: 0, replayed: true }) } })).toMatchObject({ messages: 'warning messages-replayed' })
  })

  it('says which topics are rejected and why', async () => {
    const wrong = topic({ deviceId: undefined, reason: 'not-json' })
    expect(await checkOf('acceptance', { topics: { a: wrong, b: topic() }, rejected: 5 })).toMatchObject({
      status: 'warning', code: 'acceptance-some', facts: { accepted: 1, rejected: 5, count: 1, topics: ['a'], reasons: [{ reason: 'not-json', topics: 1 }] },
    })
    expect(await findings({ topics: { a: wrong } })).toMatchObject({ messages: 'ok messages-seen', acceptance: 'fault acceptance-none', clocks: 'unknown skipped' })
    expect(await findings({ topics: { a: topic({ reason: 'not-json', lastMs: NOW - 61 * MINUTE }), b: topic() } })).toMatchObject({ acceptance: 'ok acceptance-all' })
  })

  it('says that messages cannot be stored', async () => {
    expect(await findings({ broker: { code: 'store-failed' }, topics: { a: topic() } })).toMatchObject({ broker: 'ok broker-reached', acceptance: 'fault acceptance-store-failed' })
  })

  it('names devices whose clock is wrong, the worst first, and lists ten of them', async () => {
    const topics = Object.fromEntries(Array.from({ length: 40 }, (_, n) => [`t${n}`, topic({ deviceId: `d${n}` })]))
    const wrongClocks = [{ deviceId: 'd1', aheadMs: 6 * MINUTE }, { deviceId: 'd2', aheadMs: -YEAR }]
    expect(await checkOf('clocks', { topics, wrongClocks })).toMatchObject({
      status: 'warning', code: 'clocks-wrong', facts: { count: 2, of: 40, devices: ['d2', 'd1'], aheadSeconds: [-YEAR / 1_000, 360] },
    })
    const many = Array.from({ length: 30 }, (_, n) => ({ deviceId: `d${n}`, aheadMs: YEAR }))
    const { facts } = await checkOf('clocks', { topics, wrongClocks: many })
    expect(facts).toMatchObject({ count: 30 })
    expect(facts.devices).toHaveLength(10)
  })

  it('says for a day that the clock of the server was set back', async () => {
    const site = { topics: { a: topic() }, wrongClocks: [{ deviceId: 'tor-1', aheadMs: 3_600_000 }] }
    const clockStep = { at: new Date(NOW - 60 * MINUTE).toISOString(), setBackSeconds: 3_600 }
    expect(await checkOf('clocks', { ...site, clockStep })).toMatchObject({
      status: 'warning', code: 'clocks-server-set-back', facts: { count: 1, lastAt: clockStep.at, seconds: 3_600 },
    })
    const longAgo = { ...clockStep, at: new Date(NOW - 25 * 60 * MINUTE).toISOString() }
    expect(await checkOf('clocks', { ...site, clockStep: longAgo })).toMatchObject({ code: 'clocks-wrong' })
  })

  it('waits ten minutes before it calls a device a ghost', async () => {
    const topics = { a: topic({ deviceId: 'gone', live: 0, replayed: true }), b: topic() }
    expect(await findings({ topics, broker: { since: new Date(NOW - 9 * MINUTE).toISOString() } })).toMatchObject({ ghosts: 'unknown ghosts-waiting' })
    expect(await checkOf('ghosts', { topics })).toMatchObject({ status: 'warning', code: 'ghosts-seen', facts: { count: 1, of: 2, devices: ['gone'] } })
  })
})

describe('the topic of the application', () => {
  it('cannot be told before a look, nor where the broker withholds it', async () => {
    expect(await findings({})).toMatchObject({ root: 'unknown root-unseen' })
    expect(await findings({ examination: { ownStatusSeen: false } })).toMatchObject({ root: 'unknown root-unseen' })
    expect(await findings({ examination: {} })).toMatchObject({ root: 'ok root-alone' })
  })

  it('is shared with whoever else was seen there, whether or not messages arrive', async () => {
    const strangers = [{ topic: 'leitstand/status', installation: 'leitstand-other' }, { topic: 'leitstand/x', installation: null }]
    expect(await checkOf('root', { examination: { ownStatusSeen: false, strangers } }))
      .toMatchObject({ status: 'warning', code: 'root-shared', facts: { root: 'leitstand', count: 2, topics: ['leitstand/status', 'leitstand/x'], installations: ['leitstand-other'] } })
  })
})

describe('an examination', () => {
  it('is made once at a time, and not without a connection', async () => {
    let begun = 0
    let end = (_: Examination) => {}
    let protocol: BrokerStatus['protocol'] = null
    const doctor = createDoctor({
      broker: () => ({ ...CONNECTED, protocol }),
      counts: () => ({ received: 0, accepted: 0, rejected: 0 }),
      topics: () => [],
      examine: () => new Promise((resolve) => { begun++; end = resolve }),
      wrongClocks: () => [],
      clockStep: () => null,
      root: 'leitstand',
    })
    expect(doctor.examine()).toBeUndefined()
    protocol = 'MQTT 5.0'
    const [first, second] = [doctor.examine(), doctor.examine()]
    end(LOOKED)
    expect(await first).toEqual(LOOKED)
    expect(await second).toEqual(LOOKED)
    expect(begun).toBe(1)
    void doctor.examine()
    expect(begun).toBe(2)
  })
})
