import type { DoctorCheck, DoctorCode, DoctorFacts, DoctorStatus } from '#shared/schemas/doctor'
import { MAX_DOCTOR_NAMES } from '#shared/schemas/doctor'
import type { BrokerCode } from '#shared/schemas/health'
import type { Evidence } from './evidence'

type Finding = Omit<DoctorCheck, 'check'>
type Judge = (evidence: Evidence) => Finding

/** For this long after the server's clock was set back, that explains more than any device's clock. */
const STEP_SHOWN_MS = 86_400_000
/** When a site is silent, and when devices that are known only from retained messages should have sent something. */
const STOPPED_MS = 600_000
const GHOST_MS = 600_000

const BROKER_FAULTS: Partial<Record<BrokerCode, DoctorCode>> = {
  'unreachable': 'broker-unreachable',
  'host-unknown': 'broker-host-unknown',
  'tls-failed': 'broker-tls-failed',
  'protocol-refused': 'broker-protocol-refused',
  'refused': 'broker-refused',
  'taken-over': 'broker-taken-over',
  'lost': 'broker-lost',
}
const LOGIN_FAULTS: Partial<Record<BrokerCode, DoctorCode>> = {
  'login-refused': 'login-refused',
  'not-authorized': 'login-not-authorized',
  'client-id-refused': 'login-client-id-refused',
}
const SKIPPED: Finding = { status: 'unknown', code: 'skipped', facts: {} }

/** In this order: a failing check makes the next one unknown. */
const CONNECTION: [DoctorCheck['check'], Judge][] = [['broker', judgeBroker], ['login', judgeLogin], ['subscription', judgeSubscription], ['messages', judgeMessages]]
/** These need messages, but not each other. */
const CONTENT: [DoctorCheck['check'], Judge][] = [['acceptance', judgeAcceptance], ['clocks', judgeClocks], ['states', judgeStates], ['ghosts', judgeGhosts]]

/** Every check in order. */
export function diagnose(evidence: Evidence): DoctorCheck[] {
  let isPossible = true
  const checks = CONNECTION.map(([check, judge]) => {
    const finding = isPossible ? judge(evidence) : SKIPPED
    isPossible &&= finding.status === 'ok' || finding.status === 'warning'
    return { check, ...finding }
  })
  // What has arrived can be judged, whatever happened to the connection since.
  const hasMessages = evidence.received > 0
  return [...checks, ...CONTENT.map(([check, judge]) => ({ check, ...(hasMessages ? judge(evidence) : SKIPPED) })), { check: 'root', ...judgeRoot(evidence) }]
}

/** The worst of them. */
export function worst(checks: readonly DoctorCheck[]): DoctorStatus {
  const order = ['fault', 'warning', 'ok'] as const
  return order.find(status => checks.some(check => check.status === status)) ?? 'unknown'
}

function judgeBroker({ broker: { code, reason, url } }: Evidence): Finding {
  if (code === 'connecting' || code === 'stopped') return finding('unknown', 'broker-connecting', { url })
  const fault = BROKER_FAULTS[code]
  return fault ? finding('fault', fault, { url, reason }) : finding('ok', 'broker-reached', { url })
}

function judgeLogin({ broker: { code, reason } }: Evidence): Finding {
  const fault = LOGIN_FAULTS[code]
  return fault ? finding('fault', fault, { reason }) : finding('ok', 'login-accepted')
}

function judgeSubscription({ broker: { refused, granted, reasonCodes = [], further }, received, examination, root }: Evidence): Finding {
  if (refused.length > 0) return finding('fault', 'subscription-refused', { filters: refused, reasonCodes })
  // Some brokers grant every subscription and then withhold what the access list does not allow.
  const isWithheld = received === 0 && examination?.outcome === 'looked' && examination.messages === 0
  if (isWithheld) return finding('fault', 'subscription-withheld', { filters: granted, root })
  const filters = [...granted, ...further?.granted ?? []]
  const declined = further?.declined ?? []
  return declined.length > 0 ? finding('ok', 'subscription-declined', { filters, declined }) : finding('ok', 'subscription-granted', { filters })
}

function judgeMessages({ nowMs, broker, received, lastLiveMs, examination }: Evidence): Finding {
  if (received === 0) {
    if (examination?.outcome !== 'looked') return finding('fault', 'messages-none', { filters: broker.granted })
    const { others, othersTotal } = examination
    return othersTotal > 0
      ? finding('fault', 'messages-elsewhere', { filters: broker.granted, count: othersTotal, topics: some(others.map(({ topic }) => topic)) })
      : finding('fault', 'messages-nowhere', { filters: broker.granted })
  }
  if (lastLiveMs === undefined) return finding('warning', 'messages-replayed', { messages: received })
  const facts = { messages: received, lastAt: new Date(lastLiveMs).toISOString() }
  const isStopped = nowMs - Math.max(lastLiveMs, Date.parse(broker.since)) > STOPPED_MS
  return isStopped ? finding('warning', 'messages-stopped', facts) : finding('ok', 'messages-seen', facts)
}

function judgeAcceptance({ broker, accepted, rejected, rejectedTopics, reasons }: Evidence): Finding {
  if (broker.code === 'store-failed') return finding('fault', 'acceptance-store-failed', { reason: broker.reason })
  const facts = { accepted, rejected }
  if (rejectedTopics.length === 0) return finding('ok', 'acceptance-all', facts)
  const details = {
    ...facts,
    count: rejectedTopics.length,
    topics: some(rejectedTopics),
    reasons: [...reasons].map(([reason, topics]) => ({ reason, topics })).sort((a, b) => b.topics - a.topics),
  }
  return accepted === 0 ? finding('fault', 'acceptance-none', details) : finding('warning', 'acceptance-some', details)
}

function judgeClocks({ nowMs, devices, wrongClocks, clockStep }: Evidence): Finding {
  if (devices.size === 0) return SKIPPED
  const wrong = wrongClocks.toSorted((a, b) => Math.abs(b.aheadMs) - Math.abs(a.aheadMs))
  const facts = { count: wrong.length, of: devices.size }
  if (clockStep && nowMs - Date.parse(clockStep.at) < STEP_SHOWN_MS) {
    return finding('warning', 'clocks-server-set-back', { ...facts, lastAt: clockStep.at, seconds: clockStep.setBackSeconds })
  }
  if (wrong.length === 0) return finding('ok', 'clocks-right', { of: devices.size })
  const listed = some(wrong)
  return finding('warning', 'clocks-wrong', {
    ...facts,
    devices: listed.map(({ deviceId }) => deviceId),
    aheadSeconds: listed.map(({ aheadMs }) => Math.round(aheadMs / 1_000)),
  })
}

function judgeStates({ devices }: Evidence): Finding {
  if (devices.size === 0) return SKIPPED
  const count = [...devices.values()].filter(({ hasState }) => hasState).length
  // It is optional: without it a device that disconnects becomes silent, only later.
  return finding('ok', count > 0 ? 'states-seen' : 'states-none', { count, of: devices.size })
}

function judgeGhosts({ nowMs, broker, devices }: Evidence): Finding {
  if (devices.size === 0) return SKIPPED
  const ghosts = [...devices].filter(([, { isLive }]) => !isLive).map(([deviceId]) => deviceId)
  const facts = { count: ghosts.length, of: devices.size }
  if (ghosts.length === 0) return finding('ok', 'ghosts-none', facts)
  if (nowMs - Date.parse(broker.since) < GHOST_MS) return finding('unknown', 'ghosts-waiting', facts)
  return finding('warning', 'ghosts-seen', { ...facts, devices: some(ghosts) })
}

/** Two installations at one topic overwrite each other's status. */
function judgeRoot({ examination, root }: Evidence): Finding {
  if (!examination?.ownStatusSeen && !examination?.strangers.length) return finding('unknown', 'root-unseen', { root })
  const { strangers } = examination
  if (strangers.length === 0) return finding('ok', 'root-alone', { root })
  return finding('warning', 'root-shared', {
    root,
    count: strangers.length,
    topics: some(strangers.map(({ topic }) => topic)),
    installations: some([...new Set(strangers.flatMap(({ installation }) => installation ?? []))]),
  })
}

function finding(status: DoctorStatus, code: DoctorCode, facts: DoctorFacts = {}): Finding {
  return { status, code, facts }
}

function some<T>(names: readonly T[]): T[] {
  return names.slice(0, MAX_DOCTOR_NAMES)
}
