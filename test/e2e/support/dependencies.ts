import { findBrowser, findProgram } from '../../../tools/programs/find'
import { findNginx } from '../../../tools/programs/nginx'
import { findPostgres } from '../../../tools/programs/postgres'

export { findBrowser }
export const mosquitto = findProgram('mosquitto')
export const mosquittoPub = findProgram('mosquitto_pub')
export const mosquittoSub = findProgram('mosquitto_sub')
export const openssl = findProgram('openssl')
export const nginx = findNginx()
/** The folder with its programs. */
export const postgres = findPostgres()
export const promtool = findProgram('promtool')
export const prometheus = findProgram('prometheus')

export async function missingDependencies(): Promise<string[]> {
  const browser = await findBrowser().catch(() => undefined)
  return Object.entries({ 'Mosquitto': mosquitto, 'mosquitto_pub': mosquittoPub, 'mosquitto_sub': mosquittoSub, 'openssl': openssl, 'nginx with its stream module': nginx, 'PostgreSQL': postgres, 'promtool': promtool, 'Prometheus': prometheus, 'a Chromium': browser })
    .filter(([, path]) => !path).map(([name]) => name)
}
