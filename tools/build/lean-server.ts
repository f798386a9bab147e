import { fileURLToPath } from 'node:url'

const STAND_IN = fileURLToPath(new URL('no-localised-routes.ts', import.meta.url))
const I18N = /@nuxtjs[\\/]i18n/

/** A Rollup plugin: what the server would load at its start without a use for it is left out. */
export function leanServer() {
  return {
    name: 'lean-server',
    resolveId: (source: string, importer: string | undefined) => source === 'vue-router' && importer && I18N.test(importer) ? STAND_IN : undefined,
    // Zod's comments tell other bundlers what Rollup finds out by itself.
    onLog: (_level: string, { code }: { code?: string }) => code !== 'INVALID_ANNOTATION',
  }
}
