// Starts the built server after `entry.ts`, in place of Nitro's own start for Node: with the request guard in front,
// and with limits that must be set when the HTTP server is created. `npm run dev` has neither.
import { Server as HttpServer } from 'node:http'
import { Server as HttpsServer } from 'node:https'
import wsAdapter from 'crossws/adapters/node'
import { toNodeListener } from 'h3'
import { useNitroApp, useRuntimeConfig } from 'nitropack/runtime'
import { setupGracefulShutdown, trapUnhandledNodeErrors } from 'nitropack/runtime/internal/index'
import { listenError } from './listen-errors'
import { useShell } from '../utils/shell'

const DEFAULT_PORT = 3_000

const { NITRO_SSL_CERT: cert, NITRO_SSL_KEY: key, NITRO_UNIX_SOCKET: path } = process.env
const port = Number(process.env.NITRO_PORT || process.env.PORT || DEFAULT_PORT)
const host = process.env.NITRO_HOST || process.env.HOST
const isSecure = Boolean(cert && key)
const nitroApp = useNitroApp()
const shell = useShell()
const answer = toNodeListener(nitroApp.h3App)
const server = orEnd(() => isSecure ? new HttpsServer({ cert, key, ...shell.serverOptions }) : new HttpServer(shell.serverOptions))
shell.guard(server, answer, wsAdapter(nitroApp.h3App.websocket).handleUpgrade)

server.once('error', end)
orEnd(() => server.listen(path ? { path } : { port, host }, () => {
  const address = server.address()
  if (typeof address === 'string' || !address) return console.info(`Listening on unix socket ${address}`)
  const name = address.family === 'IPv6' ? `[${address.address}]` : address.address
  console.info(`Listening on ${isSecure ? 'https' : 'http'}://${name}:${address.port}${useRuntimeConfig().app.baseURL.replace(/\/$/, '')}`)
}))
trapUnhandledNodeErrors()
setupGracefulShutdown(server, nitroApp)

function orEnd<T>(begin: () => T): T {
  try {
    return begin()
  }
  catch (error) {
    return end(error)
  }
}

/** A start that cannot succeed ends with one sentence. */
function end(error: unknown): never {
  console.error(`[leitstand] ${listenError(error, { port: process.env.NITRO_PORT || process.env.PORT || String(DEFAULT_PORT), host: host ?? '', path })}`)
  process.exit(1)
}
