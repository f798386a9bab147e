// Owns what the simulated site says and when: pure, the time is passed in. Never touches a clock or the network.
import { SECOND_MS } from './curves.ts'
import { createClimateSensor } from './devices/climate.ts'
import { createColdRoom } from './devices/cold-room.ts'
import type { Device } from './devices/device.ts'
import { createGate } from './devices/gate.ts'
import { fallingSilent, SILENT_AFTER_SECONDS, sometimesBroken, withWrongClock } from './faults.ts'

export interface SimulatedMessage {
  topic: string
  payload: string
  retain: boolean
}

export interface Site {
  /**
   * The site's next message: telemetry of one device after the other, and a gate's retained state whenever its door
   * has moved. Undefined when every device is silent. The same times asked in the same order give the same messages.
   * @param atMs Unix time in milliseconds.
   */
  next: (atMs: number) => SimulatedMessage | undefined
}

export interface FleetOptions {
  /** How many devices. */
  devices: number
  /** The same seed is the same fleet with the same curves. */
  seed: string
  /** Unix time in milliseconds at which the simulation starts; silent devices count from here. */
  startMs: number
  /** The last three of every fifty devices (of all, if there are fewer): one falls silent, one has a wrong clock, one sends broken payloads. */
  faults?: boolean
}

const KINDS = ['gate', 'climate', 'cold-room', 'gate', 'climate'] as const
const FAULTS_PER_DEVICES = 50

/** A mixed fleet (`tor-1`, `klima-1`, `kuehlraum-1` …) that takes turns. */
export function createSite(options: FleetOptions): Site {
  return takingTurns(createFleet(options))
}

/** The devices of a mixed fleet: two gates and two climate sensors for every cold room. */
export function createFleet({ devices, seed, startMs, faults = false }: FleetOptions): Device[] {
  const block = Math.min(devices, FAULTS_PER_DEVICES)
  const made = { 'gate': 0, 'climate': 0, 'cold-room': 0 }
  return Array.from({ length: devices }, (_, index) => {
    const kind = KINDS[index % KINDS.length] ?? 'gate'
    const device = createDevice(kind, ++made[kind], seed)
    return faults ? withFault(device, block - 1 - index % block, startMs) : device
  })
}

/** A site in which the given devices publish in turn. */
export function takingTurns(devices: readonly Device[]): Site {
  const lastStates = new Map<string, string>()
  let turn = 0
  let pending: SimulatedMessage | undefined

  function stateOf(device: Device, atMs: number): SimulatedMessage | undefined {
    const payload = device.state?.(atMs)
    if (payload === undefined || payload === lastStates.get(device.deviceId)) return undefined
    lastStates.set(device.deviceId, payload)
    return { topic: `sensors/${device.deviceId}/state`, payload, retain: true }
  }

  function nextTelemetry(atMs: number): SimulatedMessage | undefined {
    for (let asked = 0; asked < devices.length; asked++) {
      const device = devices[turn++ % devices.length]
      const payload = device?.telemetry(atMs)
      if (device === undefined || payload === undefined) continue
      pending = stateOf(device, atMs)
      return { topic: `sensors/${device.deviceId}/telemetry`, payload, retain: false }
    }
    return undefined
  }

  return {
    next(atMs) {
      if (pending === undefined) return nextTelemetry(atMs)
      const message = pending
      pending = undefined
      return message
    },
  }
}

function createDevice(kind: typeof KINDS[number], number: number, seed: string): Device {
  switch (kind) {
    case 'gate': return createGate(`tor-${number}`, seed)
    case 'climate': return createClimateSensor(`klima-${number}`, seed)
    case 'cold-room': return createColdRoom(`kuehlraum-${number}`, seed, { targetC: number % 2 ? -18 : 4, doorContact: number % 2 === 1 })
  }
}

/** The last three places of every block are the faulty ones. */
function withFault(device: Device, placeFromEnd: number, startMs: number): Device {
  switch (placeFromEnd) {
    case 0: return sometimesBroken(device)
    case 1: return withWrongClock(device)
    case 2: return fallingSilent(device, startMs + SILENT_AFTER_SECONDS * SECOND_MS)
    default: return device
  }
}
