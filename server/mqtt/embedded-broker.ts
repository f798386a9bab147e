import { createServer } from 'node:net'
import type { Server } from 'node:net'
import { Aedes } from 'aedes'

const HOST = '127.0.0.1'
const PORTS_TO_TRY = 20
const MAX_TOPIC_LEVELS = 16
const MAX_CLIENT_ID_LENGTH = 128

export interface EmbeddedBroker { url: string, port: number, stop: () => Promise<void> }

/**
 * A broker inside the process (MQTT 3.1.1, this machine only, nothing on disk), for development, the demo and tests.
 * Takes `port` or the next free one; 0 lets the system choose.
 * @throws when none of the ports tried is free.
 */
export async function startEmbeddedBroker(port: number): Promise<EmbeddedBroker> {
  const broker = await Aedes.createBroker({ maxTopicLevels: MAX_TOPIC_LEVELS, maxClientsIdLength: MAX_CLIENT_ID_LENGTH })
  const server = createServer(broker.handle)
  const bound = await listenOnNextFree(server, port)
  return {
    url: `mqtt://${HOST}:${bound}`,
    port: bound,
    async stop() {
      const closed = new Promise<void>(resolve => server.close(() => resolve()))
      await new Promise<void>(resolve => broker.close(() => resolve()))
      await closed
    },
  }
}

async function listenOnNextFree(server: Server, first: number): Promise<number> {
  for (let port = first; port < first + PORTS_TO_TRY; port++) {
    const bound = await listen(server, port)
    if (bound !== undefined) return bound
  }
  throw new Error(`No free port for the embedded broker between ${first} and ${first + PORTS_TO_TRY - 1}; set NUXT_MQTT_EMBEDDED_PORT.`)
}

/** The port that was bound, or undefined when it is taken. */
function listen(server: Server, port: number): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE' || error.code === 'EACCES') resolve(undefined)
      else reject(error)
    }
    server.once('error', onError)
    server.listen(port, HOST, () => {
      server.off('error', onError)
      const address = server.address()
      resolve(typeof address === 'object' && address ? address.port : port)
    })
  })
}
