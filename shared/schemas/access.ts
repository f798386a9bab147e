import { z } from 'zod'
import { DeviceProfileSchema } from '#shared/schemas/profile'
import { IsoTimestampSchema } from '#shared/schemas/telemetry'
import { AUDIT_ACTIONS, ROLES } from '#shared/api/access'
import { MAX_VIEW_LENGTH, sharedView } from '#shared/fleet/shared-view'

/** Characters of a password, and of the names of accounts and tokens. */
export const MIN_PASSWORD_LENGTH = 12
export const MAX_PASSWORD_LENGTH = 256
export const MAX_ACCOUNT_NAME_LENGTH = 64
export const MAX_TOKEN_NAME_LENGTH = 100
/** Days after which a token may expire. */
export const MAX_TOKEN_DAYS = 3_650
const MAX_CODE_LENGTH = 64
/** Groups that the rights of an account or a token may be limited to. */
export const MAX_RIGHTS_GROUPS = 100
/** Hours after which a share link may end. */
export const MAX_SHARE_HOURS = 720
const DEFAULT_SHARE_HOURS = 24
const MAX_SECRET_LENGTH = 100

export const RoleSchema = z.enum(ROLES)

/** Only the devices of these groups may be seen and changed; none is no limit. */
const groups = z.array(DeviceProfileSchema.shape.group.unwrap()).max(MAX_RIGHTS_GROUPS, { error: `must be at most ${MAX_RIGHTS_GROUPS} groups` })

/** A person's name from elsewhere as the name of an account; empty when no character is allowed in one. */
export function nameFrom(text: string): string {
  return text.normalize('NFC').slice(0, MAX_ACCOUNT_NAME_LENGTH).replaceAll(/[^\p{L}\p{N}._@-]+/gu, '-').replaceAll(/^-+|-+$/g, '')
}

/** Letters, digits and `. _ @ -`: it can be in addresses as it is. */
const accountName = z.string().trim().normalize('NFC').min(1).max(MAX_ACCOUNT_NAME_LENGTH).regex(/^[\p{L}\p{N}._@-]+$/u, { error: 'may have letters, digits and . _ @ - only' })
const password = z.string().normalize('NFKC').min(MIN_PASSWORD_LENGTH, { error: `must have at least ${MIN_PASSWORD_LENGTH} characters` }).max(MAX_PASSWORD_LENGTH)

/** The principal, and whether signing in is necessary at all. */
export const SessionSchema = z.object({
  /** `machine`: from this machine, while no account exists; `open`: from anywhere, while none exists and that is allowed. */
  /** `share`: with a share link. */
  by: z.enum(['session', 'token', 'share', 'machine', 'open', 'nobody']),
  /** Of the account; null where there is none. */
  name: z.string().nullable(),
  role: RoleSchema.nullable(),
  /** The groups whose devices may be seen; null is no limit. */
  groups: z.array(z.string()).nullable(),
  /** With a share link: the address of the one view that it shows, and when it ends. */
  view: z.object({ path: z.string(), expiresAt: IsoTimestampSchema }).nullable(),
  /** No account exists yet. */
  isFirst: z.boolean(),
  /**
   * There are or were accounts that cannot be read: nobody can sign in until the operator solves that on the machine.
   */
  isClosed: z.boolean(),
  /** The name of the identity provider; null without one. */
  provider: z.string().nullable(),
  /** Has signed in there: the account has no password here. */
  isExternal: z.boolean(),
})
export type Session = z.infer<typeof SessionSchema>

/** Header of `GET /api/session`: the server's clock, in ISO 8601. */
export const SERVER_TIME_HEADER = 'x-leitstand-time'

/** Nobody, after signing out. */
export const SignedOutSchema = SessionSchema.extend({
  /**
   * Where the browser signs out at the identity provider as well; null: it is not signed in there, or that is
   * impossible.
   */
  leadsTo: z.url({ protocol: /^https?$/ }).nullable(),
})
export type SignedOut = z.infer<typeof SignedOutSchema>

/** Signing in at the identity provider: the page of this site to continue with. */
export const OidcLoginQuerySchema = z.object({ to: z.string().optional().catch(undefined) })

/** What the browser brings back from the identity provider. */
export const OidcCallbackQuerySchema = z.object({
  state: z.string().optional().catch(undefined),
  code: z.string().optional().catch(undefined),
  error: z.string().optional().catch(undefined),
  iss: z.string().optional().catch(undefined),
})

/** The typed name and password; they are compared, not validated. */
export const CredentialsSchema = z.object({ name: z.string().max(MAX_PASSWORD_LENGTH), password: z.string().max(MAX_PASSWORD_LENGTH) })

/** The first account; it is an admin. `code` is in the application's log, and is not needed on its own machine. */
export const FirstAccountSchema = z.object({ name: accountName, password, code: z.string().max(MAX_CODE_LENGTH).optional() })

export const NewAccountSchema = z.object({ name: accountName, password, role: RoleSchema, groups: groups.optional() })
export type NewAccount = z.infer<typeof NewAccountSchema>

/** An admin's changes to an account; omitted fields stay. */
export const AccountChangeSchema = z.object({ role: RoleSchema.optional(), password: password.optional(), groups: groups.optional() })
export type AccountChange = z.infer<typeof AccountChangeSchema>

export const AccountSchema = z.object({
  name: z.string(),
  role: RoleSchema,
  /** Empty: no limit. */
  groups: z.array(z.string()),
  /** Address of the identity provider that it comes from and that decides its role; null for an account with a password. */
  issuer: z.string().nullable(),
  /** The provider last gave it no role: it may not enter, and its tokens are invalid. */
  isBarred: z.boolean(),
  createdAt: IsoTimestampSchema,
  /** Of the newest session; null while it has none. */
  lastUsedAt: IsoTimestampSchema.nullable(),
  sessions: z.number().int().nonnegative(),
  tokens: z.number().int().nonnegative(),
})
export const AccountsSchema = z.array(AccountSchema)
export type Account = z.infer<typeof AccountSchema>

/** One's own password; every other session ends. */
export const PasswordChangeSchema = z.object({ current: z.string().max(MAX_PASSWORD_LENGTH), password })

/** A browser that is signed in. */
export const SignedInSchema = z.object({
  id: z.string(),
  /** The session of the request. */
  isThis: z.boolean(),
  address: z.string(),
  /** The browser's user agent. */
  agent: z.string(),
  createdAt: IsoTimestampSchema,
  lastUsedAt: IsoTimestampSchema,
  expiresAt: IsoTimestampSchema,
})
export const SignedInListSchema = z.array(SignedInSchema)
export type SignedIn = z.infer<typeof SignedInSchema>

export const NewTokenSchema = z.object({
  /** What it is for. */
  name: z.string().trim().min(1).max(MAX_TOKEN_NAME_LENGTH).regex(/^[^\p{Cc}\p{Cs}]+$/u, { error: 'must be one line' }),
  /** At most the role of the account. */
  role: RoleSchema,
  /** Days until it expires; null is never. */
  days: z.number().int().min(1).max(MAX_TOKEN_DAYS).nullable(),
  /** Of those of the account; what is in both may be seen. */
  groups: groups.optional(),
})
export type NewToken = z.infer<typeof NewTokenSchema>

export const TokenSchema = z.object({
  id: z.string(),
  account: z.string(),
  name: z.string(),
  role: RoleSchema,
  /** Empty: no limit but that of the account. */
  groups: z.array(z.string()),
  createdAt: IsoTimestampSchema,
  expiresAt: IsoTimestampSchema.nullable(),
  lastUsedAt: IsoTimestampSchema.nullable(),
})
export const TokensSchema = z.array(TokenSchema)
export type Token = z.infer<typeof TokenSchema>

/** A new token: the only response that contains it. */
export const MadeTokenSchema = TokenSchema.extend({ token: z.string() })
export type MadeToken = z.infer<typeof MadeTokenSchema>

export const NewShareSchema = z.object({
  /** Path and query of a list or a device page, such as `/?group=Halle%201`. */
  path: z.string().min(1).max(MAX_VIEW_LENGTH).regex(/^\/(?!\/)[^\p{Cc}\p{Cs}#\\]*$/u, { error: 'must be an address of these pages' })
    .refine(path => sharedView(path) !== undefined, { error: 'must be the overview or the page of a device' }),
  hours: z.number().int().min(1).max(MAX_SHARE_HOURS).default(DEFAULT_SHARE_HOURS),
})
export type NewShare = z.infer<typeof NewShareSchema>

/** A link whose holder sees one view, without an account. */
export const ShareSchema = z.object({
  id: z.string(),
  /** Who has made it. */
  account: z.string(),
  path: z.string(),
  createdAt: IsoTimestampSchema,
  expiresAt: IsoTimestampSchema,
  /** When it was opened last. */
  lastUsedAt: IsoTimestampSchema.nullable(),
})
export const SharesSchema = z.array(ShareSchema)
export type Share = z.infer<typeof ShareSchema>

/** A new link; `secret` comes after the `#` of `/share#…` and is sent only this once. */
export const MadeShareSchema = ShareSchema.extend({ secret: z.string() })
export type MadeShare = z.infer<typeof MadeShareSchema>

/** What a browser sends to open a link: the part after its `#`, which browsers never send by themselves. */
export const ShareSecretSchema = z.object({ secret: z.string().max(MAX_SECRET_LENGTH) })

export const AuditEntrySchema = z.object({
  /** Counts up; later entries have larger ones. */
  id: z.number().int().positive(),
  at: IsoTimestampSchema,
  /** The account; null where there is none. */
  who: z.string().nullable(),
  by: SessionSchema.shape.by,
  address: z.string(),
  deed: z.enum(AUDIT_ACTIONS),
  /** What was changed, such as a deviceId. */
  target: z.string().nullable(),
  /** HTTP status: 401 and 403 are attempts. */
  status: z.number().int(),
})
export type AuditEntry = z.infer<typeof AuditEntrySchema>

export const MAX_AUDIT_PAGE = 500
export const AuditQuerySchema = z.object({
  limit: z.coerce.number().int().min(1).max(MAX_AUDIT_PAGE).default(100),
  before: z.coerce.number().int().positive().optional(),
})

export const AuditSchema = z.object({
  /** Newest first. */
  entries: z.array(AuditEntrySchema),
  /** `before` for the page that follows; null on the last. */
  next: z.number().int().nullable(),
  /**
   * Failed attempts to sign in since the server started: wrong ones, and those refused because there were too many.
   */
  logins: z.object({
    failed: z.number().int().nonnegative(),
    refused: z.number().int().nonnegative(),
    /** At the identity provider, for any reason. */
    provider: z.number().int().nonnegative(),
  }),
})
export type Audit = z.infer<typeof AuditSchema>
