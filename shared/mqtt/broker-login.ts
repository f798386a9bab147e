/** How a broker is reached: the address without a login in it, and the login. */
export interface BrokerLogin { url: string, username?: string | undefined, password?: string | undefined }

/**
 * Takes the login out of an address such as `mqtt://user%40site:p%3Ass@broker`, decoded: MQTT has no encoding, a
 * broker compares the plain text. The login in the address goes before `username` and `password`.
 */
export function withLoginOfUrl<T extends BrokerLogin>(broker: T): T {
  if (!URL.canParse(broker.url)) return broker
  const address = new URL(broker.url)
  const { username, password } = address
  if (!username && !password) return broker
  address.username = address.password = ''
  return {
    ...broker,
    url: address.href,
    ...(username && { username: decode(username) }),
    ...(password && { password: decode(password) }),
  }
}

/** An invalid percent sequence stays as it is. */
function decode(text: string): string {
  return text.replace(/(?:%[\dA-F]{2})+/gi, (encoded) => {
    try {
      return decodeURIComponent(encoded)
    }
    catch {
      return encoded
    }
  })
}
