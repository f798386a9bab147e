import { MAX_SEARCH_WORDS } from '#shared/schemas/device'
import { EXPORT_MESSAGES_HEADER } from '#shared/schemas/history'
import { MAX_SPARKLINES } from '#shared/schemas/sparkline'
import { ACCESS_ROUTES } from './access-routes'
import { DIAGNOSIS_ROUTES } from './diagnosis-routes'
import { REGISTRY_ROUTES } from './registry-routes'
import { fault, QUERY_INVALID } from './route'
import type { Header, Route } from './route'

const DEVICE_UNKNOWN = fault(404, '`device-unknown`: no device of this name has been heard.')
const NO_HISTORY = fault(
  503,
  '`history-unavailable`: the history is off, or it cannot be read now; the message says why.',
)

/** Of the past: in place of the answers to a query that is wrong and to a device that is not known. */
const POINT_IN_TIME_ERRORS = {
  ...fault(
    400,
    '`query-invalid`; `at-in-future`, `at-too-early`: nothing is stored of that time; the message says from when on.',
  ),
  ...fault(
    404,
    '`history-off`: with `at`, while the history is off. `device-unknown`: no device of this name has been heard, up to `at`.',
  ),
  ...fault(429, '`replays-busy`: with `at`, while as many replays are running as are allowed.'),
}

const METRIC = 'Name of the metric as the device sends it.'
const CACHE_HEADERS: Record<string, Header> = {
  'ETag': { type: 'string', description: 'Names this answer: it stays the same until a device changes or the server starts anew.' },
  'Cache-Control': {
    type: 'string',
    description: '`no-cache`: may be stored, and is validated with `If-None-Match`.',
  },
  'Vary': { type: 'string', description: '`Accept-Encoding`: larger answers are sent as `br` or `gzip` to whom takes them.' },
}
const LINK_HEADER: Header = { type: 'string', description: '`<…>; rel="next"` (RFC 8288) leads to the page that follows; there is none on the last.' }
const FROM = 'Begin of the range: ISO 8601 with zone, or milliseconds since 1970; by default a day before `to`.'
/** Where the past is asked for. */
const AT = 'The past instead of the present: what was measured up to this moment (ISO 8601 with zone).'
const TO = 'End of the range, in the same forms; by default now.'
const EXPORT_FORMATS = 'Comma-separated values with a heading; the same for German Excel (semicolons, decimal commas, '
  + 'local times beside the exact ones, a byte order mark); or one JSON object a line, in which everything is exact.'
const EXPORTED = 'The file: time (ISO 8601), metric and value of each sample; in CSV also the device, what people call it, '
  + 'and the unit. There numbers stand without quotes, and no text is a formula: an apostrophe stands in front of each '
  + 'that begins like one, also behind a separator inside of it. The value is empty, or `null`, where there was none. '
  + 'In JSON `exact` marks whole numbers of more digits than a double keeps.'

/** Every route of the API. A test compares this table with the files below `server/api`. */
export const ROUTES: readonly Route[] = [
  {
    method: 'get', path: '/api/sensors', id: 'listDevices', tag: 'devices',
    summary: 'The last known state of every device, or of those that are asked for.',
    query: {
      schema: 'DevicesQuery',
      parameters: {
        limit: 'Devices on a page; without it all in one answer.',
        cursor: 'Goes on behind the page before: follow its `Link` header. It stays usable while devices come and go.',
        q: `Only devices whose deviceId, metric names, values or status contain every word, in any case; at most ${MAX_SEARCH_WORDS} words.`,
        fields: 'Only these fields of a device, separated by commas; `deviceId` is always there.',
        at: AT,
      },
    },
    requestHeaders: { 'If-None-Match': 'The `ETag` of an answer that is at hand: 304 while nothing has changed.' },
    answers: {
      200: {
        description: 'The devices: in the order they were first heard, with any parameter sorted by deviceId.',
        schema: 'DeviceList',
        headers: { ...CACHE_HEADERS, Link: LINK_HEADER },
      },
      304: { description: 'Nothing has changed since the answer with that `ETag`.', isEmpty: true, headers: CACHE_HEADERS },
      ...POINT_IN_TIME_ERRORS, ...NO_HISTORY,
    },
  },
  {
    method: 'get', path: '/api/sensors/{deviceId}', id: 'getDevice', tag: 'devices',
    summary: 'The last known state of one device, or its state at a past moment.',
    query: { schema: 'DeviceQuery', parameters: { at: AT } },
    answers: { 200: { description: 'The device.', schema: 'DeviceState' }, ...POINT_IN_TIME_ERRORS, ...NO_HISTORY },
  },
  {
    method: 'get', path: '/api/sensors/{deviceId}/messages', id: 'listMessages', tag: 'devices',
    summary: 'The messages of one device, newest first, page by page.',
    query: {
      schema: 'MessagesQuery',
      parameters: { limit: 'Messages on a page.', before: 'Only messages measured before this moment: `next` of the page before.' },
    },
    answers: { 200: { description: 'The messages.', schema: 'RecentMessages' }, ...QUERY_INVALID, ...DEVICE_UNKNOWN },
  },
  {
    method: 'get', path: '/api/sensors/{deviceId}/counters', id: 'getCounters', tag: 'devices',
    summary: 'What became of the messages of one device since it was first heard.',
    answers: { 200: { description: 'The counters.', schema: 'DeviceCounters' }, ...DEVICE_UNKNOWN },
  },
  {
    method: 'get', path: '/api/sensors/{deviceId}/history', id: 'getHistory', tag: 'history',
    summary: 'One metric over time: thinned to buckets that keep every peak, or every sample.',
    query: {
      schema: 'HistoryQuery',
      parameters: {
        metric: METRIC,
        from: FROM,
        to: TO,
        points: 'About how many buckets to answer with.',
        resolution: '`raw` answers with every sample instead of buckets.',
        limit: 'Most samples of a `raw` answer; `more` says that there are others behind.',
      },
    },
    answers: {
      200: { description: 'By `kind`: buckets of a number, intervals of a text or boolean, or every sample.', schema: 'HistoryAnswer' },
      ...QUERY_INVALID, ...DEVICE_UNKNOWN, ...NO_HISTORY,
    },
  },
  {
    method: 'get', path: '/api/sensors/{deviceId}/presence', id: 'getPresenceLines', tag: 'history',
    summary: 'What one device was when: `live`, `late`, `silent`, `offline` or `unknown`.',
    query: {
      schema: 'PresenceQuery',
      parameters: { from: FROM, to: TO, limit: 'Most lines; of more the newest, and `more` says so.' },
    },
    answers: { 200: { description: 'The lines, oldest first, and the one before them.', schema: 'PresenceAnswer' }, ...QUERY_INVALID, ...DEVICE_UNKNOWN, ...NO_HISTORY },
  },
  {
    method: 'get', path: '/api/sensors/{deviceId}/export', id: 'exportHistory', tag: 'history',
    summary: 'Every sample of a range as a file, written while it is read.',
    query: {
      schema: 'ExportQuery',
      parameters: {
        metric: `${METRIC} All metrics without it.`,
        from: FROM,
        to: TO,
        format: EXPORT_FORMATS,
        zone: 'Time zone of the local times of `csv-de`.',
      },
    },
    answers: {
      200: {
        description: EXPORTED,
        files: {
          'text/csv': 'time,device,name,metric,unit,value\n2026-11-02T12:00:00.000Z,tor-1,Ramp,tempC,°C,21.3\n',
          'application/jsonl': '{"time":"2026-11-02T12:00:00.000Z","metric":"tempC","value":21.3}\n',
        },
        headers: { [EXPORT_MESSAGES_HEADER]: { type: 'integer', description: 'How many messages the file is made from.' } },
      },
      ...QUERY_INVALID, ...DEVICE_UNKNOWN, ...NO_HISTORY,
    },
  },
  {
    method: 'get', path: '/api/presence', id: 'getPresence', tag: 'devices',
    summary: 'How many devices there are of each presence.',
    answers: { 200: { description: 'The counts.', schema: 'PresenceCounts' } },
  },
  {
    method: 'get', path: '/api/sparklines', id: 'getSparklines', tag: 'history',
    summary: 'The last hour of the first numeric metric of each device named.',
    query: {
      schema: 'SparklineQuery',
      parameters: { device: `A deviceId; repeated for several, at most ${MAX_SPARKLINES}.`, at: 'The hour before this moment (ISO 8601 with zone) instead of the last one.' },
    },
    answers: { 200: { description: 'By deviceId; devices without numbers are left out.', schema: 'Sparklines' }, ...QUERY_INVALID, ...NO_HISTORY },
  },
  {
    method: 'get', path: '/api/events', id: 'streamEvents', tag: 'devices',
    summary: 'The event stream of `/ws/events` as server-sent events; `Last-Event-ID` resumes like `after`.',
    query: {
      schema: 'StreamQuery',
      parameters: {
        after: 'Resume behind the event with this id; empty to be given ids from the snapshot on.',
        mode: '`every` event, or the `latest` state of the devices that changed.',
        rate: 'With `mode=latest`: at most so many frames a second.',
        batch: 'With `mode=every`: telemetry is collected for so many milliseconds and sent as one `batch`.',
        device: 'Only this device; repeated for several.',
        at: 'A replay: the events from this moment on (ISO 8601 with zone).',
        speed: 'With `at`: how fast, 1 as it was; 0 only shows the moment.',
        group: 'Only the devices of this group, by its present members; repeated for several, and added to `device`.',
      },
    },
    answers: {
      200: { description: 'The stream; each `data:` is an event of the AsyncAPI document.', files: { 'text/event-stream': 'id: Zm9vYmFy.4711\ndata: {"type":"snapshot","data":[]}\n\n' } },
      ...POINT_IN_TIME_ERRORS,
      ...fault(429, '`replays-busy`: with `at`, while as many replays are running as are allowed. `streams-too-many`: there are as many stream clients from this address as are allowed.'),
      ...fault(
        503,
        '`streams-too-many`: there are as many stream clients as are allowed. `history-unavailable`: with `at`, the history is off, or it cannot be read now.',
      ),
    },
  },
  {
    method: 'get', path: '/api/rejections', id: 'getRejections', tag: 'operation',
    summary: 'Messages that were not accepted: how many, why, and the last of them.',
    answers: { 200: { description: 'The report.', schema: 'RejectionReport' } },
  },
  {
    method: 'get', path: '/api/health', id: 'getHealth', tag: 'operation',
    summary: 'Whether messages can arrive.',
    answers: {
      200: { description: 'They can. Visitors without access get `status` alone.', schema: 'HealthAnswer' },
      503: { description: 'They cannot; `reason` says why.', schema: 'HealthAnswer' },
    },
  },
  {
    method: 'get', path: '/api/storage', id: 'getStorage', tag: 'operation',
    summary: 'What the history holds, how it grows and what costs most.',
    answers: { 200: { description: 'The figures.', schema: 'Storage' }, ...NO_HISTORY },
  },
  {
    method: 'get', path: '/api/openapi.json', id: 'getOpenApi', tag: 'documents',
    summary: 'The HTTP API as OpenAPI 3.1.',
    answers: { 200: { description: 'This document.' } },
  },
  {
    method: 'get', path: '/api/asyncapi.json', id: 'getAsyncApi', tag: 'documents',
    summary: 'The MQTT topics and the event stream as AsyncAPI 3.0.',
    answers: { 200: { description: 'The document.' } },
  },
  ...DIAGNOSIS_ROUTES,
  ...REGISTRY_ROUTES,
  ...ACCESS_ROUTES,
]
