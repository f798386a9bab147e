import type { IncomingMessage } from 'node:http'
import { createError, setResponseHeader } from 'h3'
import type { H3Event } from 'h3'
import { leastOfPage, pageRefusalOf, refusalOf, ruleOf } from '#shared/api/access'
import type { Role, RouteKey, Standing } from '#shared/api/access'
import type { Principal } from '../leitstand/leitstand'
import { isPassedOn } from '../http/forwarded'
import { useLeitstand } from './leitstand'
import { clientAddress } from './shell'

export const SESSION_COOKIE = 'leitstand-session'
export const SHARE_COOKIE = 'leitstand-share'
const BEARER = /^bearer +(\S+) *$/i
const LOOPBACK = /^(?:127\.\d+\.\d+\.\d+|::1)$/

/** The visitor of a request: who, and from where. */
export interface Visitor {
  principal: Principal | undefined
  address: string
  /** From this machine, and not forwarded by a proxy. */
  isLocal: boolean
  /** The request contains credentials, such as a cookie. */
  hasCredentials: boolean
}

export interface AccessFault { status: 401 | 403 | 503, code: string, message: string }

export function visitorOf(request: IncomingMessage): Visitor {
  const { headers, socket } = request
  const address = clientAddress(request).replace(/^::ffff:/, '')
  // Vite forwards every request, and has no request guard.
  const isLocal = import.meta.dev || (LOOPBACK.test(socket.remoteAddress?.replace(/^::ffff:/, '') ?? '') && !isPassedOn(request))
  const bearer = BEARER.exec(headers.authorization ?? '')?.[1]
  const cookie = cookieOf(headers.cookie, SESSION_COOKIE)
  const share = cookieOf(headers.cookie, SHARE_COOKIE)
  const principal = useLeitstand().accounts.identify({ cookie, share, bearer, isLocal })
  return {
    principal,
    address,
    isLocal,
    hasCredentials: cookie !== undefined || share !== undefined || bearer !== undefined,
  }
}

/** The visitor of a request, computed once. */
export function visitorFor(event: H3Event): Visitor {
  return event.context.visitor ??= visitorOf(event.node.req)
}

const LOST = 'There were accounts, and they cannot be read: nobody may enter. `npm run admin` on the machine that the application runs on, or `npm run restore`, opens it again; its log says how.'

const MESSAGES = {
  'in-person': { code: 'session-required', message: 'Only a user who has signed in can do this, no token.' },
  'limited': { code: 'groups-limited', message: 'This tells of all devices, or holds for all, and your rights are limited to some of them.' },
  'by-link': { code: 'link-only', message: 'A share link shows one view and nothing else; sign in with an account for more.' },
} as const

/** Why a visitor may not do this; undefined: it may. */
export function accessFault(visitor: Visitor, key: RouteKey): AccessFault | undefined {
  return faultOf(visitor, refusalOf(standingOf(visitor.principal), key), ruleOf(key).least)
}

/** The same for a page. */
export function pageFault(visitor: Visitor, path: string): AccessFault | undefined {
  return faultOf(visitor, pageRefusalOf(standingOf(visitor.principal), path), leastOfPage(path))
}

/** The same for a request without a rule of its own. */
export function unruledFault(visitor: Visitor): AccessFault | undefined {
  return visitor.principal ? undefined : faultOf(visitor, 'role', 'viewer')
}

function standingOf(principal: Principal | undefined): Standing {
  return {
    role: principal?.role ?? null,
    isInPerson: principal?.by === 'session',
    isLimited: principal?.deviceScope !== undefined,
    view: principal?.view?.path,
  }
}

function faultOf(
  { principal, hasCredentials }: Visitor,
  refusal: ReturnType<typeof refusalOf>,
  least: Role | 'everyone',
): AccessFault | undefined {
  if (!refusal) return undefined
  if (refusal !== 'role') return { status: 403, ...MESSAGES[refusal] }
  if (principal) return { status: 403, code: 'role-too-low', message: `Your account (${principal.role}) may not do this; it takes the role ${least}.` }
  const state = useLeitstand().accounts.state()
  if (state === 'none') return { status: 403, code: 'no-account-yet', message: 'No account exists yet, so only requests from the machine that the application runs on may enter. Make the first account on the page /welcome with the code from the application’s log, or with `npm run admin -- create`.' }
  // A visitor with credentials can try again later; others need not wait.
  if (state === 'unread') return {
    status: hasCredentials ? 503 : 401,
    code: 'accounts-unavailable',
    message: 'The accounts cannot be read now; the application’s log says why.',
  }
  if (state === 'lost') return { status: 401, code: 'accounts-lost', message: LOST }
  return { status: 401, code: 'login-required', message: 'Sign in first, or send an API token as `Authorization: Bearer …`.' }
}

export function accessError(event: H3Event, { status, code, message }: AccessFault) {
  if (status === 401) setResponseHeader(event, 'www-authenticate', 'Bearer')
  return createError({ statusCode: status, message, data: { code } })
}

function cookieOf(header: string | undefined, name: string): string | undefined {
  const found = header?.split(';').map(part => part.trim()).find(part => part.startsWith(`${name}=`))
  return found?.slice(name.length + 1)
}

declare module 'h3' {
  interface H3EventContext {
    visitor?: Visitor
    /** The subject of a request, if the address does not contain it. */
    target?: string
    /** The visitor may not know of the subject: the answer is the same as if it did not exist. */
    isInvisible?: true
    /** The outcome, if the response does not show it; `isNoted`: add it to the audit log. */
    outcome?: { status: number, isNoted: boolean }
  }
}
