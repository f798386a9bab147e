import { isOfView } from '#shared/fleet/shared-view'

/** Each may do what the one before may. */
export const ROLES = ['viewer', 'operator', 'admin'] as const
export type Role = typeof ROLES[number]

/** Actions with a name in the audit log. */
export const AUDIT_ACTIONS = [
  'login', 'login-provider', 'logout', 'logout-all', 'password', 'first-account', 'account-add', 'account-change', 'account-remove', 'accounts-give-up', 'token-add', 'token-remove',
  'share-add', 'share-remove', 'share-open', 'profile', 'forget', 'restore', 'picture', 'picture-remove', 'group', 'site', 'import', 'examination',
] as const
export type AuditAction = typeof AUDIT_ACTIONS[number]

/**
 * For users who may see only some devices. `same`: the same as for others, for no device is in it. `theirs`: only
 * what concerns their devices. `nothing`: refused.
 */
type Part = 'same' | 'theirs' | 'nothing'

interface Rule {
  least: 'everyone' | Role
  limited: Part
  /** Whether it belongs to the one view that a share link shows. */
  byLink: boolean
  /** Only for people who have signed in: neither a token nor a machine without accounts. */
  inPerson?: true
  /** The action in the audit log. */
  audit?: AuditAction
}

/** The authorisation rules: every route of the API and every stream. A route without a rule is refused. */
export const RULES = {
  'get /api/health': { least: 'everyone', limited: 'theirs', byLink: true },
  'get /api/session': { least: 'everyone', limited: 'same', byLink: true },
  'post /api/session': { least: 'everyone', limited: 'same', byLink: true, audit: 'login' },
  'delete /api/session': { least: 'everyone', limited: 'same', byLink: true, audit: 'logout' },
  'post /api/first-account': { least: 'everyone', limited: 'same', byLink: true, audit: 'first-account' },
  'get /api/oidc/login': { least: 'everyone', limited: 'same', byLink: true, audit: 'login-provider' },
  'get /api/oidc/callback': { least: 'everyone', limited: 'same', byLink: true, audit: 'login-provider' },

  'get /ws/events': { least: 'viewer', limited: 'theirs', byLink: true },
  'get /api/events': { least: 'viewer', limited: 'theirs', byLink: true },
  'get /api/sensors': { least: 'viewer', limited: 'theirs', byLink: true },
  'get /api/sensors/{deviceId}': { least: 'viewer', limited: 'theirs', byLink: true },
  'get /api/sensors/{deviceId}/messages': { least: 'viewer', limited: 'theirs', byLink: true },
  'get /api/sensors/{deviceId}/counters': { least: 'viewer', limited: 'theirs', byLink: true },
  'get /api/sensors/{deviceId}/history': { least: 'viewer', limited: 'theirs', byLink: true },
  'get /api/sensors/{deviceId}/presence': { least: 'viewer', limited: 'theirs', byLink: true },
  'get /api/sensors/{deviceId}/export': { least: 'viewer', limited: 'theirs', byLink: true },
  'get /api/presence': { least: 'viewer', limited: 'theirs', byLink: true },
  'get /api/sparklines': { least: 'viewer', limited: 'theirs', byLink: true },
  'get /api/rejections': { least: 'viewer', limited: 'nothing', byLink: false },
  'get /api/storage': { least: 'viewer', limited: 'nothing', byLink: false },
  'get /metrics': { least: 'viewer', limited: 'nothing', byLink: false },
  'get /api/topics': { least: 'viewer', limited: 'nothing', byLink: false },
  'get /api/doctor': { least: 'viewer', limited: 'nothing', byLink: false },
  'get /api/openapi.json': { least: 'viewer', limited: 'same', byLink: false },
  'get /api/asyncapi.json': { least: 'viewer', limited: 'same', byLink: false },
  'get /api/devices': { least: 'viewer', limited: 'theirs', byLink: true },
  'get /api/devices/{deviceId}': { least: 'viewer', limited: 'theirs', byLink: true },
  'get /api/devices/{deviceId}/picture': { least: 'viewer', limited: 'theirs', byLink: true },
  'get /api/groups': { least: 'viewer', limited: 'theirs', byLink: false },
  'get /api/places': { least: 'viewer', limited: 'theirs', byLink: false },
  'get /api/site': { least: 'viewer', limited: 'same', byLink: false },
  'get /api/registry': { least: 'viewer', limited: 'nothing', byLink: false },

  'post /api/doctor/examination': { least: 'operator', limited: 'nothing', byLink: false, audit: 'examination' },
  'put /api/devices/{deviceId}': { least: 'operator', limited: 'theirs', byLink: false, audit: 'profile' },
  'delete /api/devices/{deviceId}': { least: 'operator', limited: 'theirs', byLink: false, audit: 'forget' },
  'post /api/devices/{deviceId}/restore': { least: 'operator', limited: 'theirs', byLink: false, audit: 'restore' },
  'put /api/devices/{deviceId}/picture': { least: 'operator', limited: 'theirs', byLink: false, audit: 'picture' },
  'delete /api/devices/{deviceId}/picture': {
    least: 'operator', limited: 'theirs', byLink: false, audit: 'picture-remove',
  },
  'put /api/groups/{group}': { least: 'operator', limited: 'theirs', byLink: false, audit: 'group' },
  'put /api/site': { least: 'operator', limited: 'nothing', byLink: false, audit: 'site' },

  'get /api/account/sessions': { least: 'viewer', limited: 'same', byLink: false, inPerson: true },
  'delete /api/account/sessions': {
    least: 'viewer', limited: 'same', byLink: false, inPerson: true, audit: 'logout-all',
  },
  'put /api/account/password': { least: 'viewer', limited: 'same', byLink: false, inPerson: true, audit: 'password' },
  'get /api/tokens': { least: 'viewer', limited: 'same', byLink: false, inPerson: true },
  'post /api/tokens': { least: 'viewer', limited: 'same', byLink: false, inPerson: true, audit: 'token-add' },
  'delete /api/tokens/{tokenId}': {
    least: 'viewer', limited: 'same', byLink: false, inPerson: true, audit: 'token-remove',
  },

  'post /api/share-session': { least: 'everyone', limited: 'same', byLink: true, audit: 'share-open' },
  'get /api/shares': { least: 'viewer', limited: 'same', byLink: false, inPerson: true },
  'post /api/shares': { least: 'operator', limited: 'theirs', byLink: false, inPerson: true, audit: 'share-add' },
  'delete /api/shares/{shareId}': {
    least: 'viewer', limited: 'same', byLink: false, inPerson: true, audit: 'share-remove',
  },

  'put /api/registry': { least: 'admin', limited: 'nothing', byLink: false, audit: 'import' },
  'get /api/accounts': { least: 'admin', limited: 'nothing', byLink: false },
  'post /api/accounts': { least: 'admin', limited: 'nothing', byLink: false, audit: 'account-add' },
  'put /api/accounts/{name}': { least: 'admin', limited: 'nothing', byLink: false, audit: 'account-change' },
  'delete /api/accounts/{name}': { least: 'admin', limited: 'nothing', byLink: false, audit: 'account-remove' },
  'delete /api/accounts': { least: 'admin', limited: 'nothing', byLink: false, audit: 'accounts-give-up' },
  'get /api/audit': { least: 'admin', limited: 'nothing', byLink: false },
} as const satisfies Record<string, Rule>
export type RouteKey = keyof typeof RULES

/** Pages that not every user sees, or not every one with limited rights; other pages are for all. */
const PAGES: Record<string, { least: Rule['least'], isForLimited: boolean }> = {
  '/login': { least: 'everyone', isForLimited: true },
  '/welcome': { least: 'everyone', isForLimited: true },
  '/share': { least: 'everyone', isForLimited: true },
  '/rejections': { least: 'viewer', isForLimited: false },
  '/topics': { least: 'viewer', isForLimited: false },
  '/doctor': { least: 'viewer', isForLimited: false },
  '/storage': { least: 'viewer', isForLimited: false },
  '/accounts': { least: 'admin', isForLimited: false },
  '/audit': { least: 'admin', isForLimited: false },
}

export function ruleOf(key: RouteKey): Rule {
  return RULES[key]
}

export function leastOfPage(path: string): Rule['least'] {
  return pageRule(path)?.least ?? 'viewer'
}

function pageRule(path: string) {
  return PAGES[path.replace(/(?<=.)\/$/, '')]
}

/** The parts of a principal that rules use. */
export interface Standing {
  /** Null: nobody. */
  role: Role | null
  /** Has signed in with a password. */
  isInPerson: boolean
  /** May see some devices only. */
  isLimited: boolean
  /** The view of the share link that brought them here. */
  view: string | undefined
}

/** Why a principal may not do something; undefined: it may. The one place of this decision. */
export function refusalOf({ role, isInPerson, isLimited, view }: Standing, key: RouteKey): 'role' | 'in-person' | 'limited' | 'by-link' | undefined {
  const { least, inPerson, limited, byLink } = ruleOf(key)
  if (!isAllowed(role, least)) return 'role'
  if (view !== undefined && !byLink) return 'by-link'
  if (inPerson && !isInPerson) return 'in-person'
  return isLimited && limited === 'nothing' ? 'limited' : undefined
}

/** The same for a page. */
export function pageRefusalOf({ role, isLimited, view }: Standing, path: string): 'role' | 'limited' | 'by-link' | undefined {
  const least = leastOfPage(path)
  if (!isAllowed(role, least)) return 'role'
  if (view !== undefined && least !== 'everyone' && !isOfView(view, path)) return 'by-link'
  return isLimited && pageRule(path)?.isForLimited === false ? 'limited' : undefined
}

const MAX_PATH_LENGTH = 2_000
/** A placeholder for this site's address. */
const HERE = 'http://here.invalid'

/** A page of this site to continue with after signing in, or the first page: never another site. */
export function safePath(path: unknown): string {
  if (typeof path !== 'string' || !path.startsWith('/') || path.length > MAX_PATH_LENGTH || !URL.canParse(path, HERE)) return '/'
  // Read as browsers do: `/\`, and a slash, a tab and a slash, lead to another site.
  const { origin, pathname, search, hash } = new URL(path, HERE)
  const isPage = origin === HERE && !pathname.startsWith('//') && !isForPrograms(pathname) && leastOfPage(pathname) !== 'everyone'
  return isPage ? pathname + search + hash : '/'
}

/** Whether `role` (null: nobody) is at least `least`. */
export function isAllowed(role: Role | null, least: Rule['least']): boolean {
  return least === 'everyone' || (role !== null && ROLES.indexOf(role) >= ROLES.indexOf(least))
}

const PATTERNS = Object.keys(RULES).filter((key): key is RouteKey => key in RULES).map((key) => {
  const [method = '', path = ''] = key.split(' ')
  return { key, method: method.toUpperCase(), parts: path.split('/'), isExact: !path.includes('{') }
})

/** Rules for a requested path; a literal segment goes before a parameter. */
function fitting(path: string) {
  const asked = path.replace(/(?<=.)\/$/, '').split('/')
  const found = PATTERNS.filter(({ parts }) => parts.length === asked.length && parts.every((part, i) => part.startsWith('{') ? asked[i] !== '' : part === asked[i]))
  return { asked, found: found.some(({ isExact }) => isExact) ? found.filter(({ isExact }) => isExact) : found }
}

/** The rule for a request, and the values of `{deviceId}` and the like in its path. */
export function findRule(method: string, path: string): { key: RouteKey, names: string[] } | undefined {
  const { asked, found } = fitting(path)
  const rule = found.find(pattern => pattern.method === method)
  return rule && { key: rule.key, names: asked.filter((_, i) => rule.parts[i]?.startsWith('{')) }
}

/**
 * Whether a path is no page: it needs a rule of its own, and its errors are JSON. This includes `/metrics`, which
 * Prometheus reads, also with trailing slashes as the router accepts them.
 */
export function isForPrograms(path: string): boolean {
  return path.startsWith('/api/') || /^\/metrics\/*$/.test(path)
}

/** `['GET', 'PUT']`: the methods of the routes of a path. */
export function methodsOf(path: string): string[] {
  return fitting(path).found.map(({ method }) => method)
}

/** Why a sign-in at the identity provider failed. */
export const PROVIDER_FAULTS = ['provider-down', 'provider-denied', 'provider-failed', 'provider-expired', 'provider-no-role'] as const
export type ProviderFault = typeof PROVIDER_FAULTS[number]

/** Server codes for which the pages have texts of their own. */
export const ACCESS_FAULTS = [
  'login-wrong', 'login-busy', 'login-too-often', 'account-exists', 'account-unknown', 'accounts-full', 'accounts-unavailable', 'accounts-lost', 'last-admin', 'code-wrong',
  'not-first', 'role-too-high', 'tokens-full', 'token-unknown', 'password-wrong', 'role-too-low', 'login-required', 'session-required',
  'admin-limited', 'groups-limited', 'groups-too-wide', 'link-only', 'shares-full', 'share-unknown', 'share-over',
  'account-external', ...PROVIDER_FAULTS,
] as const

export function isAccessFault(code: string): code is typeof ACCESS_FAULTS[number] {
  return ACCESS_FAULTS.some(fault => fault === code)
}
