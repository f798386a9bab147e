import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import chromium from '@sparticuz/chromium'

/** Debian puts the broker where a user's PATH does not look. */
const FOLDERS = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin']

function findProgram(name: string): string | undefined {
  return FOLDERS.map(folder => join(folder, name)).find(existsSync)
}

export const mosquitto = findProgram('mosquitto')
export const mosquittoPub = findProgram('mosquitto_pub')
export const openssl = findProgram('openssl')

/** CHROMIUM_PATH, a browser of the system, or the one inside an npm package (Linux x64). */
export async function findBrowser(): Promise<string | undefined> {
  const named = process.env.CHROMIUM_PATH
  if (named) return named
  const installed = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'].map(findProgram).find(Boolean)
  if (installed) return installed
  return process.platform === 'linux' && process.arch === 'x64' ? chromium.executablePath() : undefined
}

export async function missingDependencies(): Promise<string[]> {
  const browser = await findBrowser().catch(() => undefined)
  return Object.entries({ 'Mosquitto': mosquitto, 'mosquitto_pub': mosquittoPub, 'openssl': openssl, 'a Chromium': browser })
    .filter(([, path]) => !path).map(([name]) => name)
}
