import { useTimeoutFn } from '@vueuse/core'
import { watch } from 'vue'
import type { StreamEvent } from '#shared/schemas/events'
import type { useEventStream } from '../stream/useEventStream'
import { useStreamSocket } from '../stream/useStreamSocket'

/** From this many devices on a page asks only for those that it shows. */
const LARGE_FLEET = 1_000
/** Frames a second with the devices out of sight: as late as this may counts, filters and the order be. */
const DISTANT_RATE = 0.5
const DISTANT_EVERY_MS = 1_000 / DISTANT_RATE
/** A whole state is about three times as long as one message: only above this many messages per device does it save anything. */
const WORTH_MERGING = 3
/** Messages in that time that are not worth a second connection. */
const MUCH = 1_000
/** How long values in sight wait for those out of sight before everything is followed again. */
const PATIENCE_MS = 10_000
/** Names that a request may hold, in characters of an address: proxies allow 8 KB in all. What is beyond counts as out of sight. */
const MAX_NAMES_LENGTH = 4_000

/** Of devices out of sight: what changed, the snapshot with all of them, and which of them are gone. */
export type DistantEvent = Extract<StreamEvent, { type: 'states' | 'snapshot' | 'forgotten' | 'withdrawn' }>

interface FleetSightOptions {
  stream: ReturnType<typeof useEventStream>
  size: () => number
  /** Told of devices out of sight. */
  receive: (event: DistantEvent) => void
}

/**
 * Which devices of a large fleet are followed closely, and how the others. A page of one device needs no others. The overview
 * counts, filters, searches and sorts by nearly everything that is known of every device, so it must know of all: message by message, which
 * is one stream encoded once for all browsers; or, where devices say more than a screen can use, those in sight message by
 * message and all on a second connection as they are every two seconds.
 */
export function useVisibleDevices({ stream, size, receive }: FleetSightOptions) {
  let alone: readonly string[] | null = null
  let inSight: readonly string[] | null = null
  let isOpen = false
  const talk = createTalk()

  const distant = useStreamSocket({
    query: () => [['mode', 'latest'], ['rate', String(DISTANT_RATE)]],
    receive: event => (event.type === 'states' || event.type === 'snapshot' || event.type === 'forgotten' || event.type === 'withdrawn') && receive(event),
  })
  const patience = useTimeoutFn(follow, PATIENCE_MS, { immediate: false })

  function follow() {
    const isLarge = size() >= LARGE_FLEET
    const isSplit = !stream.isPast.value && !stream.isByEvents.value && !alone && inSight !== null && isLarge && talk.isMuch()
    if (isSplit) followInSight(inSight ?? [])
    else {
      closeDistant()
      stream.subscribe(isLarge ? alone : null)
    }
  }

  /** Nothing is let go of before somebody else tells of it. */
  function followInSight(deviceIds: readonly string[]) {
    if (!isOpen) openDistant()
    if (distant.status.value === 'live') stream.subscribe(withinLength(deviceIds))
    else if (!patience.isPending.value) stream.subscribe(null)
  }

  function openDistant() {
    isOpen = true
    patience.start()
    // What is known of all devices is as of the last event of the stream that followed them all.
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

  // The second connection knows only the present.
  watch(stream.isPast, follow, { flush: 'sync' })
  // Of connections that stay open a browser has few beside sockets.
  watch(stream.isByEvents, follow)

  return {
    /** A page that needs no other devices than these; `null`: no longer. */
    showOnly(deviceIds: readonly string[] | null) {
      alone = deviceIds
      follow()
    },
    /** Whether devices are known only as they were: the page needs no others, and of a large fleet no others are followed. */
    isPartial: () => alone !== null && size() >= LARGE_FLEET,
    /** What a page of all devices shows of them at the moment; `null`: nothing any more. */
    look(deviceIds: readonly string[] | null) {
      inSight = deviceIds
      follow()
    },
    /** Told of every event that the stream has brought; `review` after those of a frame. */
    hear: talk.hear,
    review(nowMs: number) {
      if (!talk.isMuch() && talk.review(nowMs)) follow()
    },
    /** Whether a device out of sight is told of by the second connection. */
    isDistant(): (deviceId: string) => boolean {
      const followed = stream.followed()
      const near = new Set(followed)
      return deviceId => followed !== null && !near.has(deviceId)
    },
    isSplit: () => isOpen && stream.followed() !== null,
  }
}

/** Whether devices say more than a screen can use; once they have, that stays so. */
function createTalk() {
  let isMuch = false
  let isOverrun = false
  let sinceMs = 0
  let messages = 0
  const speakers = new Set<string>()
  return {
    isMuch: () => isMuch,
    hear(event: StreamEvent) {
      // This browser cannot take what it is sent.
      if (event.type === 'coalesced') isOverrun = true
      if (event.type !== 'telemetry') return
      messages++
      speakers.add(event.data.deviceId)
    },
    review(nowMs: number): boolean {
      const elapsedMs = nowMs - sinceMs
      if (elapsedMs < DISTANT_EVERY_MS && !isOverrun) return false
      // A hidden tab draws rarely: what has gathered in a minute says nothing of two seconds.
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
