// What the tests of a file have used as secrets, and where one of them, a stack or a path was told.
import { leaksIn, learnCookies, learnRequest, learnSettings, learnToken } from './leaks'
import type { Secrets } from './leaks'
import { launched } from './launch'

const secrets: Secrets = new Map()
const found = new Set<string>()

export function watchRequest(headers: Headers, body: unknown) {
  learnRequest(secrets, headers, body)
}

/** The headers of an answer: in one of them a session is handed out. */
export function watchHeaders(headers: Headers) {
  learnCookies(secrets, headers.getSetCookie().join(','))
}

/** What a text tells that it must not, by what has been used so far. */
export function leaksOf(text: string): string[] {
  return leaksIn(text, secrets)
}

/** The body of an answer, or a frame of a stream. */
export function watchAnswer(method: string, url: string, text: string) {
  const { pathname } = new URL(url)
  if (method === 'POST' && pathname === '/api/tokens') learnToken(secrets, text)
  else for (const leak of leaksOf(text)) found.add(`${method} ${pathname}: ${leak}`)
}

/** All that was told although it must not be, by answers and in the logs of all servers of this file. */
export function leaksSoFar(): string[] {
  for (const { env, adminKeys } of launched) {
    learnSettings(secrets, env)
    for (const key of adminKeys) secrets.set(key, 'the key of the command line')
  }
  const told = launched.flatMap(({ output }) => leaksOf(output()).map(leak => `The log: ${leak}`))
  return [...new Set([...told, ...found])]
}
