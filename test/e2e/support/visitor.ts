/** Redirects followed of one request. */
const MAX_REDIRECTS = 15

/** A browser without a window: it keeps cookies by host and follows redirects one by one. */
export interface Visitor {
  /** Goes to an address and on to where that leads; `until` stops before an address is asked for. */
  go: (url: string, init?: RequestInit, until?: (url: URL) => boolean) => Promise<Arrival>
  /** Of one host, by name. */
  cookies: (host: string) => Map<string, string>
}

export interface Arrival { url: URL, status: number, body: string, /** Every `Set-Cookie` on the way. */ setCookies: string[] }

export function createVisitor(): Visitor {
  const jars = new Map<string, Map<string, string>>()

  function cookies(host: string) {
    const jar = jars.get(host) ?? new Map<string, string>()
    jars.set(host, jar)
    return jar
  }

  function keep(host: string, line: string) {
    const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
    const isGone = /max-age=0|expires=thu, 01 jan 1970/i.test(line)
    if (isGone || value === '') cookies(host).delete(name)
    else cookies(host).set(name, value)
  }

  return {
    cookies,
    async go(address, init = {}, until = () => false) {
      const setCookies: string[] = []
      let url = new URL(address)
      let options = init
      for (let i = 0; i < MAX_REDIRECTS; i++) {
        const cookie = [...cookies(url.hostname)].map(([name, value]) => `${name}=${value}`).join('; ')
        const answer = await fetch(url, { ...options, redirect: 'manual', headers: { accept: 'text/html', ...options.headers, cookie } })
        const body = await answer.text()
        for (const line of answer.headers.getSetCookie()) {
          setCookies.push(line)
          keep(url.hostname, line)
        }
        const location = answer.headers.get('location')
        if (location === null) return { url, status: answer.status, body, setCookies }
        url = new URL(location, url)
        if (until(url)) return { url, status: answer.status, body, setCookies }
        options = { ...(init.headers && { headers: init.headers }) }
      }
      throw new Error(`${address} leads on without end.`)
    },
  }
}
