import type { StreamEvent } from '#shared/schemas/events'
import { eventName } from './components'
import type { ComponentName } from './components'
import { EVENT_EXAMPLES, EXAMPLES } from './examples'

export interface Message {
  name: ComponentName
  summary: string
  example: unknown
  /** JSON unless specified otherwise. */
  contentType?: string
}

export interface Channel {
  address: string
  server: 'broker' | 'web'
  summary: string
  /** What the application reads there, and what it publishes. */
  receives: readonly Message[]
  sends: readonly Message[]
  /** The shape of its query parameters. */
  query?: ComponentName
  /** The broker retains the application's own messages. */
  retained?: boolean
}

const EVENT_SUMMARIES: Record<StreamEvent['type'], string> = {
  snapshot: 'Every device (that was asked for); the first event of every connection that does not resume. `reason` says why resuming was not possible.',
  telemetry: 'One accepted telemetry message, in order per device.',
  state: 'The last word of a device’s state topic; `status` is null when the retained state was deleted.',
  presence: 'Whether a device is alive, when that changes or when it is known better how often it speaks (`intervalSeconds`) and after how long it is silent (`silentAfterSeconds`).',
  broker: 'How the connection to the broker stands, at first and whenever it changes.',
  device: 'People say something else about a device; to every client that asked for something and may see it, whichever devices it named.',
  forgotten: 'A device was forgotten and is not there any more; until the moment named it can be brought back, and then its `states` come. To every client that may see it, whichever devices it named.',
  withdrawn: 'A device is not among those any more that the client may see; only to those with limited rights.',
  batch: 'Telemetry of some milliseconds, nothing left out; with `batch=`.',
  states: 'The latest state of devices that changed: with `mode=latest`, after `subscribe`, of a device that has joined a wanted group, was brought back or may be seen only now, and for a client that could not keep up.',
  resumed: 'Everything after the event named by `after=` follows; `missed` says how many events.',
  subscribed: 'From here on only so many devices, `null` is all of them; named groups bring their present members.',
  heartbeat: 'Every ten seconds: the last event sent to the client, and how far behind it is.',
  coalesced: 'The client read too slowly: so many events were merged, and only the latest of each device follows.',
  clock: 'On a replay: which moment it has reached, how fast it plays, and whether it does; four times a second while it plays, after every request, and every ten seconds.',
  pong: 'Answer to a ping.',
  error: 'Answer to what was not understood; the connection stays open.',
}
const EVENTS = Object.values(EVENT_EXAMPLES).map((example): Message => ({ name: eventName(example.type), summary: EVENT_SUMMARIES[example.type], example }))

/** Every topic, and the event stream. */
export const CHANNELS = {
  telemetry: {
    address: 'sensors/{deviceId}/telemetry',
    server: 'broker',
    summary: 'What a device measures. The topic decides the deviceId.',
    receives: [{
      name: 'TelemetryMessage',
      summary: 'Named values; `ts` is the receive time when absent. A `deviceId` that differs from the topic’s is a rejection.',
      example: EXAMPLES.TelemetryMessage,
    }],
    sends: [],
  },
  state: {
    address: 'sensors/{deviceId}/state',
    server: 'broker',
    summary: 'What a device, or its last will, says of its state; usually retained.',
    receives: [{
      name: 'StateMessage',
      summary: 'One word for the state and since when it holds. An empty payload deletes it.',
      example: EXAMPLES.StateMessage,
    }],
    sends: [],
  },
  status: {
    address: 'leitstand/status',
    server: 'broker',
    summary: 'Whether the application itself is there. `leitstand` is what `NUXT_MQTT_ROOT` says.',
    receives: [],
    sends: [{
      name: 'ApplicationStatus',
      summary: '`online` on connecting, `offline` on leaving and as last will.',
      example: EXAMPLES.ApplicationStatus,
      contentType: 'text/plain',
    }],
    retained: true,
  },
  events: {
    address: '/ws/events',
    server: 'web',
    summary: 'A WebSocket: first the snapshot, then every event. A client may ignore types and fields that it does not know.',
    query: 'StreamQuery',
    receives: [{ name: 'StreamRequest', summary: 'A ping, answered with a pong, or a choice of devices and groups; on a replay (`at`) also play, pause, step and seek. Anything else is answered with an error.', example: EXAMPLES.StreamRequest }],
    sends: EVENTS,
  },
} as const satisfies Record<string, Channel>
