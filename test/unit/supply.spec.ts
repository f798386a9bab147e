import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'

const LockSchema = z.object({ packages: z.record(z.string(), z.looseObject({ hasInstallScript: z.boolean().optional(), integrity: z.string().optional(), inBundle: z.boolean().optional() })) })
const PackageSchema = z.looseObject({ allowScripts: z.record(z.string(), z.boolean()) })

const { packages } = LockSchema.parse(JSON.parse(readFileSync('package-lock.json', 'utf8')))
const { allowScripts } = PackageSchema.parse(JSON.parse(readFileSync('package.json', 'utf8')))
const FOLDER = '.github/workflows/'
const workflows = readdirSync(FOLDER).map(file => [file, readFileSync(FOLDER + file, 'utf8')] as const)

describe('what is taken from others', () => {
  it('runs a script when it is installed only where package.json says so by name, or says that it must not', () => {
    const scripted = Object.entries(packages).filter(([path, { hasInstallScript }]) => path !== '' && hasInstallScript).map(([path]) => path.replace(/^.*node_modules\//, ''))
    expect(new Set(scripted)).toEqual(new Set(Object.keys(allowScripts)))
  })

  it('is known by the digest of its content, so that nothing else can come in its place', () => {
    const others = Object.entries(packages).filter(([path, { integrity, inBundle }]) => path !== '' && !inBundle && !integrity?.startsWith('sha512-')).map(([path]) => path)
    expect(others).toEqual([])
  })
})

describe('the workflow', () => {
  it.each(workflows)('%s uses actions by the hash of their content, and may no more than it says', (_, text) => {
    const uses = [...text.matchAll(/uses: (\S+)/g)].map(([, action]) => action)
    expect(uses.filter(action => !/@[\da-f]{40}$/.test(action ?? ''))).toEqual([])
    expect(text).toMatch(/^permissions:\n {2}contents: read$/m)
  })

  it('of every push starts the image and compose.yaml', () => {
    expect(readFileSync('.ci/run', 'utf8')).toMatch(/^prove tools\/prove-container\.sh\nprove npm run -s prove-compose --$/m)
  })

  it('of every week looks for known weaknesses, starts the compose files and fuzzes for ten minutes, every push for twenty seconds', () => {
    const weekly = readFileSync(`${FOLDER}weekly.yml`, 'utf8')
    expect(weekly).toContain('npm audit --audit-level=high')
    expect(weekly).toContain('npm run fuzz -- --seconds 600')
    expect(weekly).toContain('tools/prove-deploy.sh')
    expect(readFileSync('.ci/run', 'utf8')).toContain('npm run -s fuzz -- --seconds 20')
    expect(readFileSync(`${FOLDER}ci.yml`, 'utf8')).toContain('.ci/run')
    expect(readFileSync(`${FOLDER}release.yml`, 'utf8')).toContain('npm run sbom')
  })
})

describe('the script that starts the compose files', () => {
  it('leaves none below deploy/ out', () => {
    const script = readFileSync('tools/prove-deploy.sh', 'utf8')
    const files = readdirSync('deploy').filter(name => name.startsWith('compose.'))
    expect(files.length).toBeGreaterThan(2)
    expect(files.filter(name => !script.includes(`deploy/${name}`))).toEqual([])
  })
})
