import { createSharedComposable, tryOnScopeDispose } from '@vueuse/core'
import { computed, readonly, ref, shallowReadonly, shallowRef } from 'vue'
import type { DeviceState } from '#shared/schemas/device'
import type { StreamEvent } from '#shared/schemas/events'
import type { BrokerStatus } from '#shared/schemas/health'
import type { Telemetry } from '#shared/schemas/telemetry'
import { entryWithPresence, entryWithState, entryWithStatus, entryWithTelemetry, toFleetEntry } from '#shared/fleet/fleet-entry'
import type { FleetEntry } from '#shared/fleet/fleet-entry'
import { useEventStream } from '../stream/useEventStream'
import { useVisibleDevices } from './useVisibleDevices'
import type { DistantEvent } from './useVisibleDevices'
import { presentMs } from '../shell/useServerTime'

/** A hidden tab draws no frames; its timers still run. */
const HIDDEN_TAB_MS = 500
/** Events that may wait for the next frame; more are applied at once. */
const MAX_WAITING = 5_000

function createFleet() {
  const stream = useEventStream()
  // A plain Map: making 10,000 devices reactive would cost more than drawing the 30 visible ones.
  const entries = new Map<string, FleetEntry>()
  const revision = ref(0)
  const members = ref(0)
  const hasSnapshot = ref(false)
  const broker = shallowRef<BrokerStatus | null>(null)
  let waiting: StreamEvent[] = []

  const drawing = createDrawing(applyWaiting)
  const visibleDevices = useVisibleDevices({ stream, size: () => entries.size, receive: receiveDistant })

  function applyWaiting() {
    drawing.cancel()
    const events = waiting
    waiting = []
    const sizeBefore = entries.size
    const nowMs = presentMs()
    for (const event of events) apply(event, nowMs)
    revision.value++
    if (entries.size !== sizeBefore) members.value++
    visibleDevices.review(nowMs)
  }

  function apply(event: StreamEvent, nowMs: number) {
    if (event.type === 'telemetry') {
      const { deviceId } = event.data
      entries.set(deviceId, entryWithTelemetry(entries.get(deviceId), stream.isPast.value ? asMeasured(event.data) : event.data, nowMs))
    }
    else if (event.type === 'state') {
      const { deviceId } = event.data
      entries.set(deviceId, entryWithStatus(entries.get(deviceId), event.data, nowMs))
    }
    else if (event.type === 'presence') {
      const entry = entries.get(event.data.deviceId)
      if (entry) entries.set(event.data.deviceId, entryWithPresence(entry, event.data))
    }
    else if (event.type === 'forgotten' || event.type === 'withdrawn') entries.delete(event.data.deviceId)
    else if (event.type === 'states') {
      for (const device of event.data) entries.set(device.deviceId, entryWithState(entries.get(device.deviceId), device, nowMs))
    }
  }

  /** Replaces the devices for which `isReplaced` is true by these. */
  function replace(devices: readonly DeviceState[], isReplaced: (deviceId: string) => boolean) {
    applyWaiting()
    for (const deviceId of entries.keys()) if (isReplaced(deviceId)) entries.delete(deviceId)
    for (const device of devices) if (isReplaced(device.deviceId)) entries.set(device.deviceId, toFleetEntry(device))
    hasSnapshot.value = true
    revision.value++
    members.value++
  }

  function wait(event: StreamEvent) {
    waiting.push(event)
    if (waiting.length >= MAX_WAITING) applyWaiting()
    else drawing.request()
  }

  tryOnScopeDispose(stream.onEvent((event) => {
    visibleDevices.hear(event)
    if (event.type === 'snapshot') {
      const isDistant = visibleDevices.isDistant()
      replace(event.data, deviceId => !(visibleDevices.isSplit() && isDistant(deviceId)))
    }
    else if (event.type === 'broker') broker.value = event.data
    else if (event.type === 'telemetry' || event.type === 'state' || event.type === 'presence' || event.type === 'states' || event.type === 'forgotten' || event.type === 'withdrawn') wait(event)
  }))

  function receiveDistant(event: DistantEvent) {
    const isDistant = visibleDevices.isDistant()
    if (event.type === 'snapshot') return replace(event.data, isDistant)
    if (event.type === 'forgotten' || event.type === 'withdrawn') return isDistant(event.data.deviceId) ? wait(event) : undefined
    const data = event.data.filter(({ deviceId }) => isDistant(deviceId))
    if (data.length > 0) wait({ ...event, data })
  }
  tryOnScopeDispose(drawing.cancel)

  return {
    status: readonly(stream.status),
    sinceMs: readonly(stream.sinceMs),
    /** The server's connection to the broker; `null` until it is known. */
    broker: shallowReadonly(broker),
    /** Whether there is anything to show: from the first snapshot on, also while disconnected. */
    hasSnapshot: readonly(hasSnapshot),
    /** Counts up when a device changes, at most once per frame. */
    revision: readonly(revision),
    /** Counts up when a device is added or removed. */
    members: readonly(members),
    isEmpty: computed(() => members.value >= 0 && entries.size === 0),
    /** The entry of one device; reactive. */
    entry(deviceId: string): FleetEntry | undefined {
      return revision.value >= 0 ? entries.get(deviceId) : undefined
    },
    has: (deviceId: string) => entries.has(deviceId),
    /** All entries as they are now; not reactive, watch `revision` or `members`. */
    all: (): Iterable<FleetEntry> => entries.values(),
    /** Whether only the devices of the page are followed. */
    isPartial: visibleDevices.isPartial,
    onEvent: stream.onEvent,
    /** Sets which devices a page shows, `null` for all; in a small fleet all are followed anyway. */
    show: visibleDevices.showOnly,
    /** Sets which devices are visible in the overview now, `null` when it is left. */
    look: visibleDevices.look,
  }
}

/** Every device as last heard, live; shared by all pages of this browser tab. */
export const useFleet = createSharedComposable(createFleet)

/** In a replay everything happens when it was measured: late messages are not heard later. */
function asMeasured(telemetry: Telemetry): Telemetry {
  return { ...telemetry, receivedAt: telemetry.ts }
}

/** Calls `draw` once with the next frame, or soon when the tab is hidden. */
function createDrawing(draw: () => void) {
  let frame: number | undefined
  let timer: ReturnType<typeof setTimeout> | undefined
  return {
    request() {
      if (frame !== undefined) return
      frame = requestAnimationFrame(draw)
      timer = setTimeout(draw, HIDDEN_TAB_MS)
    },
    cancel() {
      if (frame !== undefined) cancelAnimationFrame(frame)
      clearTimeout(timer)
      frame = timer = undefined
    },
  }
}
