import { z } from 'zod'
import { nameFrom } from '#shared/schemas/access'

/** Somebody whom the provider has named; `issuer` and `subject` together are who it is, for ever. */
export interface Identity {
  issuer: string
  subject: string
  /** What the provider calls the person, fit for an account. */
  name: string
  groups: string[]
}

type Claims = Readonly<Record<string, unknown>>

const text = z.string().min(1).catch('')
const GroupsSchema = z.union([z.string().transform(group => [group]), z.array(z.unknown()).transform(list => list.filter(item => typeof item === 'string'))]).catch([])

/** By these claims people have names, the first one that is there. */
const NAMES = ['preferred_username', 'email', 'name', 'sub']

/** Whether something is missing that the provider may still say when it is asked for the user. */
export function isIncomplete(claims: Claims, groupsClaim: string): boolean {
  return claims[groupsClaim] === undefined || claims.preferred_username === undefined
}

/** `claims`: those of a checked ID token, and of the user behind it. */
export function identityOf(claims: Claims, groupsClaim: string): Identity {
  const name = NAMES.map(claim => nameFrom(text.parse(claims[claim]))).find(Boolean) ?? 'account'
  return { issuer: text.parse(claims.iss), subject: text.parse(claims.sub), name, groups: GroupsSchema.parse(claims[groupsClaim]) }
}
