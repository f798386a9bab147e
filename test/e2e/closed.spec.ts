// Accounts exist, and what they are kept in is damaged, cut or gone: nobody may get in who could not before.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, cpSync, ftruncateSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs'
import { randomBytes } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { launchApp, startApp } from './support/app'
import type { App } from './support/app'
import { closeBrowser, openPage } from './support/browser'
import { findBrowser } from './support/dependencies'

const PASSWORD = 'correct horse battery'

function dataFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'leitstand-closed-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

const codeIn = (output: string) => /with the code ([A-Z0-9-]+)/.exec(output)?.[1]

/** A folder in which an account was made, with the server that has it. */
async function withAccount(env: Record<string, string> = {}): Promise<{ folder: string, app: App, cookie: string }> {
  const folder = dataFolder()
  const app = await startApp({ NUXT_DATA_DIR: folder, ...env })
  return { folder, app, cookie: await makeAccount(app) }
}

/** The first one; its session. */
async function makeAccount(app: App): Promise<string> {
  const made = await post(app, '/api/first-account', { code: codeIn(app.output()), name: 'anna', password: PASSWORD })
  expect(made.status).toBe(200)
  return made.headers.get('set-cookie')?.split(';')[0] ?? ''
}

function post(app: App, path: string, body: object, headers: Record<string, string> = {}) {
  return fetch(app.url + path, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) })
}

async function runAdmin(app: App, folder: string, ...args: string[]): Promise<number | null> {
  const child = spawn(process.execPath, ['tools/admin.ts', ...args, '--data', folder, '--url', app.url], { stdio: ['pipe', 'ignore', 'inherit'] })
  child.stdin.end(`${PASSWORD}\n`)
  return (await once(child, 'exit'))[0]
}

function overwrite(file: string, bytes: Uint8Array, at: number) {
  const handle = openSync(file, 'r+')
  writeSync(handle, bytes, 0, bytes.length, at)
  closeSync(handle)
}

function inDatabase(file: string, statement: string) {
  const database = new DatabaseSync(file)
  database.exec(statement)
  database.close()
}

const sized = (file: string, bytes: number) => {
  const handle = openSync(file, 'r+')
  ftruncateSync(handle, bytes)
  closeSync(handle)
}

const DAMAGES: [string, (file: string) => void][] = [
  ['is damaged in the middle', file => overwrite(file, randomBytes(12 * 4_096), 4_096)],
  ['is damaged at its head', file => overwrite(file, randomBytes(100), 0)],
  ['says in its head that a newer version wrote it', file => overwrite(file, Buffer.from([0x7F, 0, 0, 1]), 60)],
  ['is cut to half', file => sized(file, Math.floor(statSync(file).size / 2))],
  ['is cut to one byte', file => sized(file, 1)],
  ['is empty', file => sized(file, 0)],
  ['is gone', file => ['', '-wal', '-shm'].forEach(suffix => rmSync(file + suffix, { force: true }))],
  ['is a folder', (file) => {
    rmSync(file)
    mkdirSync(file)
  }],
  ['has lost the rows of accounts', file => inDatabase(file, 'DELETE FROM document WHERE kind = \'account\'')],
  ['has lost all documents', file => inDatabase(file, 'DELETE FROM document')],
  ['has lost the table of documents', file => inDatabase(file, 'DROP TABLE document')],
  ['has nonsense where the account was', file => inDatabase(file, 'UPDATE document SET body = x\'ff00\' WHERE kind = \'account\'')],
]

async function expectClosed(app: App, cookie: string) {
  expect((await fetch(`${app.url}/api/sensors`)).status).toBe(401)
  for (const path of ['/api/devices', '/api/accounts', '/api/events', '/metrics']) expect((await fetch(app.url + path)).status, path).toBe(401)
  expect((await fetch(`${app.url}/api/devices/gate`, { method: 'PUT', headers: { 'content-type': 'application/json' }, body: '{"name":"x"}' })).status).toBe(401)
  expect([401, 503]).toContain((await fetch(`${app.url}/api/sensors`, { headers: { cookie } })).status)
  for (const body of [{ name: 'eve', password: PASSWORD }, { code: codeIn(app.output()) ?? 'ABCD-EFGH-JKMN', name: 'eve', password: PASSWORD }]) {
    expect([401, 403, 503]).toContain((await post(app, '/api/first-account', body)).status)
  }
  expect((await post(app, '/api/accounts', { name: 'eve', role: 'admin', password: PASSWORD })).status).toBe(401)
  const page = await fetch(`${app.url}/welcome`, { redirect: 'manual' })
  expect(page.headers.get('location') ?? await page.text()).toContain('login')
  expect(await (await fetch(`${app.url}/login`)).text()).toContain('npm run restore')
  expect(app.output()).not.toMatch(/with the code/)
  expect(app.output()).toMatch(/npm run admin/)
  expect(app.output()).toMatch(/npm run restore/)
}

describe.each(['true', 'false'])('with NUXT_ACCOUNTS_OPEN=%s', (open) => {
  let whole: string
  let cookie: string
  beforeAll(async () => {
    whole = mkdtempSync(join(tmpdir(), 'leitstand-closed-'))
    const app = await launchApp({ NUXT_DATA_DIR: whole })
    cookie = await makeAccount(app)
    await app.stop()
  })
  afterAll(() => rmSync(whole, { recursive: true, force: true }))

  it.each(DAMAGES)('a database that %s opens nothing', async (_, damage) => {
    const folder = dataFolder()
    cpSync(whole, folder, { recursive: true })
    damage(join(folder, 'history.db'))
    const again = await startApp({ NUXT_DATA_DIR: folder, NUXT_ACCOUNTS_OPEN: open })
    await expectClosed(again, cookie)
    await again.stop()
    // What was set aside must not be forgotten at the next start.
    await expectClosed(await startApp({ NUXT_DATA_DIR: folder, NUXT_ACCOUNTS_OPEN: open }), cookie)
  })
})

it('where no history is kept as well', async () => {
  const { folder, app, cookie } = await withAccount({ NUXT_HISTORY: 'off' })
  await app.stop()
  rmSync(join(folder, 'history.db'))
  await expectClosed(await startApp({ NUXT_DATA_DIR: folder, NUXT_ACCOUNTS_OPEN: 'true', NUXT_HISTORY: 'off' }), cookie)
})

it('is opened by an account that is made at the machine', async () => {
  const { folder, app, cookie } = await withAccount()
  await app.stop()
  writeFileSync(join(folder, 'history.db'), randomBytes(40_960))
  const again = await startApp({ NUXT_DATA_DIR: folder, NUXT_ACCOUNTS_OPEN: 'true' })
  expect((await fetch(`${again.url}/api/sensors`)).status).toBe(401)
  expect(await runAdmin(again, folder, 'create', 'anna')).toBe(0)
  expect((await fetch(`${again.url}/api/sensors`)).status).toBe(401)
  expect((await fetch(`${again.url}/api/sensors`, { headers: { cookie } })).status).toBe(401)
  expect((await post(again, '/api/session', { name: 'anna', password: PASSWORD })).status).toBe(200)
})

it('is opened by a backup that is put back', async () => {
  const { folder, app } = await withAccount()
  const backup = join(folder, 'copy')
  const run = async (...args: string[]) => (await once(spawn(process.execPath, [...args, '--data', folder], { stdio: ['ignore', 'ignore', 'inherit'] }), 'exit'))[0]
  expect(await run('tools/backup.ts', backup)).toBe(0)
  await app.stop()
  writeFileSync(join(folder, 'history.db'), randomBytes(40_960))
  const closed = await startApp({ NUXT_DATA_DIR: folder, NUXT_ACCOUNTS_OPEN: 'true' })
  expect((await fetch(`${closed.url}/api/sensors`)).status).toBe(401)
  await closed.stop()
  expect(await run('tools/restore.ts', backup, '--force')).toBe(0)
  const again = await startApp({ NUXT_DATA_DIR: folder, NUXT_ACCOUNTS_OPEN: 'true' })
  expect((await fetch(`${again.url}/api/sensors`)).status).toBe(401)
  expect((await post(again, '/api/session', { name: 'anna', password: PASSWORD })).status).toBe(200)
})

it('is given up at the machine, and no account can do that', async () => {
  const { folder, app, cookie } = await withAccount()
  expect((await fetch(`${app.url}/api/accounts`, { method: 'DELETE', headers: { cookie } })).status).toBe(409)
  expect((await fetch(`${app.url}/api/sensors`, { headers: { cookie } })).status).toBe(200)
  await app.stop()
  rmSync(join(folder, 'history.db'))
  const again = await startApp({ NUXT_DATA_DIR: folder, NUXT_ACCOUNTS_OPEN: 'true' })
  expect((await fetch(`${again.url}/api/sensors`)).status).toBe(401)
  expect(await runAdmin(again, folder, 'give-up-accounts')).toBe(0)
  expect((await fetch(`${again.url}/api/sensors`)).status).toBe(200)
  expect((await post(again, '/api/first-account', { code: codeIn(again.output()), name: 'otto', password: PASSWORD })).status).toBe(200)
  expect(JSON.parse(readFileSync(join(folder, 'accounts.json'), 'utf8'))).toMatchObject({ accounts: 'some' })
})

it.skipIf(!await findBrowser())('says on the page what opens it again', async () => {
  onTestFinished(closeBrowser)
  const { folder, app } = await withAccount()
  await app.stop()
  rmSync(join(folder, 'history.db'))
  const again = await startApp({ NUXT_DATA_DIR: folder, NUXT_ACCOUNTS_OPEN: 'true' })
  const page = await openPage(`${again.url}/welcome`)
  await page.waitForSelector('[data-testid=access-closed]')
  const text = await page.textContent('main')
  for (const command of ['npm run admin -- create', 'npm run restore', 'npm run admin -- give-up-accounts']) expect(text).toContain(command)
  expect(await page.locator('form').count()).toBe(0)
})
