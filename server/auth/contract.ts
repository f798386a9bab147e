import type { Account, AccountChange, Audit, AuditEntry, MadeShare, MadeToken, NewAccount, NewShare, NewToken, Session, Share, SignedIn, Token } from '#shared/schemas/access'
import type { Role } from '#shared/api/access'
import type { DeviceScope } from '#shared/device/device-scope'
import type { Revocation } from './revocation-listeners'

/** A user named by the identity provider, with the role that it has there. */
export interface External { issuer: string, subject: string, name: string, role: Role }

/** Whether there are accounts, recorded beside their database. */
export interface AccountsMarker {
  /** The answer before the database was read. */
  before: () => 'some' | 'none'
  /** The answer if the database has no account. */
  says: (store: AccountStore) => 'some' | 'none'
  /** What to write with the first account, or when the last one is given up. */
  change: (accounts: 'some' | 'none') => StoreChange
  /** Whether the database contains the marker as well. */
  isStored: (store: AccountStore) => boolean
  isOurs: (kind: string) => boolean
  /** Writes the marker beside the database. */
  note: (accounts: 'some' | 'none') => void
  /** The database was damaged and is replaced now: without a marker, its remains tell whether it had accounts. */
  damaged: (movedTo: string) => void
}

/** Where accounts are stored: documents by kind and name. `body: null` deletes one. */
export interface AccountStore {
  all: (kind: string) => { name: string, body: string }[]
  /**
   * Writes in one transaction; resolves when it is on disk. @throws an Error that can be shown to a client; nothing
   * has changed then.
   */
  write: (changes: readonly StoreChange[]) => Promise<void>
}
/** `ifThere`: write it only if it was not deleted elsewhere meanwhile. */
export interface StoreChange { kind: string, name: string, body: string | null, ifThere?: true }

export interface AccountOptions {
  store: AccountStore
  /** What is recorded beside the store. */
  marker: AccountsMarker
  /** Let everybody in while no account exists, not only this machine. */
  isOpen: boolean
  sessionDays: number
  maxAccounts: number
  maxAuditEntries: number
  /** The next number for an audit entry if other servers count as well; it becomes greater than this. */
  auditId?: (last: number) => number
  /** The provider's name on the pages; null: there is no provider. */
  provider?: string | null
  /** There is no account, or none any more. */
  onNone?: () => void
  /** The cost of a password hash; the default is for production, tests use less. */
  hashCost?: number
  now?: () => number
}

/** The credentials of a request. */
export interface Credentials {
  /** The value of the session's cookie. */
  cookie: string | undefined
  /** The value of a share link's cookie. */
  share?: string | undefined
  /** Of `Authorization: Bearer`. */
  bearer: string | undefined
  /** It comes from this machine, and no proxy has forwarded it. */
  isLocal: boolean
}

/** An authenticated user. */
export interface Principal {
  by: Exclude<Session['by'], 'nobody'>
  role: Role
  /** Name of the account; null without one. */
  name: string | null
  /** What ends together: one session, one token, one share link, everything on this machine. */
  key: string
  /**
   * The devices that may be seen and changed; undefined: all. A share link always has a scope, even one that excludes
   * nothing.
   */
  deviceScope: DeviceScope | undefined
  /** For a share link: the address of its view, and its end in milliseconds since 1970. */
  view?: { path: string, until: number }
}

/** Why something was refused; the message is for people. */
export interface Refusal {
  code: 'login-wrong' | 'login-busy' | 'login-too-often' | 'account-exists' | 'account-unknown' | 'accounts-full' | 'accounts-unavailable' | 'last-admin' | 'code-wrong'
    | 'not-first' | 'role-too-high' | 'token-unknown' | 'tokens-full' | 'password-wrong' | 'account-external'
    | 'accounts-lost' | 'machine-only' | 'admin-limited' | 'groups-too-wide' | 'shares-full' | 'share-unknown' | 'share-over'
  message: string
  /** Seconds after which it may be tried again. */
  retryAfter?: number
}

/** A new session; `token` goes into the cookie and nowhere else. */
export interface NewSession { principal: Principal, token: string, maxAgeSeconds: number }

/** An opened share link; its secret goes into the cookie. */
export interface Opened { principal: Principal, maxAgeSeconds: number, isNew: boolean }

export interface Origin { address: string, agent: string }

export interface Accounts {
  /** Reads everything from the store, whenever that is opened. */
  load: () => { unreadable: number }
  /** A document that was written or deleted elsewhere; returns whether it belongs to this room. */
  follow: (kind: string, name: string, body: string | undefined) => boolean
  /** The code for the first account, if several servers must use the same. */
  useCode: (code: string) => void
  start: () => void
  stop: () => void
  /** The principal of a request; undefined: none. */
  identify: (credentials: Credentials) => Principal | undefined
  /**
   * `unread`: the store has not been opened. `none`: no account exists. `lost`: there were some, and none can be
   * read.
   */
  state: () => 'unread' | 'none' | 'some' | 'lost'
  /** Whether access is closed because accounts cannot be read. */
  isClosed: () => boolean
  /** The code for the first account, for the log, while no account exists. */
  firstCode: () => string
  /**
   * Gives this machine all rights: for the command line, which reads the secret from a file that only its owner can
   * read.
   */
  masterKey: () => string
  describe: (principal: Principal | undefined) => Session
  /** Calls `leave` once when the principal's access ends; returns how to stop that. */
  onRevoked: (principal: Principal, leave: (why: Revocation) => void) => () => void

  login: (name: string, password: string, origin: Origin) => Promise<NewSession | Refusal>
  /**
   * Signs in a user of the identity provider, with its present role there. A new account never takes an existing one.
   */
  loginExternal: (person: External, origin: Origin) => Promise<NewSession | Refusal>
  /** A user of the provider has no role there any more: sessions end, tokens become invalid. */
  suspend: (issuer: string, subject: string) => Promise<void>
  /**
   * Counts a failed attempt at the provider; returns whether to add it to the audit log, which must not be flooded.
   */
  countExternal: (reason: string, address: string) => boolean
  logout: (principal: Principal) => Promise<void>
  /** Ends every session of the account. */
  logoutAll: (name: string) => Promise<void>
  /** Ends every session of the account and starts a new one. */
  changePassword: (principal: Principal, current: string, password: string, origin: Origin) => Promise<NewSession | Refusal>
  sessions: (principal: Principal) => SignedIn[]

  /** Creates the first account, an admin, and signs it in. */
  addFirst: (account: Omit<NewAccount, 'role'>, code: string | null, origin: Origin) => Promise<NewSession | Refusal>
  list: () => Account[]
  /** The name as it was created, whatever its case here; undefined: there is no such account. */
  nameOf: (name: string) => string | undefined
  add: (account: NewAccount) => Promise<Refusal | undefined>
  change: (name: string, change: AccountChange) => Promise<Refusal | undefined>
  remove: (name: string) => Promise<Refusal | undefined>
  /**
   * Gives up all accounts with all their data, also those that cannot be read: then it is as if there had been none.
   * Only for this machine.
   */
  giveUp: (principal: Principal) => Promise<Refusal | undefined>

  /** Those of the principal's account; for an admin all. */
  tokens: (principal: Principal) => Token[]
  addToken: (principal: Principal, token: NewToken) => Promise<MadeToken | Refusal>
  removeToken: (principal: Principal, id: string) => Promise<Refusal | undefined>

  /** Those of the principal's account; for an admin all. */
  shares: (principal: Principal) => Share[]
  addShare: (principal: Principal, share: NewShare) => Promise<MadeShare | Refusal>
  removeShare: (principal: Principal, id: string) => Promise<Refusal | undefined>
  /** Opens a link; `isNew`: it was not opened from this address before, as far as known. */
  openShare: (secret: string, address: string) => Opened | Refusal

  /** Adds an entry to the audit log. */
  note: (entry: Omit<AuditEntry, 'id' | 'at'>) => void
  audit: (limit: number, before?: number) => Audit
  /** Failed attempts to sign in since the start. */
  logins: () => Audit['logins']
}
