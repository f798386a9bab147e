// What holds for every service of deploy/compose.production.yaml and deploy/compose.cluster.yaml, as far as it can be judged without an engine.
import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { z } from 'zod'
import { SettingsSchema, variableName } from '../../../server/settings'

const NetworkSchema = z.object({ internal: z.boolean().default(false), ipam: z.object({ config: z.tuple([z.object({ subnet: z.string(), ip_range: z.string() })]) }).optional() })
const PlaceSchema = z.object({ ipv4_address: z.string().optional(), aliases: z.array(z.string()).default([]) })
const PlacesSchema = z.union([
  z.array(z.string()).min(1).transform(names => Object.fromEntries(names.map(name => [name, PlaceSchema.parse({})]))),
  z.record(z.string(), PlaceSchema.nullable().transform(place => place ?? PlaceSchema.parse({}))),
])

// Strict, so that nothing comes in unseen that would make the rest worth nothing (`privileged`, `network_mode` and the like).
const ServiceSchema = z.strictObject({
  user: z.string(),
  read_only: z.literal(true),
  cap_drop: z.tuple([z.literal('ALL')]),
  cap_add: z.array(z.string()).default([]),
  security_opt: z.tuple([z.literal('no-new-privileges:true')]),
  pids_limit: z.number().positive(),
  mem_limit: z.string().regex(/^\d+[mg]$/),
  restart: z.literal('unless-stopped'),
  healthcheck: z.object({ test: z.array(z.string()).min(2), interval: z.string(), timeout: z.string(), retries: z.number() }),
  logging: z.object({ options: z.object({ 'max-size': z.string(), 'max-file': z.string() }) }),
  ports: z.array(z.string()).default([]),
  environment: z.record(z.string(), z.string()).default({}),
  volumes: z.array(z.string()).default([]),
  secrets: z.array(z.string()).default([]),
  networks: PlacesSchema,
  command: z.array(z.string()).optional(),
  image: z.string().optional(),
  build: z.literal('.').optional(),
  depends_on: z.unknown().optional(),
  env_file: z.unknown().optional(),
  extra_hosts: z.array(z.string()).default([]),
  tmpfs: z.array(z.string()).refine(folders => folders.includes('/tmp')),
  working_dir: z.literal('/').optional(),
  ulimits: z.object({ nofile: z.number() }).optional(),
  shm_size: z.string().optional(),
  stop_grace_period: z.string().optional(),
})

const ComposeSchema = z.object({
  services: z.record(z.string(), ServiceSchema),
  secrets: z.record(z.string(), z.object({ file: z.string() })),
  networks: z.record(z.string(), NetworkSchema.nullable()),
})
export type Compose = z.infer<typeof ComposeSchema>

/** @throws when a service is not read-only, without capabilities, limited and watched, or has something that is not known here. */
export function readCompose(file: string): Compose {
  return ComposeSchema.parse(parse(readFileSync(file, 'utf8'), { merge: true }))
}

/** `NUXT_MQTT_URL` and all the others. */
export function settingNames(): string[] {
  return Object.entries(SettingsSchema.shape).flatMap(([group, section]) => {
    const inner = section.unwrap()
    return 'shape' in inner ? Object.keys(inner.shape).map(key => variableName([group, key])) : [variableName([group])]
  })
}

/** What is named in `environment` and is no setting; a name with `_FILE` at its end is the setting before it. */
export function unknownSettings(environment: Record<string, string>): string[] {
  const known = settingNames()
  return Object.keys(environment).filter(name => name.startsWith('NUXT_') && !known.includes(name) && !known.includes(name.replace(/_FILE$/, '')))
}

/** The networks that two services have in common. */
export function sharedNetworks({ services }: Compose, one: string, other: string): string[] {
  const others = Object.keys(services[other]?.networks ?? {})
  return Object.keys(services[one]?.networks ?? {}).filter(network => others.includes(network))
}
