import { describe, expect, it } from 'vitest'
import { readRoleMap, roleOf } from '#shared/api/role-map'

describe('roles of groups', () => {
  it('are read as they are written', () => {
    expect([...readRoleMap(' leitstand-admins=admin , the operators = operator,a=b=viewer,') ?? []]).toEqual([['leitstand-admins', 'admin'], ['the operators', 'operator'], ['a=b', 'viewer']])
    expect(readRoleMap('')?.size).toBe(0)
    for (const wrong of ['admins', 'admins=', '=admin', 'admins=king', 'a=viewer b=admin x', 'a=viewer;b=admin,c']) expect(readRoleMap(wrong), wrong).toBeUndefined()
  })

  it('the highest counts, and groups are told apart to the letter', () => {
    const map = readRoleMap('a=viewer,b=admin,c=operator') ?? new Map()
    expect(roleOf(['a', 'c'], map)).toBe('operator')
    expect(roleOf(['c', 'b', 'a'], map)).toBe('admin')
    expect(roleOf(['A', 'b ', 'constructor'], map)).toBeUndefined()
    expect(roleOf([], map)).toBeUndefined()
  })
})
