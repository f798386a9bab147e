// deploy/compose.monitoring.yaml and what it names, as far as they can be judged without an engine.
import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'

// Strict, so that nothing comes in unseen that would make the rest worth nothing (`privileged`, `network_mode` and the like).
const ServiceSchema = z.strictObject({
  image: z.string().regex(/^[\w/]+:v?\d+\.\d+\.\d+$/),
  restart: z.literal('unless-stopped'),
  read_only: z.literal(true),
  cap_drop: z.tuple([z.literal('ALL')]),
  security_opt: z.tuple([z.literal('no-new-privileges:true')]),
  pids_limit: z.number().positive(),
  mem_limit: z.string().regex(/^\d+[mg]$/),
  tmpfs: z.tuple([z.literal('/tmp')]),
  logging: z.object({ options: z.object({ 'max-size': z.string(), 'max-file': z.string() }) }),
  healthcheck: z.object({ test: z.array(z.string()).min(2), interval: z.string(), timeout: z.string(), retries: z.number() }),
  ports: z.array(z.string().regex(/^127\.0\.0\.1:\d+:\d+$/)),
  volumes: z.array(z.string()),
  command: z.array(z.string()).optional(),
  environment: z.record(z.string(), z.string()).default({}),
  secrets: z.array(z.object({ source: z.string(), target: z.string() })).default([]),
  depends_on: z.unknown().optional(),
})
const ComposeSchema = z.object({
  services: z.object({ prometheus: ServiceSchema, grafana: ServiceSchema }).strict(),
  secrets: z.record(z.string(), z.strictObject({ file: z.string() })),
  volumes: z.record(z.string(), z.null()),
})
const { services, secrets, volumes } = ComposeSchema.parse(parse(readFileSync('deploy/compose.monitoring.yaml', 'utf8'), { merge: true }))
const listed = Object.values(services)
const BaseSchema = z.object({ services: z.record(z.string(), z.object({ hostname: z.string().optional(), ports: z.array(z.string()).default([]) })) })
const base = BaseSchema.parse(parse(readFileSync('compose.yaml', 'utf8')))

/** Where a service finds what, as `[from, to]`. */
function mountsOf({ volumes }: z.infer<typeof ServiceSchema>): [from: string, to: string][] {
  return volumes.map((volume) => {
    const [from = '', to = ''] = volume.split(':')
    return [from, to]
  })
}

describe('deploy/compose.monitoring.yaml', () => {
  // That each service is read-only, pinned, limited, watched and reached from this machine only is in the schema above.
  it('mounts only what is there, and lets nothing but the data be written', () => {
    for (const volume of listed.flatMap(({ volumes }) => volumes)) {
      const [from = ''] = volume.split(':')
      if (from.startsWith('./')) expect(existsSync(from) && volume.endsWith(':ro'), volume).toBe(true)
      else expect(Object.keys(volumes), volume).toContain(from)
    }
  })

  it('gives Prometheus its token where its configuration looks for it, from a folder that no repository keeps', () => {
    const config = mountsOf(services.prometheus).find(([from]) => from === './deploy/monitoring/prometheus.yml')?.[1] ?? ''
    const folder = config.slice(0, config.lastIndexOf('/') + 1)
    const file = /credentials_file: (\S+)/.exec(readFileSync('deploy/monitoring/prometheus.yml', 'utf8'))?.[1] ?? ''
    expect(services.prometheus.secrets).toEqual([{ source: 'metrics-token', target: folder + file }])
    expect(secrets['metrics-token']?.file).toMatch(/^\.\/secrets\//)
    expect(services.prometheus.command).toContain(`--config.file=${config}`)
    expect(mountsOf(services.prometheus)).toContainEqual(['./deploy/monitoring/alerts.yml', `${folder}alerts.yml`])
  })

  it('leads to the application by a name to which it answers, and past no port of it', () => {
    const target = /targets: \["([^"]+)"\]/.exec(readFileSync('deploy/monitoring/prometheus.yml', 'utf8'))?.[1]
    expect(target).toBe(`${base.services.leitstand?.hostname}:3000`)
    const published = [...Object.values(base.services), ...listed].flatMap(({ ports }) => ports.map(port => port.split(':')[1]))
    expect(new Set(published).size).toBe(published.length)
  })

  it('gives Grafana its source and its dashboard', () => {
    const mounts = mountsOf(services.grafana)
    const providers = readFileSync('deploy/monitoring/grafana/dashboards.yaml', 'utf8')
    const dashboards = /path: (\S+)/.exec(providers)?.[1] ?? ''
    expect(mounts).toContainEqual(['./deploy/monitoring/grafana/leitstand.json', `${dashboards}/leitstand.json`])
    expect(services.grafana.environment.GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH).toBe(`${dashboards}/leitstand.json`)
    expect(readFileSync('deploy/monitoring/grafana/datasources.yaml', 'utf8')).toContain('url: http://prometheus:9090')
    expect(Object.keys(services.grafana.environment).filter(name => /PASSWORD|SECRET|ANONYMOUS/.test(name))).toEqual([])
  })
})
