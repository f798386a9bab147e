import { describe, expect, it } from 'vitest'
import { identityOf, isIncomplete } from '../../../../../server/auth/oidc/identity'
import { NewAccountSchema } from '#shared/schemas/access'

const WHO = { iss: 'https://login.example', sub: 's-1' }

describe('whom a provider names', () => {
  it.each([
    [{ preferred_username: 'vera' }, 'vera'],
    [{ preferred_username: '', email: 'vera@plant.example', name: 'Vera' }, 'vera@plant.example'],
    [{ name: 'Vera Müller' }, 'Vera-Müller'],
    [{}, 's-1'],
    [{ preferred_username: '<script>alert(1)</script>' }, 'script-alert-1-script'],
    [{ preferred_username: '../..//' }, '..-..'],
    [{ preferred_username: '\u0000 \n', email: 7, name: ['Vera'] }, 's-1'],
    [{ preferred_username: 'x'.repeat(1_000) }, 'x'.repeat(64)],
    [{ sub: '???' }, 'account'],
    [{ preferred_username: `${'x'.repeat(63)}𝒳𝒳` }, 'x'.repeat(63)],
  ])('by %j is called %s', (claims, name) => {
    expect(identityOf({ ...WHO, ...claims }, 'groups').name).toBe(name)
    expect(NewAccountSchema.shape.name.parse(name)).toBe(name)
  })

  it.each([
    [['a', 'b'], ['a', 'b']],
    ['a', ['a']],
    [['a', 7, null, { b: 'c' }], ['a']],
    [{ a: true }, []],
    [null, []],
    [undefined, []],
  ])('with groups as %j is in %j', (claim, groups) => {
    expect(identityOf({ ...WHO, 'https://plant.example/roles': claim }, 'https://plant.example/roles')).toMatchObject({ issuer: WHO.iss, subject: WHO.sub, groups })
  })

  it('may have to be asked for once more', () => {
    expect(isIncomplete({ groups: [], preferred_username: 'vera' }, 'groups')).toBe(false)
    expect(isIncomplete({ preferred_username: 'vera' }, 'groups')).toBe(true)
    expect(isIncomplete({ groups: [] }, 'groups')).toBe(true)
  })
})
