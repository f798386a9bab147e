import { mountSuspended } from '@nuxt/test-utils/runtime'
import { enableAutoUnmount } from '@vue/test-utils'
import { afterEach, beforeEach, expect, vi } from 'vitest'
import { defineComponent } from 'vue'
import type { BrokerStatus } from '#shared/schemas/health'
import type { Telemetry } from '#shared/schemas/telemetry'
import { ServerSocket } from './socket'

export const NOW = Date.parse('2026-11-14T03:00:00.000Z')

/**
 * Fake time, a fake server, and no console output left unexplained. Mounting a page at an address waits for timers of
 * the router: such a stage needs `isTimeRunning`.
 */
export function useStage({ isTimeRunning = false } = {}) {
  enableAutoUnmount(afterEach)
  beforeEach(() => {
    vi.useFakeTimers({ now: NOW, shouldAdvanceTime: isTimeRunning, toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date', 'requestAnimationFrame', 'cancelAnimationFrame'] })
    vi.stubGlobal('WebSocket', ServerSocket)
    vi.spyOn(console, 'warn')
    vi.spyOn(console, 'error')
  })
  afterEach(() => {
    expect(console.warn).not.toHaveBeenCalled()
    expect(console.error).not.toHaveBeenCalled()
    ServerSocket.all.length = 0
    vi.restoreAllMocks()
    vi.unstubAllGlobals()
    vi.useRealTimers()
  })
}

/** Runs a composable inside a mounted component. */
export async function mountComposable<T>(composable: () => T) {
  let result: T | undefined
  await mountSuspended(defineComponent({
    setup() {
      result = composable()
      return () => null
    },
  }))
  if (!result) throw new Error('The composable returned nothing.')
  return result
}

export function telemetry(deviceId: string, metrics: Telemetry['metrics'], secondsAgo = 0): Telemetry {
  const time = new Date(NOW - secondsAgo * 1_000).toISOString()
  return { deviceId, ts: time, receivedAt: time, metrics }
}

export const CONNECTED: BrokerStatus = {
  code: 'connected',
  reason: 'Connected to the broker.',
  url: 'mqtt://127.0.0.1:1883',
  embedded: false,
  protocol: 'MQTT 5.0',
  since: new Date(NOW).toISOString(),
  attempts: 0,
  granted: ['sensors/#'],
  refused: [],
}
