import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { z } from 'zod'
import { AdminFailure } from './failure.ts'
import type { Order } from './options.ts'

const AccountsSchema = z.array(z.object({ name: z.string(), role: z.string(), lastUsedAt: z.string().nullable() }))
const FaultSchema = z.object({ error: z.object({ message: z.string(), faults: z.array(z.object({ path: z.string(), message: z.string() })).optional() }) })

/** Has the running server do it; what there is to say. @throws {AdminFailure} */
export async function askServer(order: Order, readPassword: () => Promise<string>): Promise<string> {
  const { command, name, role, data, url } = order
  const key = keyIn(data)
  if (command === 'list') return listed(await send(url, key, 'GET', '/api/accounts'))
  if (command === 'give-up-accounts') {
    await send(url, key, 'DELETE', '/api/accounts')
    return 'All accounts are given up, with their sessions, tokens and links. Who may enter now, and the code for the first account, stands in the server’s log.\n'
  }
  const password = await readPassword()
  if (command === 'create') {
    await send(url, key, 'POST', '/api/accounts', { name, role, password })
    return `The account ${name} (${role}) is there.\n`
  }
  await send(url, key, 'PUT', `/api/accounts/${encodeURIComponent(name)}`, { password })
  return `${name} has another password and is signed out everywhere.\n`
}

function keyIn(data: string): string {
  try {
    return readFileSync(join(data, 'admin.key'), 'utf8').trim()
  }
  catch {
    throw new AdminFailure(`No running server has left its key in ${resolve(data)}; --data names the folder that NUXT_DATA_DIR names for the server, and only its user may read the key.`)
  }
}

async function send(url: string, key: string, method: string, path: string, body?: object): Promise<unknown> {
  let answer: Response
  try {
    answer = await fetch(new URL(path, url), { method, headers: { 'authorization': `Bearer ${key}`, 'content-type': 'application/json' }, ...(body && { body: JSON.stringify(body) }) })
  }
  catch {
    throw new AdminFailure(`No server answers at ${url}; --url names another address.`)
  }
  const said: unknown = await answer.json().catch(() => undefined)
  if (answer.ok) return said
  const { data: fault } = FaultSchema.safeParse(said)
  const places = fault?.error.faults?.map(({ path, message }) => `${path} ${message}`) ?? []
  throw new AdminFailure([fault?.error.message ?? `The server answered ${answer.status}.`, ...places].join(' '))
}

function listed(said: unknown): string {
  const accounts = AccountsSchema.parse(said)
  if (accounts.length === 0) return 'There is no account yet.\n'
  return accounts.map(({ name, role, lastUsedAt }) => `${name}\t${role}\t${lastUsedAt ?? 'not signed in'}\n`).join('')
}
