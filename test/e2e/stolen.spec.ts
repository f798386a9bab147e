import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { AuditSchema, MadeTokenSchema } from '#shared/schemas/access'
import { describe, expect, it, onTestFinished } from 'vitest'
import { startApp } from './support/app'
import type { App } from './support/app'

const run = promisify(execFile)
const OLD = 'the first of two passwords'
const NEW = 'the second of two passwords'
/** What a guess must at least cost (OWASP): 32 MiB, three times. */
const LEAST_WORK = { cost: 32_768, blockSize: 8, parallel: 3 }

function tempFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'leitstand-stolen-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

function ask(app: App, path: string, headers: Record<string, string> = {}, method = 'GET', body?: object) {
  return fetch(app.url + path, { method, headers: { 'content-type': 'application/json', ...headers }, ...(body && { body: JSON.stringify(body) }) })
}

function sessionOf(answer: Response): string {
  return /leitstand-session=([^;]+)/.exec(answer.headers.get('set-cookie') ?? '')?.[1] ?? ''
}

const withSession = (session: string) => ({ cookie: `leitstand-session=${session}` })
const withToken = (token: string) => ({ authorization: `Bearer ${token}` })

/** A server with an admin (whose password has been changed), a viewer, and a token. */
async function startUsed(folder: string) {
  const app = await startApp({ NUXT_DATA_DIR: folder })
  const first = sessionOf(await ask(app, '/api/first-account', {}, 'POST', { name: 'admin', password: OLD }))
  const session = sessionOf(await ask(app, '/api/account/password', withSession(first), 'PUT', { current: OLD, password: NEW }))
  await ask(app, '/api/accounts', withSession(session), 'POST', { name: 'vera', role: 'viewer', password: OLD })
  const viewer = sessionOf(await ask(app, '/api/session', {}, 'POST', { name: 'vera', password: OLD }))
  const { token } = MadeTokenSchema.parse(await (await ask(app, '/api/tokens', withSession(session), 'POST', { name: 'script', role: 'operator', days: null })).json())
  return { app, first, session, viewer, token }
}

/** The database as somebody who can read the disk has it, its log as well, and a backup. */
async function steal(folder: string): Promise<Buffer> {
  const backup = join(tempFolder(), 'history.backup')
  await run(process.execPath, ['tools/backup.ts', backup, '--data', folder])
  const files = readdirSync(folder).filter(name => name.startsWith('history.db'))
  expect(files).toContain('history.db-wal')
  return Buffer.concat([backup, ...files.map(name => join(folder, name))].map(file => readFileSync(file)))
}

const digest = (secret: string) => createHash('sha256').update(secret).digest('base64url')

describe('whoever steals the database of a running server, or a backup,', () => {
  it('has no password, session or token, but only what is slow to guess, or cannot be', async () => {
    const folder = tempFolder()
    const { app, first, session, viewer, token } = await startUsed(folder)
    const masterKey = readFileSync(join(folder, 'admin.key'), 'utf8').trim()
    const bytes = await steal(folder)
    const text = bytes.toString('latin1')
    for (const secret of [OLD, NEW, first, session, viewer, token, masterKey]) {
      expect(secret.length).toBeGreaterThan(20)
      for (const form of [secret, encodeURIComponent(secret), Buffer.from(secret).toString('base64'), Buffer.from(secret).toString('hex')]) expect(text.includes(form)).toBe(false)
    }
    // That these are the right bytes.
    for (const secret of [session, viewer, token]) expect(text).toContain(digest(secret))
    const hashes = new Set(text.match(/scrypt\$\d+\$\d+\$\d+\$[\w-]+\$[\w-]+/g))
    expect(hashes.size).toBeGreaterThanOrEqual(2)
    for (const hash of hashes) {
      const [cost = 0, blockSize = 0, parallel = 0] = hash.split('$').slice(1, 4).map(Number)
      expect({ cost, blockSize, parallel }).toEqual(LEAST_WORK)
    }
    // Two with the same password cannot be told by their hashes.
    expect(new Set([...hashes].map(hash => hash.split('$')[4])).size).toBe(hashes.size)

    const [hash = ''] = hashes
    for (const found of [digest(session), digest(token), hash]) {
      expect((await ask(app, '/api/sensors', withSession(found))).status).toBe(401)
      expect((await ask(app, '/api/sensors', withToken(found))).status).toBe(401)
    }
    expect((await ask(app, '/api/session', {}, 'POST', { name: 'vera', password: hash })).status).toBe(401)
  })
})

describe('a backup', () => {
  it('brings back accounts, sessions, tokens and the audit log, and what had ended stays ended', async () => {
    const [folder, restored] = [tempFolder(), tempFolder()]
    const { app, first, session, viewer, token } = await startUsed(folder)
    const backup = join(tempFolder(), 'history.backup')
    await run(process.execPath, ['tools/backup.ts', backup, '--data', folder])
    await app.stop()
    await run(process.execPath, ['tools/restore.ts', backup, '--data', restored])

    const again = await startApp({ NUXT_DATA_DIR: restored })
    expect((await ask(again, '/api/sensors')).status).toBe(401)
    expect((await ask(again, '/api/sensors', withSession(first))).status).toBe(401)
    for (const headers of [withSession(session), withSession(viewer), withToken(token)]) expect((await ask(again, '/api/sensors', headers)).status).toBe(200)
    expect((await ask(again, '/api/accounts', withSession(viewer))).status).toBe(403)
    expect((await ask(again, '/api/session', {}, 'POST', { name: 'admin', password: OLD })).status).toBe(401)
    expect((await ask(again, '/api/session', {}, 'POST', { name: 'admin', password: NEW })).status).toBe(200)
    const { entries } = AuditSchema.parse(await (await ask(again, '/api/audit', withSession(session))).json())
    expect(entries.map(({ deed }) => deed)).toEqual(expect.arrayContaining(['first-account', 'password', 'account-add', 'token-add', 'login']))
  })
})
