import { mountSuspended } from '@nuxt/test-utils/runtime'
import { beforeEach, describe, expect, it } from 'vitest'
import { useState } from '#imports'
import type { Session } from '#shared/schemas/access'
import LoginPage from '~/pages/login.vue'
import { useStage } from './support/stage'

const NOBODY: Session = { by: 'nobody', name: null, role: null, groups: null, view: null, isFirst: false, isClosed: false, provider: null, isExternal: false }

function mountLogin(session: Partial<Session>, route = '/login') {
  useState<Session>('session').value = { ...NOBODY, ...session }
  return mountSuspended(LoginPage, { route })
}

describe('the page for signing in', () => {
  useStage({ isTimeRunning: true })
  beforeEach(() => {
    useState<Session>('session').value = NOBODY
  })

  it('has no button for a provider where there is none', async () => {
    const page = await mountLogin({})
    expect(page.find('[data-testid=provider-login]').exists()).toBe(false)
    expect(page.text()).not.toContain('Or with an account')
    expect(page.find('[role=alert]').exists()).toBe(false)
  })

  it('leads to the provider, and from there to a page of this site', async () => {
    for (const [to, target] of [['/storage?a=b', '/storage?a=b'], ['https://evil.example', '/'], ['//evil.example', '/'], ['/login', '/']] as const) {
      const page = await mountLogin({ provider: 'Plant login' }, `/login?to=${encodeURIComponent(to)}`)
      const link = page.find('a[data-testid=provider-login]')
      expect(link.text()).toBe('Sign in with Plant login')
      expect(link.attributes('href')).toBe(`/api/oidc/login?to=${encodeURIComponent(target)}`)
      expect(page.find('form').exists()).toBe(true)
    }
  })

  it('says why nobody came in, by a code and never by what stands in the address', async () => {
    const page = await mountLogin({ provider: 'Plant login' }, '/login?fault=provider-down')
    expect(page.find('[role=alert]').text()).toBe('The identity provider does not answer. Try again later, or sign in with an account of this application.')
    for (const fault of ['Call+0900-1234', '<b>x</b>', 'provider-nonsense', '']) {
      const other = await mountLogin({ provider: 'Plant login' }, `/login?fault=${encodeURIComponent(fault)}`)
      expect(other.find('[role=alert]').exists(), fault).toBe(false)
    }
  })

  it('says what opens it again while accounts cannot be read, and has no form', async () => {
    const page = await mountLogin({ isClosed: true, provider: 'Plant login' })
    const text = page.find('[data-testid=access-closed]').text()
    for (const command of ['npm run admin -- create NAME', 'npm run restore -- FILE --force', 'npm run admin -- give-up-accounts']) expect(text).toContain(command)
    expect(page.find('form').exists()).toBe(false)
    expect(page.find('[data-testid=provider-login]').exists()).toBe(false)
  })
})
