// Owns the files of what has failed once: each is said first at every run.
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { CaseSchema } from './cases'

const FOLDER = 'test/fixtures/fuzz'

/** `seed` is the one by which it was found, if it was. */
const FindingSchema = z.object({ what: z.string(), seed: z.number().optional(), case: CaseSchema })
export type Finding = z.infer<typeof FindingSchema>

export function readFindings(): (Finding & { file: string })[] {
  return readdirSync(FOLDER).filter(file => file.endsWith('.json')).sort()
    .map(file => ({ file, ...FindingSchema.parse(JSON.parse(readFileSync(join(FOLDER, file), 'utf8'))) }))
}

/** The same case has the same file. */
export function keepFinding(finding: Finding): string {
  const name = createHash('sha256').update(JSON.stringify(finding.case)).digest('hex').slice(0, 10)
  const file = join(FOLDER, `${finding.case.kind}-${name}.json`)
  mkdirSync(FOLDER, { recursive: true })
  writeFileSync(file, `${JSON.stringify(finding, null, 2)}\n`)
  return file
}
