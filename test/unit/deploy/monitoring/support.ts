import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { findProgram } from '../../../../tools/programs/find'

export const promtool = findProgram('promtool')

const FOLDER = 'deploy/monitoring'

const AlertSchema = z.strictObject({
  alert: z.string(),
  expr: z.string(),
  for: z.string().optional(),
  labels: z.strictObject({ severity: z.enum(['info', 'warning', 'critical']) }),
  annotations: z.strictObject({ summary: z.string(), description: z.string(), runbook: z.string() }),
})
const RulesSchema = z.strictObject({ groups: z.array(z.strictObject({ name: z.string(), rules: z.array(AlertSchema) })) })
export const ALERTS = RulesSchema.parse(parse(readFileSync('deploy/monitoring/alerts.yml', 'utf8'))).groups.flatMap(({ rules }) => rules)

const PanelSchema = z.object({
  id: z.number(),
  type: z.string(),
  title: z.string().min(1),
  description: z.string().optional(),
  gridPos: z.object({ x: z.number(), y: z.number(), w: z.number(), h: z.number() }),
  datasource: z.object({ uid: z.string() }).optional(),
  fieldConfig: z.object({ defaults: z.object({ unit: z.string().min(1) }) }).optional(),
  targets: z.array(z.object({ refId: z.string(), expr: z.string(), datasource: z.object({ uid: z.string() }) })).default([]),
})
const DashboardSchema = z.object({
  title: z.string(),
  uid: z.string(),
  schemaVersion: z.number(),
  templating: z.object({ list: z.array(z.object({ name: z.string(), type: z.string() })) }),
  annotations: z.object({ list: z.array(z.object({ expr: z.string() })) }),
  panels: z.array(PanelSchema),
})
export const DASHBOARD = DashboardSchema.parse(JSON.parse(readFileSync('deploy/monitoring/grafana/leitstand.json', 'utf8')))
export const PANELS = DASHBOARD.panels.filter(({ type }) => type !== 'row')

/** Every query of the dashboard, as Prometheus gets it. */
export const QUERIES = [...PANELS.flatMap(({ targets }) => targets), ...DASHBOARD.annotations.list]
  .map(({ expr }) => expr.replaceAll('$__rate_interval', '1m').replaceAll('$instance', '.*'))

/** Names of metrics that the alerts and the dashboard need. */
export function namedMetrics(): string[] {
  const text = [...ALERTS.map(({ expr }) => expr), ...QUERIES].join('\n')
  return [...new Set([...text.matchAll(/\b(?:leitstand|process|nodejs)_\w+/g)].map(([name]) => name))]
}

/** A copy of `deploy/monitoring/` with a token, as Prometheus would find it; gone when the test ends. */
export function monitoringFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'leitstand-monitoring-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  for (const name of readdirSync(FOLDER).filter(name => statSync(join(FOLDER, name)).isFile())) copyFileSync(join(FOLDER, name), join(folder, name))
  writeFileSync(join(folder, 'leitstand.token'), 'lst_token\n')
  return folder
}

/** What promtool says; a fault throws with it. */
export function runPromtool(args: readonly string[], { cwd, input }: { cwd?: string, input?: string } = {}): string {
  if (!promtool) throw new Error('There is no promtool on this machine.')
  return execFileSync(promtool, args, { cwd, input, encoding: 'utf8', stdio: 'pipe' })
}
