import { describe, expect, it } from 'vitest'
import { wayBetween } from '../../../tools/lint/circles'

const IMPORTS: Record<string, string[]> = { a: ['b', 'c'], b: ['d'], c: [], d: ['a'], e: ['c'] }
const importsOf = (file: string) => IMPORTS[file] ?? []

describe('a circle of imports', () => {
  it('is found at whatever distance, with the way', () => {
    expect(wayBetween('b', 'a', importsOf)).toEqual(['b', 'd', 'a'])
  })

  it('is none where nothing leads back', () => {
    expect(wayBetween('c', 'a', importsOf)).toBeUndefined()
    expect(wayBetween('c', 'e', importsOf)).toBeUndefined()
  })
})
