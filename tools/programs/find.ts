import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import chromium from '@sparticuz/chromium'

/** Debian puts the broker where a user's PATH does not look. */
const FOLDERS = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin']

/** The file of a program of this machine. */
export function findProgram(name: string): string | undefined {
  return FOLDERS.map(folder => join(folder, name)).find(existsSync)
}

/** CHROMIUM_PATH, a browser of the system, or the one inside an npm package (Linux x64). */
export async function findBrowser(): Promise<string | undefined> {
  const named = process.env.CHROMIUM_PATH
  if (named) return named
  const installed = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'].map(findProgram).find(Boolean)
  if (installed) return installed
  return process.platform === 'linux' && process.arch === 'x64' ? chromium.executablePath() : undefined
}

/** How such a browser is started without a screen, as root too, without asking anybody for anything. */
export const BROWSER_FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync']
