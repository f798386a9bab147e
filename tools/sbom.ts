// `npm run sbom`: what the application is made of, as CycloneDX (JSON), for those who must know whether a weakness is theirs.
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { z } from 'zod'

const FILE = 'sbom.cdx.json'
const MOST_BYTES = 64_000_000

const PackageSchema = z.object({ name: z.string(), version: z.string() })
const BillSchema = z.looseObject({ bomFormat: z.literal('CycloneDX'), metadata: z.looseObject({ component: z.looseObject({ version: z.string() }) }), components: z.array(z.looseObject({})).min(1) })

const { name, version } = PackageSchema.parse(JSON.parse(readFileSync('package.json', 'utf8')))
const output = execFileSync('npm', ['sbom', '--sbom-format', 'cyclonedx', '--sbom-type', 'application', '--omit', 'dev'], { encoding: 'utf8', maxBuffer: MOST_BYTES, stdio: ['ignore', 'pipe', 'inherit'] })
const bill = BillSchema.parse(JSON.parse(output))
// npm calls it by the folder that it lies in.
Object.assign(bill.metadata.component, { name, version })
writeFileSync(FILE, `${JSON.stringify(bill, null, 2)}\n`)
process.stdout.write(`${FILE}: ${name} ${version} with ${bill.components.length} packages\n`)
