import type { IncomingMessage } from 'node:http'
import { createError, setResponseHeader } from 'h3'
import type { H3Event } from 'h3'
import { isAllowed, ruleOf } from '#shared/utils/access'
import type { Role, RouteKey } from '#shared/utils/access'
import type { Guest } from '../leitstand'
import { isPassedOn } from '../shell/proxies'
import { useLeitstand } from './leitstand'
import { clientAddress } from './shell'

export const SESSION_COOKIE = 'leitstand-session'
const BEARER = /^bearer +(\S+) *$/i
const LOOPBACK = /^(?:127\.\d+\.\d+\.\d+|::1)$/

/** Who asks, and from where. */
export interface Visitor {
  guest: Guest | undefined
  address: string
  /** From this machine, and nobody has passed it on. */
  isLocal: boolean
}

export interface AccessFault { status: 401 | 403 | 503, code: string, message: string }

export function visitorOf(request: IncomingMessage): Visitor {
  const { headers, socket } = request
  const address = clientAddress(request).replace(/^::ffff:/, '')
  // Vite passes on every request, and has no door.
  const isLocal = import.meta.dev || (LOOPBACK.test(socket.remoteAddress?.replace(/^::ffff:/, '') ?? '') && !isPassedOn(request))
  const bearer = BEARER.exec(headers.authorization ?? '')?.[1]
  return { guest: useLeitstand().accounts.identify({ cookie: cookieOf(headers.cookie), bearer, isLocal }), address, isLocal }
}

/** The visitor of a request, looked at once. */
export function visitorFor(event: H3Event): Visitor {
  return event.context.visitor ??= visitorOf(event.node.req)
}

/** Why a visitor may not do this; undefined: go on. The one place where it is decided. */
export function accessFault({ guest }: Visitor, key: RouteKey): AccessFault | undefined {
  const { least, inPerson } = ruleOf(key)
  const fault = roleFault(guest?.role ?? null, least)
  if (fault || !inPerson || guest?.by === 'session') return fault
  return { status: 403, code: 'session-required', message: 'Only somebody who has signed in can do this, no token.' }
}

/** The same for something that has no rule of its own. */
export function roleFault(role: Role | null, least: Role | 'everyone'): AccessFault | undefined {
  if (isAllowed(role, least)) return undefined
  if (role !== null) return { status: 403, code: 'role-too-low', message: `Your account (${role}) may not do this; it takes the role ${least}.` }
  const state = useLeitstand().accounts.state()
  if (state === 'none') return { status: 403, code: 'no-account-yet', message: 'No account exists yet, so only requests from the machine that the application runs on may enter. Make the first account on the page /welcome with the code from the application’s log, or with `npm run admin -- create`.' }
  if (state === 'unread') return { status: 503, code: 'accounts-unavailable', message: 'The accounts cannot be read now; the application’s log says why.' }
  return { status: 401, code: 'login-required', message: 'Sign in first, or send an API token as `Authorization: Bearer …`.' }
}

export function accessError(event: H3Event, { status, code, message }: AccessFault) {
  if (status === 401) setResponseHeader(event, 'www-authenticate', 'Bearer')
  return createError({ statusCode: status, message, data: { code } })
}

function cookieOf(header: string | undefined): string | undefined {
  const found = header?.split(';').map(part => part.trim()).find(part => part.startsWith(`${SESSION_COOKIE}=`))
  return found?.slice(SESSION_COOKIE.length + 1)
}

declare module 'h3' {
  interface H3EventContext {
    visitor?: Visitor
    /** What a request is about, where the address does not say it. */
    target?: string
    /** How it ended, where the answer only leads on; `isNoted`: the audit log should have it. */
    outcome?: { status: number, isNoted: boolean }
  }
}
