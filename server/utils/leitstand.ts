import type { Leitstand } from '../leitstand/leitstand'

let current: Leitstand | undefined

/** Called once by the plugin; a dev reload replaces it. */
export function provideLeitstand(leitstand: Leitstand) {
  current = leitstand
}

/** The control room, for handlers. */
export function useLeitstand(): Leitstand {
  if (!current) throw new Error('The control room was asked for before the plugin built it.')
  return current
}
