// Owns the identity of this installation at a broker: its name, its sessions, and whether it is more than a trial. It
// is stored with the history, or without one beside the documents.
import { inWriting, NAME_MARK, newNumber, UNNAMED } from '../history/marks'
import type { Marks } from '../history/marks'

const DEFAULT_NAME = 'leitstand'
const RAN_MARK = 'ran'
/** Whether any session is noted yet. */
const CLAIMED_MARK = 'claimed'
const sessionMark = (clientId: string) => `session:${clientId}`
const besideMark = (clientId: string) => `beside:${clientId}`
/** So long an installation is a trial: added up over all its runs. */
const TRIAL_SECONDS = 86_400
const TRIAL_EXPIRY_SECONDS = 3_600
const NOTE_EVERY_MS = 600_000

export interface InstallationOptions {
  /** The name that is set; empty: one is made, once. */
  clientId: string
  sessionExpirySeconds: number
  marks: () => Marks
  /** Whether the stored identity has been read. */
  isOpen: () => boolean
  /** One of several replicas: whether it counts the time for all. */
  counts?: () => boolean
  log: { info: (line: string) => void, warn: (line: string) => void }
  now?: () => number
}

export interface Installation {
  /** Its name at the broker. */
  name: () => string
  /** How long a broker is to keep its session. */
  sessionExpirySeconds: () => number
  /** Whether the session of this name at the broker is, or will be, this installation's. */
  isOurs: (clientId: string) => boolean
  /** The session of this name is ours from now on. Never rejects. */
  claim: (clientId: string) => Promise<void>
  /** The session of the set name is another installation's: goes on under a name beside it. Never rejects. */
  giveWay: () => Promise<void>
  /** `onSettled`: it is no trial any more, and sessions may stay for as long as was asked for. */
  start: (onSettled: () => void) => void
  stop: () => Promise<void>
}

export function createInstallation({ clientId, sessionExpirySeconds, marks, isOpen, counts = () => true, log, now = () => performance.now() }: InstallationOptions): Installation {
  const forThisRun = newNumber()
  let beside: number | undefined
  let timer: NodeJS.Timeout | undefined
  let notedMs = now()

  const mark = (name: string) => marks().get(name)
  const number = () => mark(NAME_MARK) ?? (isOpen() ? UNNAMED : undefined)

  function name(): string {
    if (clientId) {
      const suffix = beside ?? mark(besideMark(clientId))
      return suffix === undefined ? clientId : `${clientId}-${inWriting(suffix)}`
    }
    const own = number() ?? forThisRun
    return own === UNNAMED ? DEFAULT_NAME : `${DEFAULT_NAME}-${inWriting(own)}`
  }

  function isTrial(): boolean {
    const own = number()
    return own !== undefined && own !== UNNAMED && (mark(RAN_MARK) ?? 0) < TRIAL_SECONDS
  }

  function currentExpiry(): number {
    // Nothing will ever use the session of a name that is not stored.
    if (!clientId && number() === undefined) return 0
    return isTrial() ? Math.min(sessionExpirySeconds, TRIAL_EXPIRY_SECONDS) : sessionExpirySeconds
  }

  /** What cannot be noted now is asked for again at the next start. */
  async function note(changes: readonly (readonly [name: string, by: number])[]) {
    try {
      for (const [name, by] of changes) await marks().add(name, by)
    }
    catch {
      // The store has failed and reports that itself.
    }
  }

  async function noteTime() {
    const seconds = Math.round((now() - notedMs) / 1_000)
    notedMs += seconds * 1_000
    await note([[RAN_MARK, counts() ? seconds : 0]])
  }

  return {
    name,
    sessionExpirySeconds: currentExpiry,
    isOurs(session) {
      if (!clientId || session !== clientId || number() === undefined) return true
      // An application that noted nothing has used the name that it was given.
      return mark(sessionMark(session)) !== undefined || (number() === UNNAMED && mark(CLAIMED_MARK) === undefined)
    },
    async claim(session) {
      if (number() === undefined || mark(sessionMark(session)) !== undefined) return
      log.info(
        `The name at the broker is ${session}${clientId ? '' : ', stored for this installation; NUXT_MQTT_CLIENT_ID sets another'}.`,
      )
      await note([[sessionMark(session), 1], [CLAIMED_MARK, 1]])
    },
    async giveWay() {
      beside = newNumber()
      log.warn(`The broker holds a session of the name ${clientId} that another installation has made. It stays as it is, with what waits in it; this installation goes on as ${name()}. Set another NUXT_MQTT_CLIENT_ID here, or start with the data folder that the name belongs to.`)
      await note([[besideMark(clientId), beside]])
    },
    start(onSettled) {
      notedMs = now()
      timer = setInterval(() => {
        if (!isTrial()) return
        void noteTime().then(() => {
          if (!isTrial() && sessionExpirySeconds > TRIAL_EXPIRY_SECONDS) onSettled()
        })
      }, NOTE_EVERY_MS)
      timer.unref()
    },
    async stop() {
      clearInterval(timer)
      if (isTrial()) await noteTime()
    },
  }
}
