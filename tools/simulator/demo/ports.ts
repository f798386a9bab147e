import { createServer } from 'node:net'

const PORTS_TO_TRY = 100
/** A foreign server on either would answer to `localhost`. */
const LOOPBACKS = ['127.0.0.1', '::1']

/**
 * The first port from `first` on that is free on this machine.
 * @throws when none of the hundred ports tried is.
 */
export async function nextFreePort(first: number): Promise<number> {
  const last = Math.min(first + PORTS_TO_TRY - 1, 65_535)
  for (let port = first; port <= last; port++) {
    const free = await Promise.all(LOOPBACKS.map(host => isFree(port, host)))
    if (free.every(Boolean)) return port
  }
  throw new Error(`No port is free between ${first} and ${last}; set PORT.`)
}

function isFree(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    // A machine without IPv6 has nothing that could be in the way there.
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'EADDRNOTAVAIL' || error.code === 'EAFNOSUPPORT'))
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)))
  })
}
