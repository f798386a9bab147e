// What lies in deploy/monitoring/: that it is right by Prometheus itself, that every alert is tried out and explained, and that the dashboard is whole.
// Whether /metrics has what they name: test/e2e/metrics.spec.ts.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse, stringify } from 'yaml'
import { z } from 'zod'
import { ALERTS, DASHBOARD, monitoringFolder, PANELS, promtool, QUERIES, runPromtool } from './support'

const TestsSchema = z.object({
  tests: z.array(z.object({ name: z.string(), alert_rule_test: z.array(z.object({ alertname: z.string(), exp_alerts: z.array(z.unknown()) })) })),
})
const cases = TestsSchema.parse(parse(readFileSync('deploy/monitoring/alerts.test.yml', 'utf8'))).tests.flatMap(({ alert_rule_test }) => alert_rule_test)
const ConfigSchema = z.object({
  scrape_configs: z.tuple([z.object({ job_name: z.string(), authorization: z.object({ credentials_file: z.string() }), static_configs: z.tuple([z.object({ targets: z.array(z.string()) })]) })]),
})
const [scrape] = ConfigSchema.parse(parse(readFileSync('deploy/monitoring/prometheus.yml', 'utf8'))).scrape_configs
const NAMES = ALERTS.map(({ alert }) => alert)

/** The sections of a document below `### `, by their heading. */
function sectionsOf(document: string): Map<string, string> {
  const [, ...sections] = readFileSync(document, 'utf8').split(/^#{2,3} /m)
  return new Map(sections.map(section => [section.slice(0, section.indexOf('\n')), section]))
}

describe('the alerts', () => {
  it.each(NAMES)('%s is shown to fire, and not to fire', (name) => {
    const tried = cases.filter(({ alertname }) => alertname === name)
    expect(tried.some(({ exp_alerts }) => exp_alerts.length > 0), 'a case in which it fires').toBe(true)
    expect(tried.some(({ exp_alerts }) => exp_alerts.length === 0), 'a case in which it does not').toBe(true)
  })

  it.each(ALERTS)('$alert has a section in the runbook: what it means, where to look, what to do', ({ alert, annotations }) => {
    expect(annotations.runbook).toBe(`docs/operation.md#${alert.toLowerCase()}`)
    const section = sectionsOf('docs/operation.md').get(alert)
    expect(section).toMatch(/^\*\*Means\*\* .+^\*\*Look\*\* .+^\*\*Do\*\* /ms)
  })

  it('are all there is in the tests and the runbook', () => {
    expect(cases.map(({ alertname }) => alertname).filter(name => !NAMES.includes(name))).toEqual([])
    expect([...sectionsOf('docs/operation.md').keys()].filter(heading => /^Leitstand[A-Z]/.test(heading) && !NAMES.includes(heading))).toEqual([])
    expect(new Set(NAMES).size).toBe(NAMES.length)
  })

  it('know the application by the name of the job', () => {
    const jobs = ALERTS.flatMap(({ expr }) => [...expr.matchAll(/job="(\w+)"/g)].map(([, job]) => job))
    expect(new Set(jobs)).toEqual(new Set([scrape.job_name]))
    // What other programs have as well must be asked for by it.
    for (const { alert, expr } of ALERTS) expect(expr, alert).not.toMatch(/\b(?:up|process_\w+|nodejs_\w+)(?!\w|\{job="leitstand")/)
  })
})

describe.skipIf(!promtool)('by promtool', () => {
  it('the configuration is usable', () => {
    expect(runPromtool(['check', 'config', 'prometheus.yml'], { cwd: monitoringFolder() })).toContain('SUCCESS')
  })

  it('the rules are usable', () => {
    expect(runPromtool(['check', 'rules', '--lint=all', '--lint-fatal', 'alerts.yml'], { cwd: monitoringFolder() })).toContain(`${ALERTS.length} rules found`)
  })

  it('each alert fires when it should, with these words, and not when it should not', () => {
    expect(runPromtool(['test', 'rules', 'alerts.test.yml'], { cwd: monitoringFolder() })).toContain('SUCCESS')
  })

  it('every query of the dashboard is one', () => {
    const folder = monitoringFolder()
    const rules = QUERIES.map((expr, i) => ({ record: `query:${i}`, expr }))
    writeFileSync(join(folder, 'queries.yml'), stringify({ groups: [{ name: 'dashboard', rules }] }))
    expect(runPromtool(['check', 'rules', 'queries.yml'], { cwd: folder })).toContain(`${QUERIES.length} rules found`)
  })
})

describe('the dashboard', () => {
  it('is one of a Grafana of today, for any Prometheus and each instance', () => {
    expect(DASHBOARD).toMatchObject({ title: 'Leitstand', uid: 'leitstand', schemaVersion: 42 })
    expect(DASHBOARD.templating.list.map(({ name, type }) => `${name}: ${type}`)).toEqual(['datasource: datasource', 'instance: query'])
    for (const { title, targets, datasource } of PANELS) {
      expect([datasource?.uid, ...targets.map(target => target.datasource.uid)].every(uid => uid === '${datasource}'), title).toBe(true)
      for (const { expr } of targets) expect(expr, title).toContain('instance=~"$instance"')
    }
  })

  it('has a row for each part, and says of each panel what it shows, in which unit', () => {
    expect(DASHBOARD.panels.filter(({ type }) => type === 'row').map(({ title }) => title)).toEqual(['Traffic', 'Broker', 'Store', 'Streams', 'Process', 'Replicas'])
    for (const { title, description, fieldConfig, targets } of PANELS) {
      expect(description, title).toMatch(/\.$/)
      expect(fieldConfig?.defaults.unit, title).toBeDefined()
      expect(targets.length, title).toBeGreaterThan(0)
    }
  })

  it('lays no panel over another', () => {
    const taken = new Set<string>()
    for (const { gridPos: { x, y, w, h } } of DASHBOARD.panels) {
      expect(x + w).toBeLessThanOrEqual(24)
      for (let i = 0; i < w * h; i++) {
        const place = `${x + i % w} ${y + Math.floor(i / w)}`
        expect(taken.has(place), place).toBe(false)
        taken.add(place)
      }
    }
    expect(new Set(DASHBOARD.panels.map(({ id }) => id)).size).toBe(DASHBOARD.panels.length)
  })
})
