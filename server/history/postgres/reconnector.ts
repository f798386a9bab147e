import { HistoryError, inWords } from './errors'

const NOT_OPEN = 'The history is not open.'

export interface ReconnectorOptions<T> {
  /** Opens it; `lose` is told when it fails later. @throws when that cannot be done now, and then nothing of it is left. */
  begin: (lose: (error: unknown) => void) => Promise<T>
  /** It is open. @throws when it is of no use; it is ended then. */
  onBegun: (opening: T) => void
  /** It has failed: what is left of it goes. */
  end: (opening: T, error: unknown) => void
  /** The database has failed (with the reason in words), or is well again (`null`). */
  onFault: (reason: string | null) => void
  /** So often a database that is away is tried again, whether or not anybody asks. */
  againMs: number
  /** Whether trying again is of no use. */
  isFinal?: (error: unknown) => boolean
}

/** Opens a database again whenever it has failed. Once there is a fault it holds until somebody asks anew ({@link probe}), however well the database is. */
export function createReconnector<T>({ begin, onBegun, end, onFault, againMs, isFinal = () => false }: ReconnectorOptions<T>) {
  let opening: T | undefined
  let trying: Promise<void> | undefined
  let fault: string | null = null
  let again: NodeJS.Timeout | undefined

  function setFault(reason: string | null) {
    if (reason === fault) return
    fault = reason
    onFault(reason)
  }

  /** What is in memory is not what is in the database any more. */
  function onFailure(error: unknown) {
    const lost = opening
    opening = undefined
    setFault(inWords(error))
    if (!isFinal(error)) tryLater()
    if (lost !== undefined) end(lost, error)
  }

  async function tryOnce() {
    let mine: T | undefined
    let isLost = false
    try {
      mine = await begin((error) => {
        isLost = true
        if (mine !== undefined && opening === mine) onFailure(error)
      })
      opening = mine
      if (isLost) throw new Error('The connection has ended.')
      onBegun(mine)
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
    if (opening !== undefined) return
    await (trying ??= tryOnce().finally(() => { trying = undefined }))
  }

  return {
    open,
    current: () => opening,
    /** @throws an error fit to show while it is not open. */
    opened(): T {
      if (opening === undefined) throw new HistoryError(fault ?? NOT_OPEN)
      return opening
    },
    fault: () => fault,
    /** Forgets the fault where it is open again, or tries to open it; true when all is well. */
    probe(): boolean {
      // Only now: until whoever stores asks, messages come that it only looks at, and that the broker delivers again.
      if (opening !== undefined) setFault(null)
      else void open()
      return fault === null
    },
    /** Tries no more, and lets `finish` do what is left to be done before nobody has it any more. */
    async close(finish: (last: T | undefined) => Promise<void>): Promise<T | undefined> {
      await trying
      clearTimeout(again)
      await finish(opening)
      const last = opening
      opening = undefined
      return last
    },
  }
}
