import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { RefusalReasonSchema } from '#shared/schemas/refusal'
import { SettingsSchema, variableName } from '../../server/settings'

const readme = readFileSync('README.md', 'utf8')
const configuration = readFileSync('docs/configuration.md', 'utf8')
const DOCUMENTS = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'SECURITY.md', 'bench/README.md', ...readdirSync('docs').filter(name => name.endsWith('.md')).map(name => `docs/${name}`)]

/** One table row per setting, from the only place where settings are declared. */
function settingRows(): string[] {
  const defaults = SettingsSchema.parse({})
  return Object.entries(SettingsSchema.shape).flatMap(([group, section]) => {
    const inner = section.unwrap()
    if (!('shape' in inner)) return row([group], section.description, Reflect.get(defaults, group))
    return Object.entries(inner.shape).map(([key, field]) =>
      row([group, key], field.description, Reflect.get(Reflect.get(defaults, group), key)))
  })
}

function row(path: string[], description: string | undefined, fallback: unknown): string {
  return `| \`${variableName(path)}\` | ${fallback === '' ? '' : `\`${String(fallback)}\``} | ${description} |`
}

/** The addresses of a document's headings, made as GitHub makes them. */
function headings(document: string): string[] {
  return [...readFileSync(document, 'utf8').matchAll(/^#+ (.+)$/gm)].map(([, text = '']) => text.toLowerCase().replace(/[^\p{L}\p{N} _-]/gu, '').replaceAll(' ', '-'))
}

describe('docs/configuration.md', () => {
  it.each(settingRows())('lists %s', (row) => {
    expect(configuration).toContain(row)
  })

  it('lists no setting that does not exist', () => {
    const listed = configuration.match(/^\| `NUXT_\w+`.*$/gm) ?? []
    expect(listed).toHaveLength(settingRows().length)
  })
})

describe('the README', () => {
  it('is at most 150 lines long', () => {
    expect(readme.trimEnd().split('\n').length).toBeLessThanOrEqual(150)
  })

  it('lists ten settings that exist, with their defaults', () => {
    const start = (row: string) => row.split('|').slice(1, 3).join('|')
    const listed = readme.match(/^\| `NUXT_\w+`.*$/gm) ?? []
    const known = settingRows().map(start)
    expect(listed).toHaveLength(10)
    expect(listed.map(start).filter(row => !known.includes(row))).toEqual([])
  })
})

describe('the variables of OpenTelemetry', () => {
  it('that are read are all explained', () => {
    const sources = readdirSync('server/tracing').map(name => readFileSync(`server/tracing/${name}`, 'utf8')).join()
    const read = new Set(sources.match(/\bOTEL_[A-Z_]+[A-Z]\b/g)?.filter(name => name !== 'OTEL_EXPORTER_OTLP_TRACES_PROTOCOL'))
    const explained = readFileSync('docs/operation.md', 'utf8')
    expect(read.size).toBeGreaterThan(12)
    expect([...read].filter(name => !explained.includes(`\`${name}\``))).toEqual([])
  })
})

describe('links in the documents', () => {
  it.each(DOCUMENTS)('of %s lead somewhere', (document) => {
    const folder = document.includes('/') ? document.slice(0, document.lastIndexOf('/') + 1) : ''
    const links = [...readFileSync(document, 'utf8').matchAll(/\]\((?!https?:)([^)#]+)[^)]*\)/g)].map(([, path]) => path)
    expect(links.filter(path => !existsSync(folder + path))).toEqual([])
  })

  it.each(DOCUMENTS)('of %s that name a heading find it', (document) => {
    const links = [...readFileSync(document, 'utf8').matchAll(/\]\((?!https?:)([^)#]*\.md|)#([^)]+)\)/g)]
    const missing = links.filter(([, path, anchor = '']) => !headings(path ? join(dirname(document), path) : document).includes(anchor))
    expect(missing.map(([link]) => link)).toEqual([])
  })
})

describe('commands of Compose in the documents', () => {
  const files = [...DOCUMENTS, ...readdirSync('deploy').filter(name => name.endsWith('.yaml')).map(name => `deploy/${name}`)]
  const commands = files.flatMap(file => [...readFileSync(file, 'utf8').matchAll(/docker compose [^`\n]*-f [^`\n]*/g)].map(([command]) => command))

  it('name files that are there', () => {
    expect(commands.length).toBeGreaterThan(10)
    const named = commands.flatMap(command => [...command.matchAll(/-f (\S+\.yaml)/g)].map(([, file = '']) => file))
    expect(named.filter(file => !existsSync(file))).toEqual([])
  })

  it('say where data, secrets and .env lie when the first file is in another folder', () => {
    const first = commands.filter(command => /^docker compose (?:--\S+ \S+ )*-f deploy\//.test(command))
    expect(first.length).toBeGreaterThan(8)
    expect(first.filter(command => !command.includes('--project-directory . '))).toEqual([])
  })
})

describe('the table of threats', () => {
  const rows = readFileSync('docs/security.md', 'utf8').split('\n').filter(line => line.startsWith('| ')).slice(2).map(line => line.split(' | '))
  const linked = new Set<string>()

  it('names for each a test, by a link or by the name of an earlier one', () => {
    expect(rows.length).toBeGreaterThan(25)
    for (const row of rows) {
      const shown = row.at(-1)?.replace(/ \|$/, '') ?? ''
      for (const [, name = ''] of shown.matchAll(/\[([^\]]+)\]\(\.\.\/test\//g)) linked.add(name)
      const named = [...linked].some(name => shown.includes(name))
      expect(named, row[0]).toBe(true)
    }
  })

  it('has every reason of a refusal', () => {
    const text = rows.map(row => row.join()).join()
    expect(RefusalReasonSchema.options.filter(reason => !text.includes(`\`${reason}\``))).toEqual([])
  })
})
