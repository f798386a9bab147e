import { describe, expect, it } from 'vitest'
import { startApp } from './support/app'
import { insidesIn, leaksIn, learnSettings } from './support/leaks'
import { leaksOf, leaksSoFar } from './support/watched'

const PASSWORD = 'a password of this file'
const JSON_HEADERS = { 'content-type': 'application/json' }

describe('what watches every test for secrets and insides', () => {
  it.each(['TypeError: x\n    at read (file:///srv/app/server/index.mjs:10:3)', 'ENOENT: no such file, open \'/home/somebody/history.db\'', '{"stack":[]}', 'node_modules/h3/index.js'])('finds them: %s', (text) => {
    expect(insidesIn(`[leitstand] something ${text}`)).not.toEqual([])
  })

  it.each(['GET /api/sensors/data failed', 'http://127.0.0.1:3000/tmp/x', 'src="/_nuxt/entry.js"', 'sensors/home/telemetry', 'at 12:00:00 o’clock'])('takes nothing else for them: %s', (text) => {
    expect(insidesIn(text)).toEqual([])
  })

  it('knows the passwords of settings', () => {
    const secrets = new Map<string, string>()
    learnSettings(secrets, { NUXT_MQTT_PASSWORD: 'of-the-broker', NUXT_MQTT_URL: 'mqtt://user:in-the-address@127.0.0.1', NUXT_MQTT_USERNAME: 'not-a-secret' })
    expect([...secrets.keys()]).toEqual(['of-the-broker', 'in-the-address'])
    expect(leaksIn('Connected as not-a-secret.', secrets)).toEqual([])
    expect(leaksIn('Connected with of-the-broker.', secrets)).toHaveLength(1)
  })

  it('learns passwords, sessions and tokens as they are used, and finds each in an answer', async () => {
    const app = await startApp()
    const first = await fetch(`${app.url}/api/first-account`, { method: 'POST', headers: JSON_HEADERS, body: JSON.stringify({ name: 'admin', password: PASSWORD }) })
    const cookie = first.headers.get('set-cookie')?.split(';')[0] ?? ''
    const made = await fetch(`${app.url}/api/tokens`, { method: 'POST', headers: { ...JSON_HEADERS, cookie }, body: JSON.stringify({ name: 'script', role: 'viewer', days: null }) })
    const [, token = ''] = /"token":"(lst_[^"]+)"/.exec(await made.text()) ?? []
    await fetch(`${app.url}/api/tokens`, { headers: { cookie } }).then(answer => answer.json())
    for (const secret of [PASSWORD, cookie.split('=')[1] ?? '', token]) expect(leaksOf(`told: ${secret}`)).toHaveLength(1)
    expect(leaksSoFar()).toEqual([])
  })
})
