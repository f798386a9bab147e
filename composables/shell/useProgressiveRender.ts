import { onBeforeUnmount, onMounted, readonly, ref } from 'vue'

/**
 * How many parts of a component should be rendered now, up to `most`: one more with each task after it was mounted.
 * So a large component does not delay urgent work.
 */
export function useProgressiveRender(most: number) {
  const due = ref(0)
  // A timer would let everything else run first, and would soon run no sooner than after 4 ms.
  let channel: MessageChannel | undefined

  function end() {
    channel?.port1.close()
    channel = undefined
  }

  onMounted(() => {
    const { port1, port2 } = channel = new MessageChannel()
    port1.onmessage = () => {
      due.value++
      if (due.value < most) port2.postMessage(null)
      else end()
    }
    port2.postMessage(null)
  })
  onBeforeUnmount(end)
  return readonly(due)
}
