import { existsSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import type { Rule } from 'eslint'
import { importedFile, literalText, toPosix } from './arrows.ts'

const IMPORT = /\b(?:from|import)\s*\(?\s*'([^']+)'/g
const ENDINGS = ['', '.ts', '.vue', '/index.ts']

/** The file that is imported, relative to the project; undefined for a package. */
function targetOf(specifier: string, file: string, root: string): string | undefined {
  const target = importedFile(specifier, join(root, file), root)
  return ENDINGS.map(ending => `${target}${ending}`).find(path => target !== undefined && /\.(?:ts|vue)$/.test(path) && existsSync(join(root, path)))
}

/** Which imports a file has. Types count: who reads the one file has to read the other. */
function createGraph(root: string) {
  const known = new Map<string, string[]>()
  return (file: string): readonly string[] => {
    const before = known.get(file)
    if (before) return before
    const text = readFileSync(join(root, file), 'utf8')
    const targets = [...text.matchAll(IMPORT)].flatMap(([, specifier = '']) => targetOf(specifier, file, root) ?? [])
    known.set(file, targets)
    return targets
  }
}

/** The way from one file to another along imports, both ends included; undefined: there is none. */
export function wayBetween(from: string, to: string, importsOf: (file: string) => readonly string[]): string[] | undefined {
  const cameFrom = new Map<string, string | undefined>([[from, undefined]])
  for (const file of cameFrom.keys()) {
    if (file === to) {
      const way: string[] = []
      for (let step: string | undefined = to; step !== undefined; step = cameFrom.get(step)) way.unshift(step)
      return way
    }
    for (const next of importsOf(file)) if (!cameFrom.has(next)) cameFrom.set(next, file)
  }
  return undefined
}

let graph: ReturnType<typeof createGraph> | undefined

/** ESLint rule: no file is imported, at whatever distance, by what it imports itself. */
export const circles: Rule.RuleModule = {
  meta: { type: 'problem', schema: [] },
  create(context) {
    graph ??= createGraph(context.cwd)
    const importsOf = graph
    const file = toPosix(relative(context.cwd, context.filename))
    function check(node: Rule.Node & { source?: unknown }) {
      const specifier = literalText(node.source)
      const target = specifier === undefined ? undefined : targetOf(specifier, file, context.cwd)
      const way = target && wayBetween(target, file, importsOf)
      if (way) context.report({ node, message: `A circle of imports: ${[file, ...way].join(' -> ')}.` })
    }
    return { ImportDeclaration: check, ExportNamedDeclaration: check, ExportAllDeclaration: check, ImportExpression: check }
  },
}
