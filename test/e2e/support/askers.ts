import { mkdtempSync, rmSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import { MadeShareSchema, MadeTokenSchema } from '#shared/schemas/access'
import type { Role } from '#shared/api/access'
import { launchApp } from './app'
import type { App } from './app'

export const PASSWORD = 'correct horse battery'
type Headers = Record<string, string>

/** Somebody who asks, and what the table of rules has to know of them; written down here once more, so that the server is not measured by itself. */
export interface Asker { headers: Headers, role: Role | null, isInPerson: boolean, isLimited: boolean, isByLink: boolean }

const ACCOUNTS = {
  admin: { role: 'admin' },
  operator: { role: 'operator' },
  viewer: { role: 'viewer' },
  otherOperator: { role: 'operator', groups: ['South'] },
  otherViewer: { role: 'viewer', groups: ['South'] },
} as const
const NOBODY = { headers: {}, role: null, isInPerson: false, isLimited: false, isByLink: false }

export type Call = (method: string, path: string, headers: Headers, body?: unknown) => Promise<Response>

export function caller(url: string): Call {
  return (method, path, headers, body) => fetch(url + path, { method, headers, redirect: 'manual', ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }) })
}

function cookieOf(answer: Response): Headers {
  return { cookie: answer.headers.get('set-cookie')?.split(';')[0] ?? '' }
}

/**
 * A server with everybody who may ask: accounts of each role, some of whose rights are limited to the group South, tokens of all kinds, one of
 * which has expired, and share links.
 */
export async function openSite(): Promise<{ app: App, askers: Record<string, Asker>, close: () => Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), 'leitstand-matrix-'))
  const early = await launchApp({ NUXT_DATA_DIR: folder })
  const call = caller(early.url)
  const first = await call('POST', '/api/first-account', {}, { name: 'admin', password: PASSWORD })
  const admin = cookieOf(first)
  const askers: Record<string, Asker> = { nobody: NOBODY }
  for (const [name, { role, ...more }] of Object.entries(ACCOUNTS)) {
    if (name !== 'admin') expect((await call('POST', '/api/accounts', admin, { name, role, password: PASSWORD, ...more })).status).toBe(200)
    const headers = cookieOf(await call('POST', '/api/session', {}, { name, password: PASSWORD }))
    askers[name] = { headers, role, isInPerson: true, isLimited: 'groups' in more, isByLink: false }
  }
  const token = async (role: Role, groups: string[] = []) => {
    const made = MadeTokenSchema.parse(await (await call('POST', '/api/tokens', admin, { name: 'a script', role, days: 1, groups })).json())
    return { id: made.id, headers: { authorization: `Bearer ${made.token}` } }
  }
  askers.adminToken = { ...NOBODY, headers: (await token('admin')).headers, role: 'admin' }
  askers.otherToken = { ...NOBODY, headers: (await token('operator', ['South'])).headers, role: 'operator', isLimited: true }
  const expired = await token('admin')
  askers.expiredToken = { ...NOBODY, headers: expired.headers }
  askers.wrongToken = { ...NOBODY, headers: { authorization: 'Bearer lst_wrong', ...admin } }
  for (const [name, path] of [['linkToOther', '/?group=South'], ['linkToOtherDevice', '/devices/south-1'], ['linkToAll', '/']] as const) {
    const { secret } = MadeShareSchema.parse(await (await call('POST', '/api/shares', askers.operator?.headers ?? {}, { path, hours: 1 })).json())
    askers[name] = { headers: cookieOf(await call('POST', '/api/share-session', {}, { secret })), role: 'viewer', isInPerson: false, isLimited: true, isByLink: true }
  }
  await early.stop()
  expire(join(folder, 'history.db'), expired.id)
  const app = await launchApp({ NUXT_DATA_DIR: folder })
  return {
    app,
    askers,
    async close() {
      await app.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** A token that has expired takes a day; here it is written that it was made long ago. */
function expire(file: string, id: string) {
  const database = new DatabaseSync(file)
  const changed = database.prepare(`UPDATE document SET body = json_set(body, '$.expiresAt', 1) WHERE kind = 'token' AND json_extract(body, '$.id') = ?`).run(id)
  database.close()
  expect(changed.changes).toBe(1)
}
