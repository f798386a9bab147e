// One that serves: one after the other, everything that has gathered at once or each by itself.
import type { Clock } from './queue.ts'

export interface StationOptions<Job> {
  clock: Clock
  /** Jobs that one service takes at most. */
  most: number
  /** Seconds of work before it looks at what has come, when it had nothing to do, and what wakes it. */
  wakeSeconds?: (job: Job) => number
  /** Seconds that these jobs take together. */
  serviceSeconds: (jobs: readonly Job[]) => number
  /** They are done. */
  onDone: (jobs: readonly Job[], now: number) => void
}

export interface Station<Job> {
  add: (job: Job) => void
  /** Stops serving for so long; what is under way takes so much longer. It counts as work, but not when somebody else has the processor. */
  interrupt: (seconds: number, isWork?: boolean) => void
  waiting: () => number
  /** Seconds that it has been at work. */
  busySeconds: () => number
  services: () => number
}

export function createStation<Job>({ clock, most, wakeSeconds = () => 0, serviceSeconds, onDone }: StationOptions<Job>): Station<Job> {
  const queue: Job[] = []
  // Of those, served already: taking them out one by one would cost more the longer the queue is.
  let head = 0
  let isBusy = false
  let owed = 0
  let busy = 0
  let services = 0

  function wake(job: Job) {
    if (isBusy) return
    isBusy = true
    const seconds = wakeSeconds(job)
    if (seconds > 0) work(seconds, take)
    else take()
  }

  /** What has come meanwhile is taken without waking up again. */
  function goOn() {
    isBusy = queue.length > head
    if (isBusy) take()
  }

  function take() {
    const jobs = queue.slice(head, head + most)
    head += jobs.length
    if (head * 2 > queue.length) {
      queue.splice(0, head)
      head = 0
    }
    services++
    work(serviceSeconds(jobs), () => {
      onDone(jobs, clock.now())
      goOn()
    })
  }

  /** Works for so long, and then as long as it was interrupted meanwhile. */
  function work(seconds: number, then: () => void) {
    busy += seconds
    clock.after(seconds, () => {
      const more = owed
      owed = 0
      if (more > 0) work(more, then)
      else then()
    })
  }

  return {
    add(job) {
      queue.push(job)
      wake(job)
    },
    interrupt(seconds, isWork = true) {
      owed += seconds
      if (!isWork) busy -= seconds
      if (isBusy) return
      isBusy = true
      work(0, goOn)
    },
    waiting: () => queue.length - head,
    busySeconds: () => busy,
    services: () => services,
  }
}
