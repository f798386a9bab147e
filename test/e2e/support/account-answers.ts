const PASSWORD = 'correct horse battery'
const LONG = 'another long password'

/** `admin`: signed in with a password; `machine`: without anything. `at`: on a site whose store cannot be opened. */
export interface AccountAnswer { method: string, route: string, status: number, path?: string, body?: object, as?: 'admin' | 'machine', at?: 'diskless', times?: number }

/** Every answer about accounts, in an order in which each can be seen. */
export const ACCOUNT_ANSWERS: readonly AccountAnswer[] = [
  { method: 'get', route: '/api/session', status: 200 },
  { method: 'post', route: '/api/first-account', status: 503, body: { name: 'admin', password: PASSWORD }, at: 'diskless' },
  { method: 'post', route: '/api/accounts', status: 503, body: { name: 'admin', role: 'admin', password: PASSWORD }, at: 'diskless' },
  { method: 'get', route: '/api/audit', status: 200 },
  { method: 'post', route: '/api/first-account', status: 400, body: { name: 'admin', password: 'too short' } },
  { method: 'post', route: '/api/accounts', status: 409, body: { name: 'vera', role: 'viewer', password: PASSWORD } },
  { method: 'post', route: '/api/first-account', status: 200, body: { name: 'admin', password: PASSWORD } },
  { method: 'post', route: '/api/first-account', status: 409, body: { name: 'admin', password: PASSWORD } },
  { method: 'post', route: '/api/session', status: 400, body: { name: 'admin' } },
  { method: 'post', route: '/api/session', status: 401, body: { name: 'admin', password: 'wrong' } },
  { method: 'post', route: '/api/session', status: 200, body: { name: 'admin', password: PASSWORD } },
  { method: 'get', route: '/api/account/sessions', status: 200, as: 'admin' },
  { method: 'put', route: '/api/account/password', status: 400, body: { current: PASSWORD, password: 'short' }, as: 'admin' },
  { method: 'put', route: '/api/account/password', status: 403, body: { current: 'wrong', password: LONG }, as: 'admin' },
  { method: 'put', route: '/api/account/password', status: 200, body: { current: PASSWORD, password: LONG }, as: 'admin' },
  { method: 'post', route: '/api/accounts', status: 400, body: { name: 'a/b', role: 'viewer', password: PASSWORD }, as: 'admin' },
  { method: 'post', route: '/api/accounts', status: 200, body: { name: 'vera', role: 'viewer', password: PASSWORD }, as: 'admin' },
  { method: 'post', route: '/api/accounts', status: 409, body: { name: 'VERA', role: 'viewer', password: PASSWORD }, as: 'admin' },
  { method: 'get', route: '/api/accounts', status: 200, as: 'admin' },
  { method: 'put', route: '/api/accounts/{name}', status: 200, path: '/api/accounts/vera', body: { role: 'operator' }, as: 'admin' },
  { method: 'put', route: '/api/accounts/{name}', status: 400, path: '/api/accounts/vera', body: { role: 'king' }, as: 'admin' },
  { method: 'put', route: '/api/accounts/{name}', status: 404, path: '/api/accounts/nobody', body: { role: 'viewer' }, as: 'admin' },
  { method: 'put', route: '/api/accounts/{name}', status: 409, path: '/api/accounts/admin', body: { role: 'viewer' }, as: 'admin' },
  { method: 'delete', route: '/api/accounts/{name}', status: 200, path: '/api/accounts/vera', as: 'admin' },
  { method: 'delete', route: '/api/accounts/{name}', status: 404, path: '/api/accounts/vera', as: 'admin' },
  { method: 'delete', route: '/api/accounts/{name}', status: 409, path: '/api/accounts/admin', as: 'admin' },
  { method: 'post', route: '/api/tokens', status: 400, body: { name: '', role: 'viewer', days: 0 }, as: 'admin' },
  { method: 'post', route: '/api/tokens', status: 200, body: { name: 'script', role: 'viewer', days: 1 }, as: 'admin', times: 50 },
  { method: 'post', route: '/api/tokens', status: 409, body: { name: 'one more', role: 'viewer', days: null }, as: 'admin' },
  { method: 'get', route: '/api/tokens', status: 200, as: 'admin' },
  { method: 'delete', route: '/api/tokens/{tokenId}', status: 404, path: '/api/tokens/none', as: 'admin' },
  { method: 'get', route: '/api/audit', status: 200, path: '/api/audit?limit=2', as: 'admin' },
  { method: 'get', route: '/api/audit', status: 400, path: '/api/audit?limit=0', as: 'admin' },
  { method: 'post', route: '/api/session', status: 401, body: { name: 'admin', password: 'wrong' }, times: 3 },
  { method: 'post', route: '/api/session', status: 429, body: { name: 'admin', password: 'wrong' } },
  { method: 'put', route: '/api/account/password', status: 429, body: { current: 'wrong', password: PASSWORD }, as: 'admin' },
  { method: 'delete', route: '/api/account/sessions', status: 200, as: 'admin' },
  { method: 'delete', route: '/api/session', status: 200 },
]
