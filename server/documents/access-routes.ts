import { MAX_AUDIT_PAGE, SERVER_TIME_HEADER } from '#shared/schemas/access'
import { fault, QUERY_INVALID } from './route'
import type { Route } from './route'

const BODY_INVALID = fault(400, '`body-invalid`: the request cannot be taken; `faults` names each field and what is wrong there.')
const UNAVAILABLE = fault(503, '`accounts-unavailable`: the accounts cannot be read or stored now; the message says why.')
const TOO_OFTEN = fault(429, '`login-too-often`: too many wrong attempts from there or for this name; `Retry-After` says how many seconds to wait.')
const ACCOUNT_UNKNOWN = fault(404, '`account-unknown`: there is no such account.')
const LAST_ADMIN = fault(409, '`last-admin`: no admin would be left.')
const EXTERNAL = '`account-external`: the account comes from the identity provider, which decides about its role and its password.'
const OIDC_OFF = fault(404, '`oidc-off`: there is none: `NUXT_OIDC_ISSUER` is not set.')
const LED_ON = { Location: { type: 'string', description: 'Where the browser goes on.' } } as const
const ENTERED = { description: 'Who has entered. The cookie comes with it.', schema: 'Session', headers: { 'Set-Cookie': { type: 'string', description: '`leitstand-session`, a new one each time.' } } } as const

const TIME_HERE = 'The server’s clock, in ISO 8601: pages count by it, not by that of the computer they are on.'
const SIGNED_OUT = { description: 'Nobody; `leadsTo` is where a browser signs out at the identity provider as well.', schema: 'SignedOut' } as const

/** Every route about access. */
export const ACCESS_ROUTES: readonly Route[] = [
  {
    method: 'get', path: '/api/session', id: 'getSession', tag: 'access',
    summary: 'Who asks, whether an account exists, and what time it is by the server’s clock.',
    answers: {
      200: {
        description: 'The principal; `nobody` is no error.',
        schema: 'Session',
        headers: { [SERVER_TIME_HEADER]: { type: 'string', description: TIME_HERE } },
      },
    },
  },
  {
    method: 'post', path: '/api/session', id: 'signIn', tag: 'access',
    summary: 'Signs in with name and password.',
    body: { description: 'The name in any case.', schema: 'Credentials' },
    answers: {
      200: ENTERED,
      ...BODY_INVALID,
      ...fault(401, '`login-wrong`: the name or the password; which of the two is not revealed.'),
      ...TOO_OFTEN,
    },
  },
  {
    method: 'delete', path: '/api/session', id: 'signOut', tag: 'access',
    summary: 'Signs out: the session ends, and its streams are closed with 4401.',
    answers: { 200: SIGNED_OUT },
  },
  {
    method: 'get', path: '/api/oidc/login', id: 'beginProviderLogin', tag: 'access',
    summary: 'Sends a browser to the identity provider to sign in there.',
    query: { schema: 'OidcLoginQuery', parameters: { to: 'Page of this site to go on with afterwards; anything else is taken for the first page.' } },
    answers: {
      302: { description: 'To the provider; or to `/login?fault=…` when it does not answer.', isEmpty: true, headers: { ...LED_ON, 'Set-Cookie': { type: 'string', description: '`leitstand-oidc`: binds the sign-in to this browser.' } } },
      ...OIDC_OFF,
    },
  },
  {
    method: 'get', path: '/api/oidc/callback', id: 'finishProviderLogin', tag: 'access',
    summary: 'Where the identity provider sends the browser back to: signs in whom it names, with the role of the groups that it tells.',
    query: {
      schema: 'OidcCallbackQuery',
      parameters: { state: 'Which sign-in it is; each can be finished once.', code: 'What proves to the provider that it was this one.', error: 'Why there is no code.', iss: 'Who answers (RFC 9207).' },
    },
    answers: {
      302: { description: 'To the page that was asked for, with a session; or to `/login?fault=…`, which says why not.', isEmpty: true, headers: { ...LED_ON, 'Set-Cookie': { type: 'string', description: '`leitstand-session`, a new one each time.' } } },
      ...OIDC_OFF,
    },
  },
  {
    method: 'post', path: '/api/first-account', id: 'makeFirstAccount', tag: 'access',
    summary: 'Makes the first account, an admin, and signs it in.',
    body: { description: 'With the code from the application’s log, which is not asked for on the machine that it runs on.', schema: 'FirstAccount' },
    answers: { 200: ENTERED, ...BODY_INVALID, ...fault(403, '`code-wrong`: it is another one after each start.'), ...fault(409, '`not-first`: an account exists already.'), ...TOO_OFTEN, ...UNAVAILABLE },
  },
  {
    method: 'get', path: '/api/account/sessions', id: 'listSessions', tag: 'access',
    summary: 'Where one’s own account is signed in.',
    answers: { 200: { description: 'The sessions, the newest use first.', schema: 'SignedInList' } },
  },
  {
    method: 'delete', path: '/api/account/sessions', id: 'signOutEverywhere', tag: 'access',
    summary: 'Ends every session of one’s own account, this one as well. Tokens stay.',
    answers: { 200: SIGNED_OUT },
  },
  {
    method: 'put', path: '/api/account/password', id: 'changePassword', tag: 'access',
    summary: 'Changes one’s own password and ends every other session.',
    body: { description: 'The current one and the new one.', schema: 'PasswordChange' },
    answers: { 200: ENTERED, ...BODY_INVALID, ...fault(403, '`password-wrong`: the current one.'), ...fault(409, EXTERNAL), ...TOO_OFTEN },
  },
  {
    method: 'get', path: '/api/accounts', id: 'listAccounts', tag: 'access',
    summary: 'Every account.',
    answers: { 200: { description: 'Sorted by name.', schema: 'Accounts' } },
  },
  {
    method: 'post', path: '/api/accounts', id: 'addAccount', tag: 'access',
    summary: 'Makes an account.',
    body: { description: 'Its creator gives the owner the first password.', schema: 'NewAccount' },
    answers: { 200: { description: 'Every account.', schema: 'Accounts' }, ...BODY_INVALID, ...fault(409, '`account-exists`; `accounts-full`: `NUXT_LIMITS_ACCOUNTS` are there; `last-admin`: the first one has to be an admin; `admin-limited`: an admin sees all groups.'), ...UNAVAILABLE },
  },
  {
    method: 'put', path: '/api/accounts/{name}', id: 'changeAccount', tag: 'access',
    summary: 'Gives an account another role, other groups or another password; with a new password it is signed out everywhere, with other groups its streams are closed with 4403.',
    body: { description: 'What is left out stays.', schema: 'AccountChange' },
    answers: { 200: { description: 'Every account.', schema: 'Accounts' }, ...BODY_INVALID, ...ACCOUNT_UNKNOWN, ...fault(409, `\`last-admin\`: no admin would be left; \`admin-limited\`: an admin sees all groups. ${EXTERNAL}`) },
  },
  {
    method: 'delete', path: '/api/accounts/{name}', id: 'removeAccount', tag: 'access',
    summary: 'Removes an account with its sessions and tokens.',
    answers: { 200: { description: 'Every account.', schema: 'Accounts' }, ...ACCOUNT_UNKNOWN, ...LAST_ADMIN },
  },
  {
    method: 'delete', path: '/api/accounts', id: 'giveUpAccounts', tag: 'access',
    summary: 'Gives up all accounts with their sessions, tokens and links, those that cannot be read as well. Only with the key that `npm run admin` reads on the machine.',
    answers: { 200: { description: 'No account.', schema: 'Accounts' }, ...fault(409, '`machine-only`: an account may not do this, whatever its role.') },
  },
  {
    method: 'get', path: '/api/tokens', id: 'listTokens', tag: 'access',
    summary: 'One’s own API tokens, for an admin those of all accounts.',
    answers: { 200: { description: 'The newest first, without the tokens themselves.', schema: 'Tokens' } },
  },
  {
    method: 'post', path: '/api/tokens', id: 'addToken', tag: 'access',
    summary: 'Makes an API token for programs: `Authorization: Bearer …`.',
    body: { description: 'What it is for, what it may, and for how long.', schema: 'NewToken' },
    answers: { 200: { description: 'The only answer with the token itself.', schema: 'MadeToken' }, ...BODY_INVALID, ...fault(403, '`role-too-high`, `groups-too-wide`: a token may at most what its account may.'), ...fault(409, '`tokens-full`: the account has as many as it can have; `admin-limited`: the role admin sees all groups.') },
  },
  {
    method: 'delete', path: '/api/tokens/{tokenId}', id: 'removeToken', tag: 'access',
    summary: 'Removes a token; its streams are closed.',
    answers: { 200: { description: 'Those that are left.', schema: 'Tokens' }, ...fault(404, '`token-unknown`: there is none.') },
  },
  {
    method: 'get', path: '/api/shares', id: 'listShares', tag: 'access',
    summary: 'One’s own share links, for an admin those of all accounts.',
    answers: { 200: { description: 'The newest first, without their secrets.', schema: 'Shares' } },
  },
  {
    method: 'post', path: '/api/shares', id: 'addShare', tag: 'access',
    summary: 'Makes a link whose holder sees one view, read-only and without an account: `/share#{secret}`.',
    body: { description: 'Path and query of the overview or of a device page, and hours until it ends. Only devices of the group and place that are named in it are shown, or the one device.', schema: 'NewShare' },
    answers: { 200: { description: 'The only answer with the secret itself.', schema: 'MadeShare' }, ...BODY_INVALID, ...fault(404, '`device-unknown`: with limited rights, a device that is not among those.'), ...fault(409, '`shares-full`: the account has as many as it can have.') },
  },
  {
    method: 'delete', path: '/api/shares/{shareId}', id: 'removeShare', tag: 'access',
    summary: 'Removes a share link; its streams are closed.',
    answers: { 200: { description: 'Those that are left.', schema: 'Shares' }, ...fault(404, '`share-unknown`: there is none.') },
  },
  {
    method: 'post', path: '/api/share-session', id: 'openShare', tag: 'access',
    summary: 'Opens a share link: its secret becomes a cookie that lasts as long as the link. A signed-in user stays signed in.',
    body: { description: 'What stands behind the `#` of the link.', schema: 'ShareSecret' },
    answers: { 200: { ...ENTERED, headers: { 'Set-Cookie': { type: 'string', description: '`leitstand-share`.' } } }, ...BODY_INVALID, ...fault(404, '`share-over`: it has ended, or is not complete.') },
  },
  {
    method: 'get', path: '/api/audit', id: 'getAudit', tag: 'access',
    summary: 'Who did what, when, from where, and how often signing in went wrong.',
    query: { schema: 'AuditQuery', parameters: { limit: `Entries on a page, at most ${MAX_AUDIT_PAGE}.`, before: 'Only entries with a smaller `id`: `next` of the page before.' } },
    answers: { 200: { description: 'Newest first.', schema: 'Audit' }, ...QUERY_INVALID },
  },
]
