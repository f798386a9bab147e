import { dirname, relative, resolve, sep } from 'node:path'
import type { Rule } from 'eslint'

/** What a room may import: other rooms by path prefix, and packages by name. Everything else is against the arrows. */
interface Room { path: RegExp, mayImport: RegExp[], packages: RegExp }

const SHARED = /^shared\//
const SERVER_SHELL = /^server\/(?:leitstand\/.+|replay\/point-in-time|settings|utils\/.+|http\/listen)$/
const FRAMEWORK = String.raw`#imports|#app|#components|#build|vue$|vue/|vue-|@vue/|@vueuse/|nuxt|@nuxt|h3|nitropack|crossws`
const NO_FRAMEWORK = new RegExp(`^(?!${FRAMEWORK})`)
const NO_NODE = /^(?!node:)/
const ANY = /^/

const dataRoom = (name: string): Room => ({
  path: new RegExp(`^server/${name}/`),
  mayImport: [new RegExp(`^server/${name}/`), SHARED],
  packages: NO_FRAMEWORK,
})

/** First match wins. Rooms of the data flow know only themselves and `shared/`; `server/leitstand/leitstand.ts` joins them. */
const ROOMS: Room[] = [
  { path: SHARED, mayImport: [SHARED], packages: /^zod$/ },
  // Where the server begins to listen: before the application and around it.
  { path: /^server\/http\/(?:entry|listen|error-handler|certificates)\.ts$/, mayImport: [/^server\/(?:http\/|utils\/shell$|settings$)/, SHARED], packages: ANY },
  ...['mqtt', 'sources', 'history', 'fleet', 'stream', 'rejections', 'registry', 'topics', 'doctor', 'auth', 'http'].map(dataRoom),
  // It reads what the history has kept and tells it in the words of the fleet and the stream.
  { path: /^server\/replay\//, mayImport: [/^server\/(?:(?:replay|history|fleet|stream)\/|settings$)/, SHARED], packages: NO_FRAMEWORK },
  // The history that replicas share is a history; what follows its log tells the rooms, as the ingest does.
  { path: /^server\/cluster\/(?:cluster|log-applier|retained|session-takeover)\.ts$/, mayImport: [/^server\/(?:cluster|history|fleet|stream|registry|auth|mqtt)\//, /^server\/(?:leitstand\/device-deletion|ingest\/ingest)$/, SHARED], packages: NO_FRAMEWORK },
  { path: /^server\/cluster\//, mayImport: [/^server\/(?:cluster|history)\//, SHARED], packages: NO_FRAMEWORK },
  ...['documents', 'metrics'].map(name => ({ ...dataRoom(name), mayImport: [...dataRoom(name).mayImport, /^package\.json$/] })),
  // It wraps what is to be traced from outside, where it comes in and where it is joined.
  { path: /^server\/tracing\//, mayImport: [/^server\/(?:tracing\/|mqtt\/turns$|history\/contract$|replay\/replays$|documents\/info$)/, SHARED], packages: ANY },
  { path: /^server\/settings/, mayImport: [SHARED], packages: NO_FRAMEWORK },
  { path: /^server\/(?:leitstand|ingest)\//, mayImport: [/^server\/(?:mqtt|sources|history|fleet|stream|rejections|registry|topics|doctor|auth|replay|http|metrics|tracing|cluster|ingest|leitstand)\/|^server\/settings$/, SHARED], packages: NO_FRAMEWORK },
  // Where connections of the stream come in: they speak the forms of the stream room.
  { path: /^server\/(?:api\/events|routes\/ws\/)/, mayImport: [SERVER_SHELL, /^server\/stream\/(?:frames|request|subscriber)$/, SHARED], packages: ANY },
  { path: /^server\//, mayImport: [SERVER_SHELL, /^server\/(?:documents|http|tracing)\//, SHARED], packages: ANY },
  { path: /^composables\//, mayImport: [/^composables\//, SHARED], packages: NO_NODE },
  { path: /^components\//, mayImport: [/^components\//, /^composables\//, SHARED], packages: NO_NODE },
  { path: /^(?:pages|layouts)\/|^(?:app|error)\.vue$/, mayImport: [/^components\//, /^composables\//, SHARED], packages: NO_NODE },
  // Which schema a backup may have is the history's to say, and who has the folder that of its lock.
  { path: /^tools\/backup\//, mayImport: [/^tools\//, /^server\/history\/sqlite\/migrations/, SHARED], packages: ANY },
  { path: /^tools\/cli\/locks/, mayImport: [/^tools\//, /^server\/leitstand\/folder-lock/, SHARED], packages: ANY },
  // It reads and writes what the history does, with the history's own words.
  { path: /^tools\/migrate\//, mayImport: [/^tools\//, /^server\/(?:history\/|settings)/, SHARED], packages: ANY },
  { path: /^bench\//, mayImport: [/^bench\//, /^tools\//, /^server\/(?:history\/|mqtt\/embedded-broker)/, SHARED], packages: ANY },
  { path: /^tools\//, mayImport: [/^tools\//, SHARED], packages: ANY },
]

const ALIASES: [RegExp, string][] = [[/^(?:~~|@@|~|@)\//, ''], [/^#shared\//, 'shared/'], [/^#server\//, 'server/']]

/** The imported file relative to the project, or undefined for a package. */
export function importedFile(specifier: string, file: string, root: string): string | undefined {
  for (const [alias, folder] of ALIASES) {
    if (alias.test(specifier)) return folder + specifier.replace(alias, '')
  }
  if (!specifier.startsWith('.')) return undefined
  return toPosix(relative(root, resolve(dirname(file), specifier)))
}

/** Why `file` must not import `specifier`, or undefined when it may. */
export function arrowFault(file: string, specifier: string, root: string): string | undefined {
  const from = toPosix(relative(root, file))
  const room = ROOMS.find(({ path }) => path.test(from))
  if (!room) return undefined
  const target = importedFile(specifier, file, root)
  const allowed = target === undefined ? room.packages.test(specifier) : room.mayImport.some(path => path.test(target))
  return allowed ? undefined : `${from} must not import ${target ?? specifier}: imports follow the data flow or go down into shared/ (docs/architecture.md).`
}

export function toPosix(path: string): string {
  return path.split(sep).join('/')
}

type Visited = Rule.Node & { source?: unknown, argument?: unknown, arguments?: unknown[], callee?: { name?: string } }

/** ESLint rule: imports, re-exports, dynamic imports, type imports and `require` follow the arrows. */
export const arrows: Rule.RuleModule = {
  meta: { type: 'problem', schema: [] },
  create(context) {
    function check(node: Rule.Node, literal: unknown) {
      const specifier = literalText(literal)
      const message = specifier === undefined ? undefined : arrowFault(context.filename, specifier, context.cwd)
      if (message) context.report({ node, message })
    }
    const source = (node: Visited) => check(node, node.source)
    return {
      ImportDeclaration: source,
      ExportNamedDeclaration: source,
      ExportAllDeclaration: source,
      ImportExpression: source,
      TSImportType: (node: Visited) => check(node, node.source ?? node.argument),
      CallExpression: (node: Visited) => {
        if (node.callee?.name === 'require') check(node, node.arguments?.[0])
      },
    }
  },
}

/** The text of a string literal, also inside a type literal or a template without holes. */
export function literalText(node: unknown): string | undefined {
  if (typeof node !== 'object' || node === null) return undefined
  if ('value' in node && typeof node.value === 'string') return node.value
  if ('literal' in node) return literalText(node.literal)
  if ('quasis' in node && Array.isArray(node.quasis) && node.quasis.length === 1) return node.quasis[0].value.cooked
  return undefined
}
