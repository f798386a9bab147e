import { statSync } from 'node:fs'
import { SettingsError } from '../settings'

/** @throws {SettingsError} when something else has the name of the data folder. One that is not there is made. */
export function requireFolder(dataDir: string) {
  let found
  try {
    found = statSync(dataDir)
  }
  catch {
    // It is not there, or cannot be looked at: who opens the database says why.
    return
  }
  if (!found.isDirectory()) throw new SettingsError('The settings are not usable: NUXT_DATA_DIR names a file where a folder is needed: name another place, or take the file away.')
}
