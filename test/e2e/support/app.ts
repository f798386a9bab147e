import { onTestFinished } from 'vitest'
import { launchApp } from './launch'
import type { App, Env } from './launch'

export { launchApp } from './launch'
export type { App, Env } from './launch'

/** {@link launchApp}, stopped when the test ends. */
export async function startApp(env: Env = {}, port = 0): Promise<App> {
  const app = await launchApp(env, port)
  onTestFinished(async () => {
    if (app.process.exitCode === null && app.process.signalCode === null) await app.stop('SIGKILL')
  })
  return app
}
