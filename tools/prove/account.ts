// The first account, made as production.md says: on the page, with the code from the application's log.
import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import { until } from './seen.ts'

const TokenSchema = z.looseObject({ token: z.string() })

/** Waits for an answer: Caddy gets its certificate after it has started. @throws when somebody who has no account may look. */
export async function requireClosed(origin: string) {
  let said = ''
  await until(async () => {
    const answer = await fetch(`${origin}/api/sensors`).catch((error: unknown) => error)
    said = answer instanceof Response ? String(answer.status) : String(answer)
    return said === '403'
  }, () => `GET /api/sensors without an account: ${said}`)
}

/** The cookie of a new admin, `name=value`. @throws when the code is not taken. */
export async function makeFirstAccount(origin: string, log: string): Promise<string> {
  const [, code = ''] = /with the code (\S+?),/.exec(log) ?? []
  const answer = await send(`${origin}/api/first-account`, { name: 'admin', password: randomBytes(16).toString('hex'), code })
  return answer.headers.get('set-cookie')?.split(';')[0] ?? ''
}

/** An API token of the role viewer, as Prometheus takes it. */
export async function makeToken(origin: string, cookie: string): Promise<string> {
  const answer = await send(`${origin}/api/tokens`, { name: 'Prometheus', role: 'viewer', days: 1 }, cookie)
  return TokenSchema.parse(await answer.json()).token
}

async function send(url: string, body: Record<string, unknown>, cookie = ''): Promise<Response> {
  const headers = { 'content-type': 'application/json', cookie }
  const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })
  if (!answer.ok) throw new Error(`POST ${url} answers ${answer.status}: ${await answer.text()}`)
  return answer
}
