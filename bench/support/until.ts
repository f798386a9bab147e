import { setTimeout as sleep } from 'node:timers/promises'

const POLL_MS = 50

/** Waits for what announces itself by no event; a failed look counts as "not yet". */
export async function until(isSo: () => boolean | Promise<boolean>, pollMs = POLL_MS): Promise<void> {
  while (!await Promise.resolve().then(isSo).catch(() => false)) await sleep(pollMs)
}
