import { onBeforeUnmount, onMounted, readonly, ref } from 'vue'

/**
 * How many frames have been drawn since the component was mounted, up to `most`: what is large is built part by part, so that no part
 * holds up the page for long. In a tab that nobody sees no frames are drawn.
 */
export function useFramesSince(most: number) {
  const frames = ref(0)
  let request = 0

  function next() {
    frames.value++
    if (frames.value < most) request = requestAnimationFrame(next)
  }

  onMounted(() => { request = requestAnimationFrame(next) })
  onBeforeUnmount(() => cancelAnimationFrame(request))
  return readonly(frames)
}
