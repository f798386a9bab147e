// Reads Compose files as Compose would. A key that is not known here is refused: what a proof starts is all that the files say.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { parse } from 'yaml'
import { z } from 'zod'

const TextsSchema = z.array(z.string()).default([])
const SecretSchema = z.union([
  z.string().transform(source => ({ source, target: `/run/secrets/${source}` })),
  z.strictObject({ source: z.string(), target: z.string() }),
])
const PlaceSchema = z.strictObject({ ipv4_address: z.string().optional(), aliases: TextsSchema })
const PlacesSchema = z.union([
  z.array(z.string()).transform(names => Object.fromEntries(names.map(name => [name, PlaceSchema.parse({})]))),
  z.record(z.string(), PlaceSchema.nullable().transform(place => place ?? PlaceSchema.parse({}))),
])

const ServiceSchema = z.strictObject({
  image: z.string().optional(),
  build: z.literal('.').optional(),
  command: TextsSchema,
  user: z.string().optional(),
  hostname: z.string().optional(),
  working_dir: z.string().optional(),
  environment: z.record(z.string(), z.string()).default({}),
  env_file: z.array(z.strictObject({ path: z.string(), required: z.boolean() })).default([]),
  ports: TextsSchema,
  volumes: TextsSchema,
  tmpfs: TextsSchema,
  secrets: z.array(SecretSchema).default([]),
  networks: PlacesSchema.default(() => ({ default: PlaceSchema.parse({}) })),
  extra_hosts: TextsSchema,
  depends_on: z.record(z.string(), z.strictObject({ condition: z.literal('service_healthy') })).default({}),
  healthcheck: z.strictObject({
    test: z.array(z.string()).min(2).refine(([form]) => form === 'CMD', 'must be in exec form (CMD)'),
    interval: z.string(),
    timeout: z.string(),
    start_period: z.string(),
    retries: z.number(),
  }).optional(),
  restart: z.literal('unless-stopped'),
  stop_grace_period: z.string().default('10s'),
  read_only: z.boolean().default(false),
  cap_add: TextsSchema,
  cap_drop: TextsSchema,
  security_opt: z.array(z.literal('no-new-privileges:true')).default([]),
  pids_limit: z.number().optional(),
  mem_limit: z.string().optional(),
  shm_size: z.string().optional(),
  ulimits: z.strictObject({ nofile: z.number() }).optional(),
  logging: z.strictObject({
    driver: z.literal('json-file'),
    options: z.strictObject({ 'max-size': z.string(), 'max-file': z.string() }),
  }).optional(),
})

const NetworkSchema = z.strictObject({
  internal: z.boolean().default(false),
  ipam: z.strictObject({ config: z.tuple([z.strictObject({ subnet: z.string(), ip_range: z.string() })]) }).optional(),
})

const FileSchema = z.strictObject({
  name: z.string().optional(),
  services: z.record(z.string(), ServiceSchema),
  secrets: z.record(z.string(), z.strictObject({ file: z.string() })).default({}),
  networks: z.record(z.string(), NetworkSchema.nullable().transform(network => network ?? NetworkSchema.parse({}))).default({}),
  volumes: z.record(z.string(), z.null()).default({}),
})

export type Service = z.infer<typeof ServiceSchema>
export type Compose = z.infer<typeof FileSchema> & { name: string, folder: string }

/** A file that the proof cannot start as it is written. */
export class ComposeFault extends Error {}

/** Reads files that lie in or below a project's folder, with the variables of its `.env`. @throws ComposeFault */
export function readCompose(folder: string, files: readonly string[]): Compose {
  const parts = files.map(file => readFile(folder, file, variablesOf(folder)))
  const name = parts.find(part => part.name)?.name
  if (!name) throw new ComposeFault(`${files.join(', ')}: no name of the project`)
  const merged: Compose = { name, folder, services: {}, secrets: {}, networks: {}, volumes: {} }
  for (const part of parts) {
    for (const key of ['services', 'secrets', 'networks', 'volumes'] as const) {
      const twice = Object.keys(part[key]).find(item => item in merged[key])
      if (twice) throw new ComposeFault(`${files.join(', ')}: ${key}.${twice} stands in two files, which is not understood here`)
      Object.assign(merged[key], part[key])
    }
  }
  return merged
}

function readFile(folder: string, file: string, variables: Record<string, string | undefined>): z.infer<typeof FileSchema> {
  const content: unknown = parse(readFileSync(join(folder, file), 'utf8'), { merge: true })
  const written = z.record(z.string(), z.unknown()).parse(content)
  const own = Object.fromEntries(Object.entries(written).filter(([key]) => !key.startsWith('x-')))
  const read = FileSchema.safeParse(interpolate(own, variables, file))
  if (read.success) return read.data
  const faults = read.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)
  throw new ComposeFault(`${file}: ${faults.join('; ')}`)
}

function variablesOf(folder: string): Record<string, string | undefined> {
  const file = join(folder, '.env')
  return existsSync(file) ? parseEnv(readFileSync(file, 'utf8')) : {}
}

/** What Compose makes of `${NAME}`, `${NAME:-default}`, `${NAME:?message}` and `$$`; any other form is refused. */
function interpolate(value: unknown, variables: Record<string, string | undefined>, file: string): unknown {
  if (Array.isArray(value)) return value.map(item => interpolate(item, variables, file))
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, interpolate(item, variables, file)]))
  }
  if (typeof value !== 'string') return value
  return value.replace(/\$(\$|\{(\w+)(?::([-?])([^}]*))?\}|)/g, (whole, form: string, name: string, operator?: string, text?: string) => {
    if (form === '$') return '$'
    if (form === '') throw new ComposeFault(`${file}: "${value}" has a $ that is not understood here`)
    const found = variables[name]
    if (found) return found
    if (operator === '-') return text ?? ''
    throw new ComposeFault(`${file}: ${name} must be set${text ? `: ${text}` : ''} (${whole})`)
  })
}

/** The same without some services, which no other depends on. */
export function without(compose: Compose, left: readonly string[]): Compose {
  return { ...compose, services: Object.fromEntries(Object.entries(compose.services).filter(([name]) => !left.includes(name))) }
}

/** Services in an order in which each comes after those it depends on. @throws ComposeFault on a circle or an unknown name. */
export function startOrder({ services }: Compose): string[] {
  const order: string[] = []
  function visit(name: string, waiting: readonly string[]) {
    const service = services[name]
    if (!service) throw new ComposeFault(`${waiting.at(-1)} depends on ${name}, which is no service`)
    if (waiting.includes(name)) throw new ComposeFault(`${[...waiting, name].join(' > ')} is a circle`)
    if (order.includes(name)) return
    for (const needed of Object.keys(service.depends_on)) visit(needed, [...waiting, name])
    order.push(name)
  }
  for (const name of Object.keys(services)) visit(name, [])
  return order
}

/** The image of a service by its whole name; what the project builds itself is at `localhost`. */
export function imageOf(compose: Compose, name: string): string {
  const service = compose.services[name]
  if (!service?.image) return `localhost/${compose.name}-${name}`
  const built = Object.values(compose.services).some(({ build, image }) => build && image === service.image)
  if (built) return `localhost/${service.image}`
  return `docker.io/${service.image.includes('/') ? '' : 'library/'}${service.image}`
}
