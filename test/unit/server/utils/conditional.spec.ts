import { describe, expect, it } from 'vitest'
import { entityTag, namesTag } from '../../../../server/utils/conditional'

describe('entityTag', () => {
  it('is another one for another revision and another query', () => {
    const tags = [entityTag(1, {}), entityTag(2, {}), entityTag(1, { limit: 1 }), entityTag(1, { limit: 2 })]
    expect(new Set(tags).size).toBe(tags.length)
    expect(entityTag(1, { limit: 1 })).toBe(tags[2])
  })

  it('is a weak tag without comma', () => {
    for (const query of [{}, { q: ['a', 'b'] }]) expect(entityTag(12_345, query)).toMatch(/^W\/"[^",]+"$/)
  })
})

describe('namesTag', () => {
  const tag = entityTag(7, {})
  it.each([tag, '*', ` ${tag} `, `"other", ${tag}`, tag.replace('W/', '')])('finds it in %s', (header) => {
    expect(namesTag(header, tag)).toBe(true)
  })

  it.each([undefined, '', '"other"', entityTag(8, {}), tag.slice(0, -2), `x${tag}`, '"*"'])('does not find it in %s', (header) => {
    expect(namesTag(header, tag)).toBe(false)
  })
})
