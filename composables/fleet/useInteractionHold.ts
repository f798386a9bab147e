import { useEventListener } from '@vueuse/core'
import { onScopeDispose } from 'vue'
import type { Ref } from 'vue'

/** A pointer that rests on the list all night must not hold it for ever. */
const LET_GO_MS = 15_000
/** After a touch or a turn of the wheel another one usually follows soon. */
const TOUCH_MS = 4_000

/** Sets `isHeld` while the pointer or the keyboard is used inside `area`. */
export function useInteractionHold(area: Readonly<Ref<HTMLElement | null>>, isHeld: Ref<boolean>) {
  let timer: ReturnType<typeof setTimeout> | undefined

  function hold(forMs: number) {
    clearTimeout(timer)
    isHeld.value = true
    timer = setTimeout(release, forMs)
  }

  function release() {
    clearTimeout(timer)
    isHeld.value = false
  }

  const passive = { passive: true }
  useEventListener(area, ['pointerenter', 'pointermove', 'pointerdown'], (event: PointerEvent) => {
    hold(event.pointerType === 'mouse' ? LET_GO_MS : TOUCH_MS)
  }, passive)
  useEventListener(area, 'pointerleave', (event: PointerEvent) => {
    if (event.pointerType === 'mouse') release()
  }, passive)
  useEventListener(area, 'touchmove', () => hold(TOUCH_MS), passive)
  useEventListener(area, ['focusin', 'keydown'], () => hold(LET_GO_MS), passive)
  useEventListener(area, 'focusout', release, passive)
  onScopeDispose(() => clearTimeout(timer))
}
