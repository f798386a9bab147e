import { relative, sep } from 'node:path'
import type { Rule } from 'eslint'

/** What runs in the browser. */
const PAGES = /^(?:pages|components|composables|layouts|middleware|plugins|shared)\/|^(?:app|error)\.vue$/
/** Where the pages know the time from. */
const SOURCE = 'composables/shell/useServerTime.ts'
const MESSAGE = `The viewer’s clock may be wrong: take the time from useClock() or presentMs() (${SOURCE}).`
const COUNTING = /^use(?:Now|Timestamp|TimeAgo|TimeAgoIntl)$/

type Visited = Rule.Node & { callee?: unknown, object?: unknown, property?: unknown, arguments?: unknown[] }

/** ESLint rule: pages count by the server's clock; nothing but its source asks the one of the computer they are on. */
export const oneClock: Rule.RuleModule = {
  meta: { type: 'problem', schema: [] },
  create(context) {
    const file = relative(context.cwd, context.filename).split(sep).join('/')
    if (!PAGES.test(file) || file === SOURCE) return {}
    const report = (node: Rule.Node) => context.report({ node, message: MESSAGE })
    const visitor: Rule.RuleListener = {
      MemberExpression(node: Visited) {
        const asked = `${globalName(node.object)}.${nameOf(node.property)}`
        if (/^(?:Date\.now|performance\.(?:now|timeOrigin))$/.test(asked)) report(node)
      },
      NewExpression(node: Visited) {
        if (globalName(node.callee) === 'Date' && node.arguments?.length === 0) report(node)
      },
      CallExpression(node: Visited) {
        const name = globalName(node.callee)
        if (name === 'Date' || COUNTING.test(name)) report(node)
      },
    }
    // Only the parser of Vue's files knows of templates.
    const { defineTemplateBodyVisitor } = context.sourceCode.parserServices
    return typeof defineTemplateBodyVisitor === 'function' ? defineTemplateBodyVisitor(visitor, visitor) : visitor
  },
}

/** `Date`, also where it says `window.Date`. */
function globalName(node: unknown): string {
  const name = nameOf(node)
  if (name || typeof node !== 'object' || node === null || !('object' in node && 'property' in node)) return name
  return /^(?:window|globalThis|self)$/.test(nameOf(node.object)) ? nameOf(node.property) : ''
}

/** The name of an identifier, or what a literal says. */
function nameOf(node: unknown): string {
  if (typeof node !== 'object' || node === null) return ''
  if ('name' in node && typeof node.name === 'string') return node.name
  return 'value' in node && typeof node.value === 'string' ? node.value : ''
}
