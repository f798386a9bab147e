const INTERVAL_MS = 20

/** Polls until `probe` returns something; fails with what was waited for. Only for what announces itself by no event. */
export async function until<T>(probe: () => T | undefined | Promise<T | undefined>, what: string, timeoutMs = 60_000): Promise<T> {
  const deadline = Date.now() + timeoutMs
  for (;;) {
    const value = await probe()
    if (value !== undefined && value !== false) return value
    if (Date.now() > deadline) throw new Error(`Waited ${timeoutMs} ms in vain for ${what}.`)
    await new Promise(resolve => setTimeout(resolve, INTERVAL_MS))
  }
}
