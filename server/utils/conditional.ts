import { createHash, randomBytes } from 'node:crypto'

/** Revisions start again with each start of the server: revision 7 of an earlier start is another state. */
const START = randomBytes(6).toString('base64url')

/** A weak entity tag (it names the state, not the bytes: compressed or not) of an answer made from `revision` by `query`. */
export function entityTag(revision: number, query: object): string {
  const asked = JSON.stringify(query)
  const suffix = asked === '{}' ? '' : `-${createHash('sha1').update(asked).digest('base64url').slice(0, 10)}`
  return `W/"${START}-${revision.toString(36)}${suffix}"`
}

/** Whether `If-None-Match` names this tag (weak comparison, RFC 9110 13.1.2). The tag must hold no comma. */
export function namesTag(ifNoneMatch: string | undefined, tag: string): boolean {
  if (ifNoneMatch === undefined) return false
  return ifNoneMatch.trim() === '*' || ifNoneMatch.split(',').some(named => opaque(named.trim()) === opaque(tag))
}

function opaque(tag: string): string {
  return tag.replace(/^W\//, '')
}
