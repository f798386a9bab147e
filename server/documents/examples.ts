import type { StreamEvent } from '#shared/schemas/events'
import type { InputOf, SchemaName } from './components'

const RECEIVED_AT = '2026-11-02T12:00:00.120Z'
const EVENT_ID = 'Zm9vYmFy.4711'
const METRICS = { tempC: 21.3, humidity: 48.2, doorState: 'open' }
const NUMBER = { deviceId: 'gate-001', metric: 'tempC', unit: '°C', from: '2026-11-02T11:00:00.000Z', to: '2026-11-02T12:00:00.000Z' }

const PULSES = '9007199254740993'

const telemetry: InputOf<'Telemetry'> = {
  deviceId: 'gate-001',
  ts: '2026-11-02T12:00:00Z',
  metrics: { ...METRICS, pulses: PULSES },
  receivedAt: RECEIVED_AT,
  exact: ['pulses'],
  absent: ['lux'],
}
const state: InputOf<'DeviceStatus'> = { status: 'open', updatedAt: '2026-11-02T11:58:30Z', receivedAt: '2026-11-02T11:58:30.080Z' }

const deviceState: InputOf<'DeviceState'> = {
  deviceId: 'gate-001',
  lastSeen: RECEIVED_AT,
  lastTelemetry: telemetry,
  values: {
    tempC: { value: 21.3, ts: '2026-11-02T12:00:00Z' },
    humidity: { value: 48.2, ts: '2026-11-02T12:00:00Z' },
    doorState: { value: 'open', ts: '2026-11-02T12:00:00Z' },
    pulses: { value: PULSES, ts: '2026-11-02T12:00:00Z', exact: true },
    lux: { value: null, ts: '2026-11-02T12:00:00Z' },
  },
  state,
  clock: 'ok',
  presence: 'live',
  presenceSince: '2026-11-02T08:00:05.120Z',
  intervalSeconds: 30,
  silentAfterSeconds: 82.5,
}

const brokerStatus: InputOf<'BrokerStatus'> = {
  code: 'connected',
  reason: 'Connected.',
  url: 'mqtt://broker:1883',
  embedded: false,
  protocol: 'MQTT 5.0',
  since: '2026-11-02T08:00:00.000Z',
  attempts: 0,
  granted: ['sensors/#'],
  refused: [],
}

const profile: InputOf<'DeviceProfile'> = {
  name: 'North gate',
  place: 'Yard',
  group: 'Gates',
  icon: 'door-open',
  intervalSeconds: 60,
  metrics: { humidity: { hidden: true }, tempC: { decimals: 1 } },
}

const forgotten: InputOf<'ForgottenDevice'> = { deviceId: 'gate-001', until: '2026-11-02T12:00:30.120Z', undoSeconds: 30 }

const examination: InputOf<'Examination'> = {
  at: RECEIVED_AT,
  outcome: 'looked',
  reason: null,
  seconds: 5,
  isCut: false,
  messages: 6,
  ownStatusSeen: true,
  strangers: [],
  others: [{ topic: 'plant/hall-1/tempC', messages: 5, retained: false }],
  othersTotal: 1,
  within: 0,
}

/** One example of a shape, by the shape's name. */
export const EXAMPLES = {
  TelemetryMessage: { ts: '2026-11-02T12:00:00Z', metrics: { ...METRICS, lux: null } },
  StateMessage: { status: 'open', updated_at: '2026-11-02T11:58:30Z' },
  ApplicationStatus: 'online',
  StreamRequest: { type: 'ping' },
  Telemetry: telemetry,
  DeviceStatus: state,
  DeviceState: deviceState,
  BrokerStatus: brokerStatus,
  Health: {
    status: 'ok',
    reason: null,
    broker: brokerStatus,
    startedAt: '2026-11-02T08:00:00.000Z',
    clock: null,
    devices: 1,
    streamClients: 2,
    messages: { received: 1_205, accepted: 1_203, duplicate: 1, rejected: 1 },
    refused: { 'origin-foreign': 2 },
  },
  Rejection: {
    id: 1,
    at: RECEIVED_AT,
    topic: 'sensors/gate-001/telemetry',
    reason: 'not-json',
    detail: 'The payload is not JSON.',
    bytes: 5,
    excerpt: 'hello',
  },
  HistoryAnswer: {
    ...NUMBER,
    kind: 'number',
    resolution: 'minute',
    stepSeconds: 60,
    points: [{ time: 1_793_620_740_000, min: 21.1, max: 21.5, mean: 21.28, last: 21.3, count: 12 }],
    gaps: [{ from: 1_793_620_800_000, to: null }],
    skipped: 1,
  },
  PresenceAnswer: {
    deviceId: 'gate-001',
    from: '2026-11-01T12:00:00.000Z',
    to: '2026-11-02T12:00:00.000Z',
    before: { at: '2026-10-30T06:12:41.310Z', presence: 'live' },
    lines: [{ at: '2026-11-02T07:58:00.000Z', presence: 'unknown' }, { at: '2026-11-02T08:00:05.120Z', presence: 'live' }],
    more: false,
  },
  Storage: {
    bytes: 73_400_320,
    limitBytes: 2_000_000_000,
    durability: 'full',
    fault: null,
    devices: 1,
    series: 3,
    messages: 1_203,
    tiers: [{ tier: 'raw', bytes: 52_428_800, from: '2026-10-19T12:00:00.000Z', days: 14, bytesPerDay: 3_744_914 }],
    daysThatFit: 480,
    metrics: [{ deviceId: 'gate-001', metric: 'tempC', bytes: 20_971_520 }],
  },
  DeviceProfile: profile,
  KnownDevice: { deviceId: 'gate-001', ...profile, picture: 'q83vEjRWeJ' },
  ForgottenDevice: forgotten,
  SharedProfile: { intervalSeconds: 60 },
  Groups: [{ name: 'Gates', devices: 1, intervalSeconds: 60 }],
  Places: [{ name: 'Yard', devices: 1 }],
  RegistryFile: { format: 'leitstand-devices/1', site: {}, groups: [{ name: 'Gates', intervalSeconds: 60 }], devices: [{ deviceId: 'gate-001', ...profile }] },
  ImportReport: { dryRun: true, total: 1, changes: [{ path: 'devices.gate-001.name', before: '"Gate"', after: '"North gate"' }] },
  PresenceCounts: { live: 41, late: 1, silent: 2, offline: 1, unknown: 0 },
  Sparklines: { 'gate-001': { metric: 'tempC', points: [[1_793_620_680_000, 21.2], [1_793_620_740_000, 21.28]] } },
  Topics: {
    topics: 3,
    limit: 20_000,
    unlisted: 0,
    forgotten: 0,
    levels: [{
      under: '',
      more: 0,
      entries: [
        { kind: 'branch', path: 'sensors/', topics: 2, messages: 1_204, rate: 1.5, lastAt: RECEIVED_AT, rejected: 0 },
        {
          kind: 'topic',
          topic: 'sensors/gate-001/telemetry',
          messages: 1_203,
          rate: 1.5,
          lastAt: RECEIVED_AT,
          qos: 1,
          replayed: false,
          payload: { encoding: 'text', data: '{"metrics":{"tempC":21.3}}', bytes: 26 },
          verdict: { kind: 'telemetry', deviceId: 'gate-001', metrics: ['tempC'], count: 1 },
        },
      ],
    }],
  },
  Examination: examination,
  Doctor: {
    at: RECEIVED_AT,
    status: 'fault',
    checks: [
      { check: 'broker', status: 'ok', code: 'broker-reached', facts: { url: 'mqtt://broker:1883' } },
      { check: 'messages', status: 'fault', code: 'messages-elsewhere', facts: { filters: ['sensors/#'], count: 1, topics: ['plant/hall-1/tempC'] } },
      { check: 'acceptance', status: 'unknown', code: 'skipped', facts: {} },
    ],
    examination,
  },
  ErrorAnswer: { error: { code: 'device-unknown', message: 'No device “gate-009” has been heard since the server started.' } },
} as const satisfies { [Name in SchemaName]?: InputOf<Name> }

/** One example of every event of the stream. */
export const EVENT_EXAMPLES: { [Type in StreamEvent['type']]: Extract<StreamEvent, { type: Type }> } = {
  snapshot: { type: 'snapshot', data: [deviceState] },
  telemetry: { type: 'telemetry', data: telemetry },
  state: { type: 'state', data: { ...state, deviceId: 'gate-001' } },
  presence: { type: 'presence', data: { deviceId: 'gate-001', presence: 'silent', since: '2026-11-02T12:01:22.620Z', intervalSeconds: 30, silentAfterSeconds: 82.5 } },
  broker: { type: 'broker', data: brokerStatus },
  device: { type: 'device', id: EVENT_ID, data: { deviceId: 'gate-001', ...profile } },
  forgotten: { type: 'forgotten', id: EVENT_ID, data: forgotten },
  withdrawn: { type: 'withdrawn', id: EVENT_ID, data: { deviceId: 'gate-001' } },
  batch: { type: 'batch', id: EVENT_ID, data: [telemetry] },
  states: { type: 'states', id: EVENT_ID, data: [deviceState] },
  resumed: { type: 'resumed', id: EVENT_ID, data: { missed: 12 } },
  subscribed: { type: 'subscribed', id: EVENT_ID, data: { devices: 1 } },
  heartbeat: { type: 'heartbeat', id: EVENT_ID, data: { time: RECEIVED_AT, state: 'flowing', bufferedBytes: 0, waitingDevices: 0, coalescedEvents: 0 } },
  coalesced: { type: 'coalesced', data: { events: 5_210, devices: 930 } },
  clock: { type: 'clock', data: { at: '2026-11-02T12:00:00.000Z', speed: 60, state: 'playing' } },
  pong: { type: 'pong' },
  error: { type: 'error', data: { code: 'request-invalid', message: 'Only {"type":"ping"} and {"type":"subscribe","devices":[…],"groups":[…]} (one of the two, or devices null for all) are understood here.' } },
}
