import { findBrowser, findProgram } from '../../../tools/programs/find'

export { findBrowser }
export const mosquitto = findProgram('mosquitto')
export const mosquittoPub = findProgram('mosquitto_pub')
export const mosquittoSub = findProgram('mosquitto_sub')
export const openssl = findProgram('openssl')
export const promtool = findProgram('promtool')
export const prometheus = findProgram('prometheus')

export async function missingDependencies(): Promise<string[]> {
  const browser = await findBrowser().catch(() => undefined)
  return Object.entries({ 'Mosquitto': mosquitto, 'mosquitto_pub': mosquittoPub, 'mosquitto_sub': mosquittoSub, 'openssl': openssl, 'promtool': promtool, 'Prometheus': prometheus, 'a Chromium': browser })
    .filter(([, path]) => !path).map(([name]) => name)
}
