import type { DocumentChange, Documents } from '../documents'
import { inWords } from './errors'
import { unescapeNul, escapeNul } from './nul-escaping'
import type { Query } from './connections'
import type { Work } from './writer'

/** The documents, all of them in memory: their sizes are limited, and reading must not wait. */
export function createPostgresDocuments(work: (given: Work) => Promise<void>) {
  let held = new Map<string, Map<string, Buffer>>()

  function apply(changes: readonly DocumentChange[]) {
    for (const { kind, name, body } of changes) {
      const ofKind = held.get(kind) ?? new Map<string, Buffer>()
      held.set(kind, ofKind)
      if (body === null) ofKind.delete(name)
      else ofKind.set(name, toBuffer(body))
    }
  }

  const documents: Documents = {
    all: kind => [...held.get(kind) ?? []].map(([name, body]) => ({ name, body: body.toString() })),
    bytes: (kind, name) => held.get(kind)?.get(name),
    async write(changes) {
      try {
        await work({ begin: () => query => writeDocuments(changes, query), done: () => apply(changes) })
      }
      catch (error) {
        throw new Error(inWords(error), { cause: error })
      }
    },
  }

  return {
    documents,
    apply,
    async load(query: Query) {
      held = new Map()
      const rows = await query('SELECT kind, name, body FROM document')
      apply(rows.map(({ kind, name, body }) => ({ kind: unescapeNul(kind), name: unescapeNul(name), body: body instanceof Uint8Array ? body : null })))
    },
    /** Reads some again: another server may have written them. */
    async reload(named: readonly { kind: string, name: string }[], query: Query) {
      const rows = await query('SELECT w.kind, w.name, d.body FROM unnest($1::text[], $2::text[]) AS w (kind, name) LEFT JOIN document d ON d.kind = w.kind AND d.name = w.name',
        [named.map(({ kind }) => escapeNul(kind)), named.map(({ name }) => escapeNul(name))])
      apply(rows.map(({ kind, name, body }) => ({ kind: unescapeNul(kind), name: unescapeNul(name), body: body instanceof Uint8Array ? body : null })))
    },
    clear() {
      held = new Map()
    },
    /** Bytes of the documents. Retention does not limit them. */
    bytes: () => [...held.values()].reduce((sum, ofKind) => sum + [...ofKind.values()].reduce((own, { length }) => own + length, 0), 0),
  }
}

/** Writes them in the open transaction. */
export async function writeDocuments(changes: readonly DocumentChange[], query: Query) {
  // Of several changes to one document the last counts.
  const last = [...new Map(changes.map(change => [JSON.stringify([change.kind, change.name]), change])).values()]
  const gone = last.filter(({ body }) => body === null)
  const put = last.flatMap(({ kind, name, body, ifThere = false }) => body === null ? [] : { kind, name, body: toBuffer(body), ifThere })
  if (gone.length > 0) {
    await query('DELETE FROM document USING unnest($1::text[], $2::text[]) AS g (kind, name) WHERE document.kind = g.kind AND document.name = g.name',
      [gone.map(({ kind }) => escapeNul(kind)), gone.map(({ name }) => escapeNul(name))])
  }
  if (put.length > 0) {
    await query(`INSERT INTO document (kind, name, body) SELECT kind, name, body FROM unnest($1::text[], $2::text[], $3::bytea[], $4::bool[]) AS p (kind, name, body, must_be_there)
      WHERE NOT must_be_there OR EXISTS (SELECT 1 FROM document d WHERE d.kind = p.kind AND d.name = p.name) ON CONFLICT (kind, name) DO UPDATE SET body = excluded.body`,
    [put.map(({ kind }) => escapeNul(kind)), put.map(({ name }) => escapeNul(name)), put.map(({ body }) => body), put.map(({ ifThere }) => ifThere)])
  }
}

function toBuffer(body: string | Uint8Array): Buffer {
  return typeof body === 'string' ? Buffer.from(body) : Buffer.from(body)
}
