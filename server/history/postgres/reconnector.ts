import { HistoryError, inWords } from './errors'

const NOT_OPEN = 'The history is not open.'

export interface ReconnectorOptions<T> {
  /**
   * Opens it and calls `fail` when it fails later. @throws when it cannot be opened now; nothing is left open then.
   */
  begin: (fail: (error: unknown) => void) => Promise<T>
  /** It is open. @throws when it cannot be used; it is closed then. */
  onOpened: (resource: T) => void
  /** It has failed: closes what is left of it. */
  end: (resource: T, error: unknown) => void
  /** The database has failed (with the reason as a sentence), or works again (`null`). */
  onFault: (reason: string | null) => void
  /** A database that cannot be reached is tried again this often, even without a request. */
  againMs: number
  /** Whether trying again cannot help. */
  isFinal?: (error: unknown) => boolean
}

/**
 * Reopens a database whenever it has failed. A fault holds until {@link probe} is called, even if the database works
 * again earlier.
 */
export function createReconnector<T>({
  begin,
  onOpened,
  end,
  onFault,
  againMs,
  isFinal = () => false,
}: ReconnectorOptions<T>) {
  let resource: T | undefined
  let trying: Promise<void> | undefined
  let fault: string | null = null
  let again: NodeJS.Timeout | undefined

  function setFault(reason: string | null) {
    if (reason === fault) return
    fault = reason
    onFault(reason)
  }

  /** Memory and database may differ now. */
  function onFailure(error: unknown) {
    const failed = resource
    resource = undefined
    setFault(inWords(error))
    if (!isFinal(error)) tryLater()
    if (failed !== undefined) end(failed, error)
  }

  async function tryOnce() {
    let mine: T | undefined
    let hasFailed = false
    try {
      mine = await begin((error) => {
        hasFailed = true
        if (mine !== undefined && resource === mine) onFailure(error)
      })
      resource = mine
      if (hasFailed) throw new Error('The connection has ended.')
      onOpened(mine)
    }
    catch (error) {
      onFailure(error)
    }
  }

  function tryLater() {
    clearTimeout(again)
    again = setTimeout(() => void open(), againMs).unref()
  }

  async function open() {
    clearTimeout(again)
    if (resource !== undefined) return
    await (trying ??= tryOnce().finally(() => { trying = undefined }))
  }

  return {
    open,
    current: () => resource,
    /** @throws an Error that can be shown to a client while it is not open. */
    opened(): T {
      if (resource === undefined) throw new HistoryError(fault ?? NOT_OPEN)
      return resource
    },
    fault: () => fault,
    /** Clears the fault if it is open again, or tries to open it; true when all is well. */
    probe(): boolean {
      // Not earlier: until ingest probes, it only inspects messages, and the broker delivers them again.
      if (resource !== undefined) setFault(null)
      else void open()
      return fault === null
    },
    /** Stops trying, and lets `finish` do the last work. */
    async close(finish: (last: T | undefined) => Promise<void>): Promise<T | undefined> {
      await trying
      clearTimeout(again)
      await finish(resource)
      const last = resource
      resource = undefined
      return last
    },
  }
}
