// Starts what Compose files say, in their order, and removes it again.
import { setTimeout as sleep } from 'node:timers/promises'
import { subnetOf } from './addresses.ts'
import { ComposeFault, startOrder } from './compose-file.ts'
import type { Compose } from './compose-file.ts'
import type { Podman } from './podman.ts'
import { publishOutsideOnly } from './published.ts'
import { containerOf, networkOf, runArguments, secondsOf } from './service.ts'

const POLL_MS = 500
/** Machines that prove are slow and busy; what never becomes healthy is found all the same. */
const PATIENCE = 2
/** For an image that brings a health check of its own. */
const USUAL_S = 60
/** How a process ends that had to be killed. */
const KILLED = '137'

export interface Project {
  /** Resolves when every service that has a health check is healthy. @throws with the name of the first that is not. */
  start: () => Promise<void>
  /** What a service has written. */
  log: (service: string) => string
  /** Ends each service as `docker compose stop` does. @throws when one had to be killed. */
  stop: () => void
}

export function createProject(compose: Compose, podman: Podman, say: (sentence: string) => void): Project {
  const order = startOrder(compose)
  const healthy = new Set<string>()

  function makeNetworks() {
    const used = new Set(Object.values(compose.services).flatMap(({ networks }) => Object.keys(networks)))
    for (const name of used) {
      const network = compose.networks[name]
      if (!network && name !== 'default') throw new ComposeFault(`${name} is no network of the file`)
      const [range] = network?.ipam?.config ?? []
      if (range && !network?.internal) throw new ComposeFault(`${name} has a range and is not internal, which is not understood here`)
      podman.run([
        'network', 'create',
        ...(network?.internal ? ['--internal'] : []),
        // Podman takes no fixed address outside of an `ip_range`; all that these networks have is fixed (addresses.ts).
        ...(network?.internal ? ['--subnet', range?.subnet ?? subnetOf(compose, name)] : []),
        networkOf(compose, name),
      ])
    }
  }

  return {
    async start() {
      makeNetworks()
      for (const name of order) {
        const service = compose.services[name]
        if (!service) continue
        for (const needed of Object.keys(service.depends_on)) await untilHealthy(needed)
        podman.start(runArguments(compose, name), service.ulimits?.nofile)
        publishOutsideOnly(compose, name)
      }
      for (const name of order) await untilHealthy(name)
    },
    log: service => podman.log(containerOf(compose, service)),
    stop() {
      for (const name of order.toReversed()) {
        podman.run(['stop', containerOf(compose, name)])
        const code = podman.run(['inspect', '--format', '{{.State.ExitCode}}', containerOf(compose, name)])
        if (code === KILLED) throw new ComposeFault(`${name} did not end within its stop_grace_period`)
        say(`${name}: stopped with exit code ${code}`)
      }
    },
  }

  /** @throws ComposeFault */
  async function untilHealthy(name: string) {
    if (healthy.has(name)) return
    const healthcheck = compose.services[name]?.healthcheck
    // The image may have one where the file has none.
    const watched = podman.run(['inspect', '--format', '{{if .Config.Healthcheck}}yes{{end}}', containerOf(compose, name)])
    if (!watched) return say(`${name}: started, without a health check`)
    const allowed = healthcheck ? secondsOf(healthcheck.start_period) + secondsOf(healthcheck.interval) * healthcheck.retries : USUAL_S
    const deadline = Date.now() + allowed * PATIENCE * 1000
    while (!podman.succeeds(['healthcheck', 'run', containerOf(compose, name)])) {
      if (Date.now() > deadline) throw new ComposeFault(`${name} did not become healthy within ${allowed * PATIENCE} seconds`)
      await sleep(POLL_MS)
    }
    healthy.add(name)
    say(`${name}: healthy`)
  }
}
