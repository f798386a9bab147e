import { useTimeoutFn } from '@vueuse/core'
import { watch } from 'vue'
import type { StreamEvent } from '#shared/schemas/events'
import type { useEventStream } from '../stream/useEventStream'
import { useStreamSocket } from '../stream/useStreamSocket'

/** From this many devices on, a page subscribes only to those that it shows. */
const LARGE_FLEET = 1_000
/** Frames per second of the other devices: counts, filters and the order may be this late. */
const DISTANT_RATE = 0.5
const DISTANT_EVERY_MS = 1_000 / DISTANT_RATE
/**
 * A whole state is about three times as long as a message: it saves something only above this many messages per
 * device.
 */
const WORTH_MERGING = 3
/** With fewer messages than this in that time, a second connection is not worth its cost. */
const MUCH = 1_000
/** How long values of visible devices wait for the others before everything is followed again. */
const PATIENCE_MS = 10_000
/**
 * Most names in a request, in characters of an address: proxies allow 8 KB in all. Others are followed as not
 * visible.
 */
const MAX_NAMES_LENGTH = 4_000

/** For devices that are not visible: what changed, the snapshot with all of them, and which were deleted. */
export type DistantEvent = Extract<StreamEvent, { type: 'states' | 'snapshot' | 'forgotten' | 'withdrawn' }>

interface VisibleDevicesOptions {
  stream: ReturnType<typeof useEventStream>
  size: () => number
  /** Called with data of devices that are not visible. */
  receive: (event: DistantEvent) => void
}

/**
 * Which devices of a large fleet are followed closely, and how the others are followed. A page of one device needs no
 * others. The overview counts, filters, searches and sorts by nearly all data of every device, so it needs all.
 * Either message by message, which is one stream encoded once for all browsers. Or, if devices send more than a
 * screen can use, the visible ones message by message and all on a second connection by their state every two
 * seconds.
 */
export function useVisibleDevices({ stream, size, receive }: VisibleDevicesOptions) {
  let alone: readonly string[] | null = null
  let visible: readonly string[] | null = null
  let isOpen = false
  const talk = createTalk()

  const distant = useStreamSocket({
    query: () => [['mode', 'latest'], ['rate', String(DISTANT_RATE)]],
    receive: event => (event.type === 'states' || event.type === 'snapshot' || event.type === 'forgotten' || event.type === 'withdrawn') && receive(event),
  })
  const patience = useTimeoutFn(follow, PATIENCE_MS, { immediate: false })

  function follow() {
    const isLarge = size() >= LARGE_FLEET
    const isSplit = !stream.isPast.value
      && !stream.isByEvents.value
      && !alone
      && visible !== null
      && isLarge
      && talk.isMuch()
    if (isSplit) followVisible(visible ?? [])
    else {
      closeDistant()
      stream.subscribe(isLarge ? alone : null)
    }
  }

  /** No stream is closed before the other one delivers its devices. */
  function followVisible(deviceIds: readonly string[]) {
    if (!isOpen) openDistant()
    if (distant.status.value === 'live') stream.subscribe(withinLength(deviceIds))
    else if (!patience.isPending.value) stream.subscribe(null)
  }

  function openDistant() {
    isOpen = true
    patience.start()
    // Known states are as of the last event of the stream that followed all devices.
    distant.open(stream.followed() === null ? stream.lastId() : undefined)
  }

  function closeDistant() {
    isOpen = false
    patience.stop()
    distant.close()
  }

  watch(distant.status, (now) => {
    if (!isOpen) return
    if (now === 'live') patience.stop()
    else patience.start()
    follow()
  }, { flush: 'sync' })

  // The second connection only knows the present.
  watch(stream.isPast, follow, { flush: 'sync' })
  // Browsers allow few open connections beside sockets.
  watch(stream.isByEvents, follow)

  return {
    /** A page that needs only these devices; `null`: no longer. */
    showOnly(deviceIds: readonly string[] | null) {
      alone = deviceIds
      follow()
    },
    /**
     * Whether other devices are out of date: the page needs no others, and in a large fleet no others are followed.
     */
    isPartial: () => alone !== null && size() >= LARGE_FLEET,
    /** The visible devices of a page with all devices; `null`: none any more. */
    look(deviceIds: readonly string[] | null) {
      visible = deviceIds
      follow()
    },
    /** Called for every event of the stream; `review` after those of a frame. */
    hear: talk.hear,
    review(nowMs: number) {
      if (!talk.isMuch() && talk.review(nowMs)) follow()
    },
    /** Whether the second connection covers a device that is not visible. */
    isDistant(): (deviceId: string) => boolean {
      const followed = stream.followed()
      const near = new Set(followed)
      return deviceId => followed !== null && !near.has(deviceId)
    },
    isSplit: () => isOpen && stream.followed() !== null,
  }
}

/** Whether devices send more than a screen can use; once true, it stays true. */
function createTalk() {
  let isMuch = false
  let isOverrun = false
  let sinceMs = 0
  let messages = 0
  const speakers = new Set<string>()
  return {
    isMuch: () => isMuch,
    hear(event: StreamEvent) {
      // This browser cannot process what it gets.
      if (event.type === 'coalesced') isOverrun = true
      if (event.type !== 'telemetry') return
      messages++
      speakers.add(event.data.deviceId)
    },
    review(nowMs: number): boolean {
      const elapsedMs = nowMs - sinceMs
      if (elapsedMs < DISTANT_EVERY_MS && !isOverrun) return false
      // A hidden tab draws rarely: what gathered in a minute is no measure for two seconds.
      const isTimely = elapsedMs < 2 * DISTANT_EVERY_MS
      isMuch = isOverrun || (isTimely && messages >= MUCH && messages > WORTH_MERGING * speakers.size)
      sinceMs = nowMs
      messages = 0
      speakers.clear()
      return isMuch
    },
  }
}

function withinLength(deviceIds: readonly string[]): readonly string[] {
  let length = 0
  const end = deviceIds.findIndex((deviceId) => {
    length += encodeURIComponent(deviceId).length + '&device='.length
    return length > MAX_NAMES_LENGTH
  })
  return end < 0 ? deviceIds : deviceIds.slice(0, end)
}
