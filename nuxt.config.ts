import { fileURLToPath } from 'node:url'
import { SettingsSchema } from './server/settings'
import { leanServer } from './tools/build/lean-server'
import { writeShell } from './tools/shell/shell'
import { DEVICE_ICONS } from './shared/device/device-icons'

export default defineNuxtConfig({
  modules: ['@nuxt/ui', '@nuxtjs/i18n', '@vueuse/nuxt', '@nuxt/eslint'],
  srcDir: '.',
  compatibilityDate: '2026-11-01',
  css: ['~/assets/css/main.css'],
  runtimeConfig: SettingsSchema.parse({}),
  devtools: { enabled: false },
  telemetry: false,
  imports: { dirs: ['composables/**'] },
  typescript: { strict: true },
  // Nothing is fetched from elsewhere, neither while building nor in the browser.
  ui: { fonts: false },
  icon: {
    provider: 'none',
    serverBundle: { collections: ['lucide'] },
    // Composables name icons as well.
    clientBundle: { scan: { globInclude: ['**/*.vue', 'composables/**/*.ts'] }, includeCustomCollections: false, icons: DEVICE_ICONS.map(icon => `lucide:${icon}`) },
  },
  i18n: {
    strategy: 'no_prefix',
    defaultLocale: 'en',
    locales: [
      { code: 'de', language: 'de-DE', name: 'Deutsch', file: 'de.json' },
      { code: 'en', language: 'en-GB', name: 'English', file: 'en.json' },
    ],
    detectBrowserLanguage: { useCookie: true, cookieKey: 'leitstand-language' },
  },
  // Each page would ask for a list of what was built, and complain while the server is away; nothing here needs it.
  experimental: {
    appManifest: false,
    // A page that somebody may go to is fetched when a hand or the focus is on the link to it; nothing else is fetched in advance.
    defaults: { nuxtLink: { prefetchOn: { visibility: false, interaction: true } } },
  },
  nitro: {
    experimental: { websocket: true },
    rollupConfig: { output: {}, plugins: [leanServer()] },
    // A part of it is used; the rest would be read and compiled at each start, or lie about.
    externals: { inline: ['zod', '@opentelemetry/'] },
    // Beside each asset, compressed once while building.
    compressPublicAssets: { gzip: true, brotli: true },
    // A browser that kept an old one would go on with what an older version wrote.
    routeRules: { '/sw.js': { headers: { 'cache-control': 'no-cache' } } },
  },
  hooks: {
    'build:manifest': (manifest) => {
      for (const file of Object.values(manifest)) file.prefetch = false
    },
    // Ours answers for the API only: Nuxt's own, which renders error.vue, must stay behind it.
    'nitro:config': (config) => {
      config.errorHandler = ['./server/http/error-handler.ts', config.errorHandler ?? []].flat()
      if (!config.dev) config.entry = fileURLToPath(new URL('server/http/entry.ts', import.meta.url))
    },
    'nitro:build:public-assets': ({ options }) => {
      writeShell({ folder: options.output.publicDir, buildId: String(options.runtimeConfig.app.buildId), baseURL: options.baseURL })
    },
  },
  eslint: { config: { stylistic: true } },
})
