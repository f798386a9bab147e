import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { ROUTES } from '../../../../server/documents/routes'
import { findRule, isAllowed, isForPrograms, leastOfPage, methodsOf, pageRefusalOf, refusalOf, RULES, ruleOf, safePath } from '#shared/api/access'
import type { RouteKey, Standing } from '#shared/api/access'

const KEYS = Object.keys(RULES).filter((key): key is RouteKey => key in RULES)
const STREAM = 'get /ws/events'

describe('the table of rules', () => {
  it.each(ROUTES.map(({ method, path }) => `${method} ${path}`))('has one for %s', (key) => {
    expect(KEYS).toContain(key)
  })

  it('has none for what does not exist', () => {
    const routes = new Set(ROUTES.map(({ method, path }) => `${method} ${path}`))
    expect(KEYS.filter(key => !routes.has(key))).toEqual([STREAM])
    expect(readFileSync('server/routes/ws/events.ts', 'utf8')).toContain(`'${STREAM}'`)
  })

  it('lets nobody change anything without a name in the audit log', () => {
    expect(KEYS.filter(key => !key.startsWith('get ') && !ruleOf(key).audit)).toEqual([])
  })

  it('is open to everybody for no more than it takes to sign in', () => {
    expect(KEYS.filter(key => ruleOf(key).least === 'everyone')).toEqual(['get /api/health', 'get /api/session', 'post /api/session', 'delete /api/session', 'post /api/first-account', 'get /api/oidc/login', 'get /api/oidc/callback', 'post /api/share-session'])
  })

  it('shows with a link what a viewer may look at, and lets nobody change anything with one but who they are', () => {
    expect(KEYS.filter(key => ruleOf(key).byLink && !key.startsWith('get ') && ruleOf(key).least !== 'everyone')).toEqual([])
    expect(KEYS.filter(key => ruleOf(key).least === 'everyone' && !ruleOf(key).byLink)).toEqual([])
  })

  it('tells nobody with limited rights the same as everybody of a device or a group', () => {
    expect(KEYS.filter(key => /\{(?:deviceId|group)\}/.test(key) && ruleOf(key).limited === 'same')).toEqual([])
  })

  it('lets no viewer change more than the own account', () => {
    const changes = KEYS.filter(key => !key.startsWith('get ') && ruleOf(key).least === 'viewer')
    expect(changes.filter(key => !ruleOf(key).inPerson)).toEqual([])
  })
})

describe('somebody', () => {
  const viewer: Standing = { role: 'viewer', isInPerson: true, isLimited: false, view: undefined }
  const limited: Standing = { ...viewer, isLimited: true }
  const byLink: Standing = { ...limited, isInPerson: false, view: '/devices/a%20b?x=1' }

  it('is refused for the first reason that there is', () => {
    expect(refusalOf({ ...viewer, role: null }, 'get /api/sensors')).toBe('role')
    expect(refusalOf(limited, 'get /api/sensors')).toBeUndefined()
    expect(refusalOf(limited, 'get /api/topics')).toBe('limited')
    expect(refusalOf(byLink, 'get /api/sensors')).toBeUndefined()
    expect(refusalOf(byLink, 'get /api/groups')).toBe('by-link')
    expect(refusalOf({ ...viewer, isInPerson: false }, 'get /api/tokens')).toBe('in-person')
  })

  it('sees the pages that belong to it', () => {
    const pages = ['/', '/devices/a%20b', '/devices/b', '/wall', '/topics', '/account', '/audit', '/login', '/share']
    const seen = (standing: Standing) => pages.filter(page => pageRefusalOf(standing, page) === undefined)
    expect(seen(viewer)).toEqual(['/', '/devices/a%20b', '/devices/b', '/wall', '/topics', '/account', '/login', '/share'])
    expect(seen(limited)).toEqual(['/', '/devices/a%20b', '/devices/b', '/wall', '/account', '/login', '/share'])
    expect(seen(byLink)).toEqual(['/devices/a%20b', '/login', '/share'])
    expect(seen({ ...byLink, view: '/?group=x' })).toEqual(['/', '/devices/a%20b', '/devices/b', '/login', '/share'])
    expect(seen({ ...viewer, role: null })).toEqual(['/login', '/share'])
  })
})

describe('the rule of a request', () => {
  it.each([
    ['GET', '/api/sensors', 'get /api/sensors', []],
    ['GET', '/api/sensors/', 'get /api/sensors', []],
    ['GET', '/api/sensors/a b', 'get /api/sensors/{deviceId}', ['a b']],
    ['DELETE', '/api/tokens/x', 'delete /api/tokens/{tokenId}', ['x']],
    ['GET', '/metrics', 'get /metrics', []],
    ['GET', '/metrics/', 'get /metrics', []],
    ['PUT', '/api/accounts/anna', 'put /api/accounts/{name}', ['anna']],
  ])('%s %s', (method, path, key, names) => {
    expect(findRule(method, path)).toEqual({ key, names })
  })

  it.each([['POST', '/api/sensors'], ['GET', '/api/nothing'], ['GET', '/api/sensors//history'], ['GET', '/API/sensors'], ['GET', '/api/audit/x'], ['GET', '/metrics//'], ['POST', '/metrics'], ['PROPFIND', '/api/audit']])('%s %s has none', (method, path) => {
    expect(findRule(method, path)).toBeUndefined()
  })

  it('is asked for by what is no page', () => {
    const paths = ['/api/sensors', '/api/', '/metrics', '/metrics/', '/metrics//', '/', '/api', '/metricsx', '/x/metrics', '/devices/metrics']
    expect(paths.filter(isForPrograms)).toEqual(paths.slice(0, 5))
  })

  it('knows how a path can be asked', () => {
    expect(methodsOf('/api/site')).toEqual(['GET', 'PUT'])
    expect(methodsOf('/api/nothing')).toEqual([])
  })
})

it('each role may what the one before may', () => {
  const may = (least: Parameters<typeof isAllowed>[1]) => [null, 'viewer', 'operator', 'admin'].map(role => isAllowed(role === 'viewer' || role === 'operator' || role === 'admin' ? role : null, least))
  expect(may('everyone')).toEqual([true, true, true, true])
  expect(may('viewer')).toEqual([false, true, true, true])
  expect(may('operator')).toEqual([false, false, true, true])
  expect(may('admin')).toEqual([false, false, false, true])
})

describe('where somebody goes on after signing in', () => {
  it.each(['/', '/storage', '/devices/a%20b?q=1#top', '/devices/100%25'])('%s', (path) => {
    expect(safePath(path)).toBe(path)
  })

  it.each([
    'https://evil.example', '//evil.example', '/\\evil.example', '/\\/evil.example', '/\t/evil.example', '/\n//evil.example', '/.//evil.example', '/..//evil.example', '/x/..//evil.example',
    'javascript:alert(1)', 'storage', '', undefined, ['/storage'], '/login?to=/storage', '/metrics', '/api/oidc/login', '/./api/sensors', `/${'x'.repeat(2_000)}`,
  ])('nowhere but the first page for %j', (path) => {
    expect(safePath(path)).toBe('/')
  })
})

it('pages are for viewers unless said otherwise', () => {
  expect(['/', '/devices/x', '/audit/', '/accounts', '/login', '/no-such-page'].map(leastOfPage)).toEqual(['viewer', 'viewer', 'admin', 'admin', 'everyone', 'viewer'])
})
