import { lockFolder } from '../leitstand/folder-lock'
import { createLeitstand } from '../leitstand/leitstand'
import type { Log } from '../leitstand/leitstand'
import { nearMisses } from '../leitstand/near-names'
import { readSettings, SettingsError } from '../settings'
import { areTracesWanted } from '../tracing/wanted'
import { prepareRouting, refuseForeignUpgrades } from '../utils/h3-guards'
import { provideLeitstand } from '../utils/leitstand'
import { buildShell, provideShell } from '../utils/shell'
import { fitYoungGeneration } from '../utils/young-generation'

const LOG: Log = {
  info: line => console.info(`[leitstand] ${line}`),
  warn: line => console.warn(`[leitstand] ${line}`),
}

/** Builds the control room once, starts it in the background and stops it with the server. */
export default defineNitroPlugin((nitroApp) => {
  // Without accounts the application is only for this machine, unless a setting allows more.
  process.env.NITRO_HOST ||= process.env.HOST || '127.0.0.1'
  surviveLostLog()
  refuseForeignUpgrades(nitroApp.h3App)
  prepareRouting(nitroApp.h3App, useRuntimeConfig(), useRuntimeConfig().app.baseURL)

  const settings = orExit(() => readSettings(useRuntimeConfig(), process.env))
  for (const line of nearMisses(process.env)) LOG.warn(line)
  // Before anything else in the folder, or at the broker, is touched.
  const lock = orExit(() => lockFolder(settings.dataDir))
  const leitstand = orExit(() => createLeitstand(settings, LOG))
  provideLeitstand(leitstand)
  provideShell(buildShell(settings, leitstand.refusals, useRuntimeConfig().app.baseURL))
  // A replica follows what all of them receive.
  const endFitting = fitYoungGeneration(() => leitstand.cluster?.replica.position() ?? leitstand.health().messages.received)
  const tracing = areTracesWanted(process.env) ? loadTracing() : undefined
  const started = tracing ? tracing.then(startTraced) : leitstand.start()
  started.catch(exit)
  // Streams are ended before the server closes their sockets.
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => {
    leitstand.hub.stop()
    leitstand.replays.stop()
  })
  nitroApp.hooks.hook('close', () => {
    endFitting()
    return (tracing ? stopTraced() : leitstand.stop()).finally(lock.release)
  })

  function startTraced(tracing: Awaited<ReturnType<typeof loadTracing>>) {
    tracing?.traceServer(nitroApp.h3App, useRuntimeConfig().app.baseURL)
    if (tracing) provideLeitstand(tracing.traceQuestions(leitstand, settings.databaseUrl ? 'postgresql' : 'sqlite'))
    return leitstand.start(tracing)
  }

  /** The last spans are those of the end. */
  async function stopTraced() {
    await leitstand.stop()
    await (await tracing)?.stop()
  }
})

/** Nothing that goes wrong with traces may keep the control room from its work. */
async function loadTracing() {
  try {
    const { startTracing } = await import('../tracing/tracing')
    return await startTracing(process.env, LOG)
  }
  catch (error) {
    LOG.warn(`No traces are exported: ${error instanceof Error ? error.message : String(error)}`)
    return undefined
  }
}

/** The reader of the log may disappear. Logging that would fail as well, and so on without end. */
function surviveLostLog() {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
}

function orExit<T>(build: () => T): T {
  try {
    return build()
  }
  catch (error) {
    return exit(error)
  }
}

/** A start that cannot succeed ends with one sentence. */
function exit(error: unknown): never {
  if (!(error instanceof SettingsError)) throw error
  console.error(`[leitstand] ${error.message}`)
  process.exit(1)
}
