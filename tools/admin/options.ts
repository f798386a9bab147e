import { ROLES } from '../../shared/api/access.ts'
import { parseOptions } from '../cli/command.ts'

const ARGUMENTS = { role: { type: 'string' }, data: { type: 'string' }, url: { type: 'string' }, help: { type: 'boolean' } } as const
const COMMANDS = ['create', 'password', 'list', 'give-up-accounts'] as const
/** Commands that are about one account. */
const NAMED: readonly string[] = ['create', 'password']

export interface Order { kind: 'run', command: typeof COMMANDS[number], name: string, role: typeof ROLES[number], data: string, url: string }
export type Asked = Order | { kind: 'help' } | { kind: 'wrong', fault: string }

/** Reads the command line (without `node` and the file's name). Never throws for what somebody typed. */
export function readOptions(args: string[], env: Record<string, string | undefined>): Asked {
  const typed = parseOptions({ args, options: ARGUMENTS, allowPositionals: true })
  if (typeof typed === 'string') return { kind: 'wrong', fault: typed }
  const { values, positionals: [first, name = '', ...more] } = typed
  if (values.help) return { kind: 'help' }
  const command = COMMANDS.find(each => each === first)
  const role = ROLES.find(each => each === (values.role ?? 'admin'))
  const url = values.url ?? `http://127.0.0.1:${env.PORT || '3000'}`
  if (!command) return { kind: 'wrong', fault: `The command is one of ${COMMANDS.join(', ')}.` }
  if (!role) return { kind: 'wrong', fault: `The role is one of ${ROLES.join(', ')}.` }
  if (!URL.canParse(url)) return { kind: 'wrong', fault: '--url needs an address such as http://127.0.0.1:3000.' }
  if (NAMED.includes(command) && !name) return { kind: 'wrong', fault: 'The name of the account is missing.' }
  if (!NAMED.includes(command) && name) return { kind: 'wrong', fault: `${command} takes no name, but ${name} came after it.` }
  if (more.length > 0) return { kind: 'wrong', fault: `One name is enough, but ${more.join(' ')} came after it.` }
  return { kind: 'run', command, name, role, data: values.data ?? (env.NUXT_DATA_DIR || '.data'), url }
}
