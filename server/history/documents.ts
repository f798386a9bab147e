import { existsSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'
import { openDatabase } from './sqlite/database'
import { inWords } from './engine/errors'
import { createMarkTable } from './marks'
import type { Marks, MarkTable } from './marks'

/**
 * A document to write; `body: null` deletes it. `ifThere`: write it only if it still exists; another replica may have
 * deleted it meanwhile.
 */
export interface DocumentChange { kind: string, name: string, body: string | Uint8Array | null, ifThere?: true }

/** Small documents that other rooms store in the database, by kind and name. */
export interface Documents {
  /** All of a kind, in no order. */
  all: (kind: string) => { name: string, body: string }[]
  bytes: (kind: string, name: string) => Uint8Array | undefined
  /**
   * Writes in one transaction; resolves when it is as durable as configured. @throws an Error that can be shown to a
   * client; nothing has changed then.
   */
  write: (changes: readonly DocumentChange[]) => Promise<void>
}

/** Reads and writes documents of an open database; the caller runs the transactions. */
export function createDocumentTable(database: DatabaseSync) {
  const all = database.prepare('SELECT name, body FROM document WHERE kind = ?')
  const one = database.prepare('SELECT body FROM document WHERE kind = ? AND name = ?')
  const put = database.prepare('INSERT INTO document (kind, name, body) VALUES (?, ?, ?) ON CONFLICT (kind, name) DO UPDATE SET body = excluded.body')
  const drop = database.prepare('DELETE FROM document WHERE kind = ? AND name = ?')
  return {
    all: (kind: string) => all.all(kind).map(({ name, body }) => ({ name: String(name), body: String(body) })),
    bytes(kind: string, name: string): Uint8Array | undefined {
      const body = one.get(kind, name)?.body
      return body instanceof Uint8Array ? body : undefined
    },
    apply(changes: readonly DocumentChange[]) {
      for (const { kind, name, body } of changes) {
        if (body === null) drop.run(kind, name)
        else put.run(kind, name, body)
      }
    },
  }
}
export type DocumentTable = ReturnType<typeof createDocumentTable>

interface Transactions {
  /** Undefined while the database is not open. */
  table: () => DocumentTable | undefined
  fault: () => string | null
  /** Resolves as soon as no other transaction is running. */
  idle: () => Promise<void>
  /** Runs a change in a transaction of its own; false when that is not possible now. */
  transact: (change: () => void) => boolean
  /** Learns whether everything committed so far is as durable as configured. */
  settled: (done: (committed: boolean) => void) => void
}

/** The documents beside a history that is being written. */
export function createDocuments({ table, fault, idle, transact, settled }: Transactions): Documents {
  return {
    all: kind => table()?.all(kind) ?? [],
    bytes: (kind, name) => table()?.bytes(kind, name),
    async write(changes) {
      await idle()
      try {
        if (transact(() => table()?.apply(changes)) && await new Promise(settled)) return
      }
      catch {
        // Noted as the history's fault.
      }
      throw new Error(fault() ?? 'The history is not open.')
    },
  }
}

/** Bytes of the documents. Retention does not limit them. */
export function documentBytes(database: DatabaseSync): number {
  return Number(database.prepare('SELECT coalesce(sum(length(body)), 0) AS n FROM document').get()?.n)
}

/**
 * The documents and marks alone, when the history is off. They use the same file, so switching the history on or off
 * loses nothing. The first document creates the file.
 */
export function openDocuments(file: string, onDamaged: (movedTo: string) => void): Documents & { marks: Marks, isOpen: () => boolean, close: () => void } {
  let database: DatabaseSync | undefined
  let held: DocumentTable | undefined
  let markTable: MarkTable | undefined
  let isReadOnly = false

  /** @throws an Error that can be shown to a client. */
  function table(): DocumentTable {
    if (held) return held
    try {
      const opened = openDatabase(file, onDamaged)
      database = opened.database
      isReadOnly = opened.unwritable !== null
      database.exec('PRAGMA synchronous = full')
      markTable = createMarkTable(database)
      return held = createDocumentTable(database)
    }
    catch (error) {
      throw new Error(inWords(error), { cause: error })
    }
  }

  function close() {
    database?.close()
    database = held = markTable = undefined
  }

  return {
    all: kind => existsSync(file) ? table().all(kind) : [],
    bytes: (kind, name) => held?.bytes(kind, name),
    marks: {
      get(name) {
        try {
          table()
        }
        catch {
          return undefined
        }
        return markTable?.get(name)
      },
      async add(name, by) {
        try {
          table()
          markTable?.add(name, by)
        }
        catch (error) {
          throw new Error(inWords(error), { cause: error })
        }
      },
    },
    async write(changes) {
      try {
        // The disk may accept writes again.
        if (isReadOnly) close()
        const documents = table()
        database?.exec('BEGIN IMMEDIATE')
        documents.apply(changes)
        database?.exec('COMMIT')
      }
      catch (error) {
        if (database?.isTransaction) database.exec('ROLLBACK')
        throw new Error(inWords(error), { cause: error })
      }
    },
    isOpen: () => held !== undefined,
    close,
  }
}
