import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { onTestFinished } from 'vitest'
import { createAccounts } from '../../../../server/auth/accounts'
import { createAccountsMarker } from '../../../../server/auth/accounts-marker'
import type { AccountOptions, Accounts, NewSession, Refusal } from '../../../../server/auth/contract'
import { openDocuments } from '../../../../server/history/documents'

export const PASSWORD = 'correct horse battery'
export const FROM = { address: '192.0.2.1', agent: 'a browser' }
export const NOBODY = { cookie: undefined, bearer: undefined, isLocal: false }
export const DAY_MS = 86_400_000

export function tempFile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'leitstand-accounts-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return join(folder, 'history.db')
}

/** The room on a database of its own, with a clock that the test moves. */
export function openAccounts(options: Partial<AccountOptions> = {}, file = tempFile()) {
  const store = openDocuments(file, () => {})
  const clock = { now: Date.parse('2026-11-24T12:00:00Z') }
  const marker = witnessOf(file)
  const accounts = createAccounts({ store, marker, isOpen: false, sessionDays: 14, maxAccounts: 3, maxAuditEntries: 5, hashCost: 16, now: () => clock.now, ...options })
  accounts.load()
  onTestFinished(store.close)
  return { accounts, clock, file, store }
}

/** What the folder of a database says. */
export const witnessOf = (file: string) => createAccountsMarker({ folder: dirname(file), database: file })

export async function withAdmin(options: Partial<AccountOptions> = {}, file?: string) {
  const opened = openAccounts(options, file)
  return { ...opened, admin: begun(await opened.accounts.addFirst({ name: 'anna', password: PASSWORD }, null, FROM)) }
}

export function begun(answer: NewSession | Refusal): NewSession {
  if ('code' in answer) throw new Error(answer.code)
  return answer
}

export const byCookie = (accounts: Accounts, cookie: string) => accounts.identify({ ...NOBODY, cookie })
export const byToken = (accounts: Accounts, bearer: string) => accounts.identify({ ...NOBODY, bearer })
