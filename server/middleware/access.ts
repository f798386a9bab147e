import type { H3Event } from 'h3'
import { findRule, isForPrograms, ruleOf } from '#shared/api/access'
import type { RouteKey } from '#shared/api/access'

/** Files of the pages that contain nothing of the site: scripts, styles, the error page. */
const INSIDES = /^\/(?:_nuxt|__nuxt\w*|_i18n|_ipx|_fonts)(?:\/|$)/

/** Most characters of a changed name in the audit log. */
const MAX_TARGET_LENGTH = 200

/** Authorises every request that is not a file of the application; the rules are in `shared/api/access.ts`. */
export default defineEventHandler((event) => {
  const known = untilKnown(event.node.req)
  return known ? known.then(() => admit(event)) : admit(event)
})

function admit(event: H3Event) {
  const [path = ''] = event.path.split('?')
  if (!isForPrograms(path)) return INSIDES.test(path) ? undefined : admitToPage(event, path)
  const visitor = visitorFor(event)
  const rule = findRule(event.method, path)
  const fault = rule ? accessFault(visitor, rule.key) : unruledFault(visitor)
  if (rule) noteAuditAction(event, rule)
  if (fault) throw accessError(event, fault)
  if (!rule) throw notFound(event)
  requireVisible(event, rule.key)
}

function admitToPage(event: H3Event, path: string) {
  const visitor = visitorFor(event)
  const { principal } = visitor
  // For the page, which shows what the user may do.
  event.context.session = useLeitstand().accounts.describe(principal)
  const fault = pageFault(visitor, path)
  if (!fault) return
  const isReading = event.method === 'GET' || event.method === 'HEAD'
  // Signed-in users get the refusal; others are sent to the sign-in page.
  if (!isReading || principal || fault.status === 503) throw accessError(event, fault)
  const { baseURL } = useRuntimeConfig(event).app
  // The path to continue with, as pages know it: without the base URL.
  const wanted = (event.node.req.originalUrl ?? baseURL).slice(baseURL.length - 1)
  return sendRedirect(event, baseURL + (fault.code === 'no-account-yet' ? 'welcome' : `login?to=${encodeURIComponent(wanted)}`))
}

/** Adds actions, and attempts that were refused, to the audit log. */
function noteAuditAction(event: H3Event, { key, names }: { key: RouteKey, names: string[] }) {
  const { audit: auditAction } = ruleOf(key)
  if (!auditAction) return
  // A user who signs out is not there any more at the end.
  const before = visitorFor(event).principal
  event.node.res.once('finish', () => {
    const { principal = before, address } = visitorFor(event)
    const { outcome, isInvisible } = event.context
    const status = outcome?.status ?? event.node.res.statusCode
    const isAttempt = (status === 403 && principal !== undefined)
      || (status === 401 && auditAction === 'login')
      || isInvisible === true
    if (outcome ? !outcome.isNoted : status >= 400 && !isAttempt) return
    const target = event.context.target ?? (names.join('/') || null)
    useLeitstand().accounts.note({
      who: principal?.name ?? null,
      by: principal?.by ?? 'nobody',
      address,
      deed: auditAction,
      target: target?.slice(0, MAX_TARGET_LENGTH) ?? null,
      status,
    })
  })
}
