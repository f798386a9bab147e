// One that serves: one after the other, everything that has gathered at once or each by itself.
import type { Clock } from './queue.ts'

export interface StationOptions<Job> {
  clock: Clock
  /** Jobs that one service takes at most. */
  most: number
  /** Seconds that these jobs take together. */
  serviceSeconds: (jobs: readonly Job[]) => number
  /** They are done. */
  onDone: (jobs: readonly Job[], now: number) => void
}

export interface Station<Job> {
  add: (job: Job) => void
  /** Stops serving for so long, as a collection of garbage does; what is under way takes so much longer. */
  interrupt: (seconds: number) => void
  waiting: () => number
  /** Seconds that it has been at work. */
  busySeconds: () => number
  services: () => number
}

export function createStation<Job>({ clock, most, serviceSeconds, onDone }: StationOptions<Job>): Station<Job> {
  let queue: Job[] = []
  let isBusy = false
  let owed = 0
  let busy = 0
  let services = 0

  function serve() {
    if (isBusy || queue.length === 0) return
    isBusy = true
    const jobs = queue.slice(0, most)
    queue = queue.slice(most)
    services++
    work(serviceSeconds(jobs), () => {
      isBusy = false
      onDone(jobs, clock.now())
      serve()
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
      serve()
    },
    interrupt(seconds) {
      owed += seconds
      if (isBusy) return
      isBusy = true
      work(0, () => {
        isBusy = false
        serve()
      })
    },
    waiting: () => queue.length,
    busySeconds: () => busy,
    services: () => services,
  }
}
