// A server of the application, or a replica of it: one event loop, which takes what has come turn by turn.
import type { Costs } from '../costs.ts'
import type { Clock } from './queue.ts'
import type { Random } from './random.ts'
import type { Scenario } from './scenario.ts'
import { createStation } from './station.ts'

/** As in server/mqtt/turns.ts: a turn ends after so many messages. */
const TURN_MESSAGES = 500

export interface ReplicaOptions {
  clock: Clock
  random: Random
  costs: Costs
  scenario: Scenario
  viewers: number
  /** Gives messages to the store; `done` when they are kept. */
  keep: (messages: readonly number[], done: () => void) => void
  /** The turn with a message has ended; and it has been written to viewers. Both by the moment it was sent. */
  onTaken: (sentAt: number) => void
  onSeen: (sentAt: number) => void
}

type Job = { kind: 'message', sentAt: number } | { kind: 'kept' } | { kind: 'follow', messages: readonly number[] } | { kind: 'flush', messages: readonly number[] }

export function createReplica({ clock, random, costs, scenario, viewers, keep, onTaken, onSeen }: ReplicaOptions) {
  const { message, commit, pauseEvery, pauseSeconds } = costs.stores[scenario.store]
  const isCluster = scenario.replicas > 1
  const { interest, batchMs } = scenario
  let gathered: number[] = []
  let isKeeping = false
  let waiting: number[] = []
  let isDue = false
  let sincePause = 0

  /** To tell viewers of so many messages at once. */
  function telling(messages: number): number {
    // With few that one wants, most writes have nothing to say.
    const writes = Math.min(1, messages * interest)
    return messages === 0 || viewers === 0 ? 0 : costs.tell + viewers * (writes * costs.viewerWrite + messages * interest * costs.viewerEvent)
  }

  function costOf(job: Job): number {
    const looking = interest < 1 ? viewers * costs.viewerLook : 0
    switch (job.kind) {
      case 'message': return isCluster ? message * scenario.shares.take : message + looking
      case 'kept': return 0
      case 'follow': return job.messages.length * (message * scenario.shares.follow + looking)
      case 'flush': return telling(job.messages.length)
    }
  }

  const loop = createStation<Job>({
    clock, most: TURN_MESSAGES,
    // A message comes through the network, and so does what others have kept; word of what is kept comes from a thread beside it or a connection that is quick to answer.
    wakeSeconds: ({ kind }) => kind === 'message' || kind === 'follow' ? costs.wake : 0,
    serviceSeconds(jobs) {
      const told = batchMs > 0 ? 0 : telling(jobs.reduce((sum, job) => sum + heardIn(job).length, 0))
      return told + (begins(jobs) ? commit : 0) + jobs.reduce((sum, job) => sum + costOf(job), 0)
    },
    onDone(jobs) {
      const taken = jobs.flatMap(job => job.kind === 'message' ? [job.sentAt] : [])
      taken.forEach(onTaken)
      if (scenario.store !== 'off') gathered.push(...taken)
      if (jobs.some(({ kind }) => kind === 'kept')) isKeeping = false
      keepNext()
      for (const job of jobs) {
        if (job.kind === 'flush') job.messages.forEach(sentAt => seen(sentAt))
        else if (batchMs > 0) wait(heardIn(job))
        else heardIn(job).forEach(onSeen)
      }
      pauseAfter(taken.length)
    },
  })

  /** What viewers hear of by it: in a cluster only what the log has. */
  function heardIn(job: Job): readonly number[] {
    if (job.kind === 'message') return isCluster ? [] : [job.sentAt]
    return job.kind === 'follow' ? job.messages : []
  }

  /** Whether the next commit begins with the end of this turn, before viewers hear of what is in it. */
  function begins(jobs: readonly Job[]): boolean {
    if (scenario.store === 'off' || (isKeeping && !jobs.some(({ kind }) => kind === 'kept'))) return false
    return gathered.length > 0 || jobs.some(({ kind }) => kind === 'message')
  }

  /** What gathers while a commit is under way goes into the next. */
  function keepNext() {
    if (isKeeping || gathered.length === 0) return
    isKeeping = true
    const messages = gathered
    gathered = []
    keep(messages, () => loop.add({ kind: 'kept' }))
  }

  function wait(messages: readonly number[]) {
    waiting.push(...messages)
    if (isDue || waiting.length === 0) return
    isDue = true
    clock.after(batchMs / 1_000, () => {
      isDue = false
      const messages = waiting
      waiting = []
      loop.add({ kind: 'flush', messages })
    })
  }

  /**
   * The costs of viewers who each want something else are those of one who gets everything in their place; when they hear of it is not: who
   * wants little hears of each message by itself, and that is the one that the others of its batch would have been waited for.
   */
  function seen(sentAt: number) {
    const isAlone = interest < 1 && random.next() < 1 / (1 + scenario.perSecond * interest * batchMs / 1_000)
    if (isAlone) clock.after(Math.max(0, sentAt + batchMs / 1_000 - clock.now()), () => onSeen(sentAt))
    else onSeen(sentAt)
  }

  /** Garbage is made by what is taken in, and in a cluster by what is followed, too: told by the first alone, as it was measured. */
  function pauseAfter(messages: number) {
    sincePause += messages
    if (sincePause < pauseEvery) return
    sincePause -= pauseEvery
    loop.interrupt(pauseSeconds)
  }

  return {
    take: (sentAt: number) => loop.add({ kind: 'message', sentAt }),
    follow: (messages: readonly number[]) => loop.add({ kind: 'follow', messages }),
    /** Somebody else has its processor for so long. */
    disturb: (seconds: number) => loop.interrupt(seconds, false),
    busySeconds: loop.busySeconds,
  }
}
