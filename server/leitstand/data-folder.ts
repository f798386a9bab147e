import { statSync } from 'node:fs'
import { SettingsError } from '../settings'

/** @throws {SettingsError} when something else has the name of the data folder. One that is not there is made. */
export function requireFolder(dataDir: string) {
  let found
  try {
    found = statSync(dataDir)
  }
  catch {
    // It does not exist, or cannot be read: opening the database reports why.
    return
  }
  if (!found.isDirectory()) throw new SettingsError('The settings are not usable: NUXT_DATA_DIR names a file where a folder is needed: name another place, or take the file away.')
}
