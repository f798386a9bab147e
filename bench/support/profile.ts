import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { table } from './figures.ts'

const ROWS = 40

const ProfileSchema = z.object({
  nodes: z.array(z.object({
    id: z.number(),
    callFrame: z.object({ functionName: z.string(), url: z.string(), lineNumber: z.number() }),
  })),
  samples: z.array(z.number()),
  timeDeltas: z.array(z.number()),
})

/** Where a profiled process spent its time: functions by their own time, as shares of the time it was not idle. */
export function profileReport(folder: string): string {
  const file = readdirSync(folder).find(name => name.endsWith('.cpuprofile'))
  if (file === undefined) throw new Error('The server wrote no profile.')
  const { nodes, samples, timeDeltas } = ProfileSchema.parse(JSON.parse(readFileSync(join(folder, file), 'utf8')))
  const names = new Map(nodes.map(({ id, callFrame: { functionName, url, lineNumber } }) =>
    [id, `${functionName || '(anonymous)'}${url && ` ${shortened(url)}:${lineNumber + 1}`}`]))
  const times = new Map<string, number>()
  samples.forEach((id, i) => {
    const name = names.get(id) ?? ''
    times.set(name, (times.get(name) ?? 0) + (timeDeltas[i] ?? 0))
  })
  times.delete('(idle)')
  const total = [...times.values()].reduce((sum, time) => sum + time, 0)
  const rows = [...times].sort(([, a], [, b]) => b - a).slice(0, ROWS)
  return table(['function', 'own time'], rows.map(([name, time]) => [name, `${(time / total * 100).toFixed(1)} %`]))
}

/** The last two parts of the path say enough. */
function shortened(url: string): string {
  return url.split('/').slice(-2).join('/')
}
