import { ROLES } from './access'
import type { Role } from './access'

/**
 * `leitstand-admins=admin, plant=viewer` -> the role of each group; undefined when it cannot be read. A group's name
 * contains no comma.
 */
export function readRoleMap(text: string): ReadonlyMap<string, Role> | undefined {
  const pairs = text.split(',').map(pair => pair.trim()).filter(Boolean).map((pair): [group: string, role: Role | undefined] => {
    const end = pair.lastIndexOf('=')
    const word = pair.slice(end + 1).trim()
    return [pair.slice(0, Math.max(0, end)).trim(), ROLES.find(role => role === word)]
  })
  const map = new Map<string, Role>()
  for (const [group, role] of pairs) {
    if (!group || !role) return undefined
    map.set(group, role)
  }
  return map
}

/** The highest role of the groups; undefined: none has one. */
export function roleOf(groups: readonly string[], map: ReadonlyMap<string, Role>): Role | undefined {
  const roles = new Set(groups.map(group => map.get(group)))
  return ROLES.findLast(role => roles.has(role))
}
