import type { H3Event } from 'h3'
import { findRule, isForPrograms, ruleOf } from '#shared/api/access'
import type { RouteKey } from '#shared/api/access'

/** What belongs to the pages themselves and holds nothing of the site: scripts, styles, the error page. */
const INSIDES = /^\/(?:_nuxt|__nuxt\w*|_i18n|_ipx|_fonts)(?:\/|$)/

/** Characters kept of what was changed. */
const MAX_TARGET_LENGTH = 200

/** Everything that is not a file of the application comes by here: who may do what stands in `shared/api/access.ts`. */
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
  if (rule) noteDeed(event, rule)
  if (fault) throw accessError(event, fault)
  if (!rule) throw notFound(event)
  requireReach(event, rule.key)
}

function admitToPage(event: H3Event, path: string) {
  const visitor = visitorFor(event)
  const { principal } = visitor
  // For the page, which shows what may be done.
  event.context.session = useLeitstand().accounts.describe(principal)
  const fault = pageFault(visitor, path)
  if (!fault) return
  const isReading = event.method === 'GET' || event.method === 'HEAD'
  // Who has come in is told; everybody else is shown where to.
  if (!isReading || principal || fault.status === 503) throw accessError(event, fault)
  const { baseURL } = useRuntimeConfig(event).app
  // Where to go on is said as pages know it, without what lies in front of all of them.
  const wanted = (event.node.req.originalUrl ?? baseURL).slice(baseURL.length - 1)
  return sendRedirect(event, baseURL + (fault.code === 'no-account-yet' ? 'welcome' : `login?to=${encodeURIComponent(wanted)}`))
}

/** Keeps what is done, and what somebody was not allowed to do, in the audit log. */
function noteDeed(event: H3Event, { key, names }: { key: RouteKey, names: string[] }) {
  const { deed } = ruleOf(key)
  if (!deed) return
  // The one who signs out is not there any more at the end.
  const before = visitorFor(event).principal
  event.node.res.once('finish', () => {
    const { principal = before, address } = visitorFor(event)
    const { outcome, isOutOfReach } = event.context
    const status = outcome?.status ?? event.node.res.statusCode
    const isAttempt = (status === 403 && principal !== undefined) || (status === 401 && deed === 'login') || isOutOfReach === true
    if (outcome ? !outcome.isNoted : status >= 400 && !isAttempt) return
    const target = event.context.target ?? (names.join('/') || null)
    useLeitstand().accounts.note({ who: principal?.name ?? null, by: principal?.by ?? 'nobody', address, deed, target: target?.slice(0, MAX_TARGET_LENGTH) ?? null, status })
  })
}
