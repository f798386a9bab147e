import { z } from 'zod'
import { nameFrom } from '#shared/schemas/access'

/** A user named by the provider; `issuer` and `subject` together identify it for ever. */
export interface Identity {
  issuer: string
  subject: string
  /** The provider's name for the user, in a form that fits an account. */
  name: string
  groups: string[]
}

type Claims = Readonly<Record<string, unknown>>

const text = z.string().min(1).catch('')
const GroupsSchema = z.union([z.string().transform(group => [group]), z.array(z.unknown()).transform(list => list.filter(item => typeof item === 'string'))]).catch([])

/** Names of users, by the first of these claims that is present. */
const NAMES = ['preferred_username', 'email', 'name', 'sub']

/** Whether something is missing that the provider's user info may contain. */
export function isIncomplete(claims: Claims, groupsClaim: string): boolean {
  return claims[groupsClaim] === undefined || claims.preferred_username === undefined
}

/** `claims`: those of a verified ID token, and of the user info. */
export function identityOf(claims: Claims, groupsClaim: string): Identity {
  const name = NAMES.map(claim => nameFrom(text.parse(claims[claim]))).find(Boolean) ?? 'account'
  return { issuer: text.parse(claims.iss), subject: text.parse(claims.sub), name, groups: GroupsSchema.parse(claims[groupsClaim]) }
}
