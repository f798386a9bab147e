/** Each may do what the one before may. */
export const ROLES = ['viewer', 'operator', 'admin'] as const
export type Role = typeof ROLES[number]

/** What the audit log has a name for. */
export const DEEDS = [
  'login', 'login-provider', 'logout', 'logout-all', 'password', 'first-account', 'account-add', 'account-change', 'account-remove', 'token-add', 'token-remove',
  'profile', 'forget', 'restore', 'picture', 'picture-remove', 'group', 'site', 'import', 'examination',
] as const
export type Deed = typeof DEEDS[number]

interface Rule {
  least: 'everyone' | Role
  /** Only for people who have signed in: neither a token nor a machine without accounts. */
  inPerson?: true
  /** Kept in the audit log under this name. */
  deed?: Deed
}

/** Who may do what: every route of the API and every stream. What is not here is refused. */
export const RULES = {
  'get /api/health': { least: 'everyone' },
  'get /api/session': { least: 'everyone' },
  'post /api/session': { least: 'everyone', deed: 'login' },
  'delete /api/session': { least: 'everyone', deed: 'logout' },
  'post /api/first-account': { least: 'everyone', deed: 'first-account' },
  'get /api/oidc/login': { least: 'everyone', deed: 'login-provider' },
  'get /api/oidc/callback': { least: 'everyone', deed: 'login-provider' },

  'get /ws/events': { least: 'viewer' },
  'get /api/events': { least: 'viewer' },
  'get /api/sensors': { least: 'viewer' },
  'get /api/sensors/{deviceId}': { least: 'viewer' },
  'get /api/sensors/{deviceId}/messages': { least: 'viewer' },
  'get /api/sensors/{deviceId}/counters': { least: 'viewer' },
  'get /api/sensors/{deviceId}/history': { least: 'viewer' },
  'get /api/sensors/{deviceId}/presence': { least: 'viewer' },
  'get /api/sensors/{deviceId}/export': { least: 'viewer' },
  'get /api/presence': { least: 'viewer' },
  'get /api/sparklines': { least: 'viewer' },
  'get /api/rejections': { least: 'viewer' },
  'get /api/storage': { least: 'viewer' },
  'get /api/topics': { least: 'viewer' },
  'get /api/doctor': { least: 'viewer' },
  'get /api/openapi.json': { least: 'viewer' },
  'get /api/asyncapi.json': { least: 'viewer' },
  'get /api/devices': { least: 'viewer' },
  'get /api/devices/{deviceId}': { least: 'viewer' },
  'get /api/devices/{deviceId}/picture': { least: 'viewer' },
  'get /api/groups': { least: 'viewer' },
  'get /api/places': { least: 'viewer' },
  'get /api/site': { least: 'viewer' },
  'get /api/registry': { least: 'viewer' },

  'post /api/doctor/examination': { least: 'operator', deed: 'examination' },
  'put /api/devices/{deviceId}': { least: 'operator', deed: 'profile' },
  'delete /api/devices/{deviceId}': { least: 'operator', deed: 'forget' },
  'post /api/devices/{deviceId}/restore': { least: 'operator', deed: 'restore' },
  'put /api/devices/{deviceId}/picture': { least: 'operator', deed: 'picture' },
  'delete /api/devices/{deviceId}/picture': { least: 'operator', deed: 'picture-remove' },
  'put /api/groups/{group}': { least: 'operator', deed: 'group' },
  'put /api/site': { least: 'operator', deed: 'site' },

  'get /api/account/sessions': { least: 'viewer', inPerson: true },
  'delete /api/account/sessions': { least: 'viewer', inPerson: true, deed: 'logout-all' },
  'put /api/account/password': { least: 'viewer', inPerson: true, deed: 'password' },
  'get /api/tokens': { least: 'viewer', inPerson: true },
  'post /api/tokens': { least: 'viewer', inPerson: true, deed: 'token-add' },
  'delete /api/tokens/{tokenId}': { least: 'viewer', inPerson: true, deed: 'token-remove' },

  'put /api/registry': { least: 'admin', deed: 'import' },
  'get /api/accounts': { least: 'admin' },
  'post /api/accounts': { least: 'admin', deed: 'account-add' },
  'put /api/accounts/{name}': { least: 'admin', deed: 'account-change' },
  'delete /api/accounts/{name}': { least: 'admin', deed: 'account-remove' },
  'get /api/audit': { least: 'admin' },
} as const satisfies Record<string, Rule>
export type RouteKey = keyof typeof RULES

/** Pages that not every viewer sees; a page that is not here is for viewers. */
const PAGES: Record<string, Rule['least']> = { '/login': 'everyone', '/welcome': 'everyone', '/accounts': 'admin', '/audit': 'admin' }

export function ruleOf(key: RouteKey): Rule {
  return RULES[key]
}

export function leastOfPage(path: string): Rule['least'] {
  return PAGES[path.replace(/(?<=.)\/$/, '')] ?? 'viewer'
}

const MAX_PATH_LENGTH = 2_000
/** Stands for this site, whatever it is called. */
const HERE = 'http://here.invalid'

/** A page of this site to go on with after signing in, or the first page: nobody is led elsewhere. */
export function safePath(path: unknown): string {
  if (typeof path !== 'string' || !path.startsWith('/') || path.length > MAX_PATH_LENGTH || !URL.canParse(path, HERE)) return '/'
  // Read as browsers do, for whom `/\` and a slash, a tab and a slash lead to another site.
  const { origin, pathname, search, hash } = new URL(path, HERE)
  const isPage = origin === HERE && !pathname.startsWith('//') && !pathname.startsWith('/api/') && leastOfPage(pathname) !== 'everyone'
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

/** Rules for a path as it is asked for; a name that is written out goes before any name. */
function fitting(path: string) {
  const asked = path.replace(/(?<=.)\/$/, '').split('/')
  const found = PATTERNS.filter(({ parts }) => parts.length === asked.length && parts.every((part, i) => part.startsWith('{') ? asked[i] !== '' : part === asked[i]))
  return { asked, found: found.some(({ isExact }) => isExact) ? found.filter(({ isExact }) => isExact) : found }
}

/** The rule for a request, and what stands in its path for `{deviceId}` and the like. */
export function findRule(method: string, path: string): { key: RouteKey, names: string[] } | undefined {
  const { asked, found } = fitting(path)
  const rule = found.find(pattern => pattern.method === method)
  return rule && { key: rule.key, names: asked.filter((_, i) => rule.parts[i]?.startsWith('{')) }
}

/** `['GET', 'PUT']`: how the routes that lead to a path can be asked. */
export function methodsOf(path: string): string[] {
  return fitting(path).found.map(({ method }) => method)
}

/** Why the identity provider led nobody in. */
export const PROVIDER_FAULTS = ['provider-down', 'provider-denied', 'provider-failed', 'provider-expired', 'provider-no-role'] as const
export type ProviderFault = typeof PROVIDER_FAULTS[number]

/** What the server may say of an attempt, for which the pages have words of their own. */
export const ACCESS_FAULTS = [
  'login-wrong', 'login-busy', 'login-too-often', 'account-exists', 'account-unknown', 'accounts-full', 'accounts-unavailable', 'last-admin', 'code-wrong',
  'not-first', 'role-too-high', 'tokens-full', 'token-unknown', 'password-wrong', 'role-too-low', 'login-required', 'session-required',
  'account-external', ...PROVIDER_FAULTS,
] as const

export function isAccessFault(code: string): code is typeof ACCESS_FAULTS[number] {
  return ACCESS_FAULTS.some(fault => fault === code)
}
