// What one service of a Compose file is as arguments of `podman run`.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { addressIn, internalHosts } from './addresses.ts'
import { ComposeFault, imageOf } from './compose-file.ts'
import type { Compose, Service } from './compose-file.ts'

/** The container of a service has the name that Compose gives it. */
export const containerOf = ({ name }: Compose, service: string) => `${name}-${service}-1`
export const networkOf = ({ name }: Compose, network: string) => `${name}_${network}`

/** `30s` and `1m`. @throws ComposeFault on any other form. */
export function secondsOf(duration: string): number {
  const [, count, unit] = /^(\d+)([sm])$/.exec(duration) ?? []
  if (!count) throw new ComposeFault(`${duration} is no duration that is understood here`)
  return Number(count) * (unit === 'm' ? 60 : 1)
}

const each = (option: string, values: readonly string[]) => values.flatMap(value => [option, value])
const one = (option: string, value: string | number | undefined) => value === undefined ? [] : [option, String(value)]

/** Options, image and command. `max-file` of the log is the one thing said there that podman does not know. */
export function runArguments(compose: Compose, name: string): string[] {
  const service = compose.services[name]
  if (!service) throw new ComposeFault(`${name} is no service`)
  return [
    '--name', containerOf(compose, name),
    '--restart', service.restart,
    ...each('--network', networksOf(compose, name, service)),
    ...each('--add-host', [...service.extra_hosts, ...internalHosts(compose, name)]),
    ...one('--hostname', service.hostname),
    ...one('--user', service.user),
    ...one('--workdir', service.working_dir),
    ...each('--env-file', environmentFiles(compose, service)),
    ...each('--env', Object.entries(service.environment).map(([key, value]) => `${key}=${value}`)),
    ...each('--publish', service.ports),
    ...each('--volume', volumesOf(compose, service)),
    ...each('--tmpfs', service.tmpfs),
    ...rightsOf(service),
    ...limitsOf(service),
    ...healthOf(service),
    imageOf(compose, name),
    ...service.command,
  ]
}

function networksOf(compose: Compose, name: string, { networks }: Service): string[] {
  return Object.entries(networks).map(([network, { ipv4_address: fixed, aliases }]) => {
    const address = fixed ?? addressIn(compose, network, name)
    const options = [...[name, ...aliases].map(alias => `alias=${alias}`), ...(address ? [`ip=${address}`] : [])]
    return `${networkOf(compose, network)}:${options.join(',')}`
  })
}

function environmentFiles({ folder }: Compose, { env_file: files }: Service): string[] {
  return files.filter(({ path, required }) => required || existsSync(join(folder, path))).map(({ path }) => join(folder, path))
}

function volumesOf({ name, folder, secrets, volumes: named }: Compose, { volumes, secrets: given }: Service): string[] {
  const mounted = volumes.map((volume) => {
    const [from = '', ...rest] = volume.split(':')
    if (from.startsWith('./')) return [join(folder, from), ...rest].join(':')
    if (from in named) return [`${name}_${from}`, ...rest].join(':')
    throw new ComposeFault(`${volume}: ${from} is neither a path below the project nor a volume of the file`)
  })
  const secret = given.map(({ source, target }) => {
    const file = secrets[source]?.file
    if (!file) throw new ComposeFault(`${source} is no secret of the file`)
    return `${join(folder, file)}:${target}:ro`
  })
  return [...mounted, ...secret]
}

function rightsOf({ read_only: readOnly, cap_add: add, cap_drop: drop, security_opt: security }: Service): string[] {
  return [
    // Podman would make /run and /var/tmp writable again, which Docker does not.
    ...(readOnly ? ['--read-only', '--read-only-tmpfs=false'] : []),
    ...each('--cap-drop', drop),
    ...each('--cap-add', add),
    ...(security.length > 0 ? ['--security-opt', 'no-new-privileges'] : []),
  ]
}

function limitsOf(service: Service): string[] {
  return [
    ...one('--pids-limit', service.pids_limit),
    ...one('--memory', service.mem_limit),
    ...one('--shm-size', service.shm_size),
    ...one('--stop-timeout', secondsOf(service.stop_grace_period)),
    ...(service.logging ? ['--log-driver', 'k8s-file', '--log-opt', `max-size=${service.logging.options['max-size']}`] : []),
  ]
}

function healthOf({ healthcheck }: Service): string[] {
  if (!healthcheck) return []
  return [
    '--health-cmd', JSON.stringify(healthcheck.test.slice(1)),
    '--health-interval', healthcheck.interval,
    '--health-timeout', healthcheck.timeout,
    '--health-start-period', healthcheck.start_period,
    '--health-retries', String(healthcheck.retries),
  ]
}
