import type { Account, AccountChange, Audit, AuditEntry, MadeShare, MadeToken, NewAccount, NewShare, NewToken, Session, Share, SignedIn, Token } from '#shared/schemas/access'
import type { Role } from '#shared/api/access'
import type { DeviceScope } from '#shared/device/device-scope'
import type { Revocation } from './revocation-listeners'

/** Somebody whom the identity provider has named, with the role that it has there. */
export interface External { issuer: string, subject: string, name: string, role: Role }

/** Says whether there are accounts, beside the database that has them. */
export interface AccountsMarker {
  /** What is to be believed before the database was read. */
  before: () => 'some' | 'none'
  /** What is to be believed where the database has no account. */
  says: (store: AccountStore) => 'some' | 'none'
  /** What to write with the first account, or with the last one that is given up. */
  change: (accounts: 'some' | 'none') => StoreChange
  /** Whether the database says it as well. */
  isKept: (store: AccountStore) => boolean
  isOurs: (kind: string) => boolean
  /** Notes it beside the database. */
  note: (accounts: 'some' | 'none') => void
  /** The database was damaged, and is there now: where nothing else is known, what is left of it tells whether accounts were in it. */
  damaged: (movedTo: string) => void
}

/** Where accounts are kept: documents by kind and name. `body: null` deletes one. */
export interface AccountStore {
  all: (kind: string) => { name: string, body: string }[]
  /** Writes in one transaction; resolves when it is on disk. @throws an Error fit to show, and then nothing is changed. */
  write: (changes: readonly StoreChange[]) => Promise<void>
}
/** `ifThere`: not when it was deleted elsewhere meanwhile. */
export interface StoreChange { kind: string, name: string, body: string | null, ifThere?: true }

export interface AccountOptions {
  store: AccountStore
  /** What is known beside the store. */
  marker: AccountsMarker
  /** Let everybody in while no account exists, not this machine only. */
  isOpen: boolean
  sessionDays: number
  maxAccounts: number
  maxAuditEntries: number
  /** The next number of an entry in the audit log, where others count as well; it is made greater than this. */
  auditId?: (last: number) => number
  /** What the identity provider is called on the pages; null: there is none. */
  provider?: string | null
  /** There is no account, or none any more. */
  onNone?: () => void
  /** The work of a password hash; the default is meant for people, less for tests. */
  hashCost?: number
  now?: () => number
}

/** What a request brings with it to say who asks. */
export interface Credentials {
  /** The value of the session's cookie. */
  cookie: string | undefined
  /** The value of a share link's cookie. */
  share?: string | undefined
  /** Of `Authorization: Bearer`. */
  bearer: string | undefined
  /** It comes from this machine, and nobody has passed it on. */
  isLocal: boolean
}

/** Somebody who may enter. */
export interface Principal {
  by: Exclude<Session['by'], 'nobody'>
  role: Role
  /** Name of the account; null where there is none. */
  name: string | null
  /** What ends together: one session, one token, one share link, everybody on this machine. */
  key: string
  /** The devices that may be seen and changed; undefined: all. Whoever has come by a link has one even where it leaves out none. */
  reach: DeviceScope | undefined
  /** Of a share link: the address of its view, and until when it holds, in milliseconds since 1970. */
  view?: { path: string, until: number }
}

/** Why something was not done; the message is for people. */
export interface Refusal {
  code: 'login-wrong' | 'login-busy' | 'login-too-often' | 'account-exists' | 'account-unknown' | 'accounts-full' | 'accounts-unavailable' | 'last-admin' | 'code-wrong'
    | 'not-first' | 'role-too-high' | 'token-unknown' | 'tokens-full' | 'password-wrong' | 'account-external'
    | 'accounts-lost' | 'machine-only' | 'admin-limited' | 'groups-too-wide' | 'shares-full' | 'share-unknown' | 'share-over'
  message: string
  /** Seconds after which it may be tried again. */
  retryAfter?: number
}

/** A session that was just begun; `token` goes into the cookie and is told nobody else. */
export interface NewSession { principal: Principal, token: string, maxAgeSeconds: number }

/** A share link that was opened; its secret goes into the cookie. */
export interface Opened { principal: Principal, maxAgeSeconds: number, isNew: boolean }

export interface Origin { address: string, agent: string }

export interface Accounts {
  /** Reads everything from the store, whenever that is opened. */
  load: () => { unreadable: number }
  /** What a document says now that was written elsewhere, or that it is gone; whether it is one of this room's. */
  follow: (kind: string, name: string, body: string | undefined) => boolean
  /** The code for whoever makes the first account, where several servers must know the same. */
  useCode: (code: string) => void
  start: () => void
  stop: () => void
  /** Who asks; undefined is nobody. */
  identify: (evidence: Credentials) => Principal | undefined
  /** `unread`: the store has not been opened. `none`: no account exists. `lost`: there were some, and none can be read. */
  state: () => 'unread' | 'none' | 'some' | 'lost'
  /** Whether everything is closed because accounts cannot be read. */
  isClosed: () => boolean
  /** The code for the first account; for the log, while no account exists. */
  firstCode: () => string
  /** Opens the door from this machine with all rights: for the command line, which finds it in a file that only its owner reads. */
  masterKey: () => string
  describe: (principal: Principal | undefined) => Session
  /** Calls `leave` once when the principal is no longer one; returns how to stop that. */
  attend: (principal: Principal, leave: (why: Revocation) => void) => () => void

  login: (name: string, password: string, origin: Origin) => Promise<NewSession | Refusal>
  /** Signs in somebody from the identity provider, with the role that it has there now. A new account is never one that exists already. */
  loginExternal: (person: External, origin: Origin) => Promise<NewSession | Refusal>
  /** Somebody from the provider has no role there any more: sessions end, tokens are worth nothing. */
  suspend: (issuer: string, subject: string) => Promise<void>
  /** Counts an attempt that failed at the provider; whether the audit log should have it, which no flood may fill. */
  countExternal: (reason: string, address: string) => boolean
  logout: (principal: Principal) => Promise<void>
  /** Ends every session of the account. */
  logoutAll: (name: string) => Promise<void>
  /** Ends every session of the account and begins a new one. */
  changePassword: (principal: Principal, current: string, password: string, origin: Origin) => Promise<NewSession | Refusal>
  sessions: (principal: Principal) => SignedIn[]

  /** Makes the first account, an admin, and signs it in. */
  addFirst: (account: Omit<NewAccount, 'role'>, code: string | null, origin: Origin) => Promise<NewSession | Refusal>
  list: () => Account[]
  /** The name as it was made, whichever way it is written; undefined: there is no such account. */
  nameOf: (name: string) => string | undefined
  add: (account: NewAccount) => Promise<Refusal | undefined>
  change: (name: string, change: AccountChange) => Promise<Refusal | undefined>
  remove: (name: string) => Promise<Refusal | undefined>
  /** Gives up all of them with everything of theirs, those that cannot be read as well: then it is as if there had been none. Only for the machine. */
  giveUp: (principal: Principal) => Promise<Refusal | undefined>

  /** Those of the guest's account; for an admin all. */
  tokens: (principal: Principal) => Token[]
  addToken: (principal: Principal, token: NewToken) => Promise<MadeToken | Refusal>
  removeToken: (principal: Principal, id: string) => Promise<Refusal | undefined>

  /** Those of the guest's account; for an admin all. */
  shares: (principal: Principal) => Share[]
  addShare: (principal: Principal, share: NewShare) => Promise<MadeShare | Refusal>
  removeShare: (principal: Principal, id: string) => Promise<Refusal | undefined>
  /** Opens a link; `isNew`: it was not opened from this address before, as far as that is remembered. */
  openShare: (secret: string, address: string) => Opened | Refusal

  /** Notes what somebody has done. */
  note: (entry: Omit<AuditEntry, 'id' | 'at'>) => void
  audit: (limit: number, before?: number) => Audit
  /** Attempts to sign in since the start that led nobody in. */
  logins: () => Audit['logins']
}
