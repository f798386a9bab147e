// Writes what browsers keep for the time when the server is away: the service worker, and the page that it shows then.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { logoSvg } from '../../shared/text/logo'

const MessagesSchema = z.object({ shell: z.object({ name: z.string() }), connection: z.object({ serverUnreached: z.object({ title: z.string() }) }), offline: z.object({ text: z.string() }) })
const LANGUAGES = ['de', 'en'] as const

const STYLE = `
:root{color-scheme:light dark;--ink:#1d293d;--soft:#45556c;--paper:#fff}
@media (prefers-color-scheme:dark){:root{--ink:#e2e8f0;--soft:#cad5e2;--paper:#020618}}
body{margin:0;background:var(--paper);color:var(--ink);font:1rem/1.5 system-ui,"Segoe UI",Roboto,"Noto Sans","Liberation Sans",sans-serif}
main{display:flex;min-height:100svh;flex-direction:column;align-items:center;justify-content:center;gap:1rem;box-sizing:border-box;padding:1.5rem;text-align:center}
svg{width:3rem;height:3rem}h1{margin:0;font-size:1.5rem;line-height:1.3}p{margin:.5rem 0 0;max-width:40rem;color:var(--soft)}`

export interface ShellOptions {
  /** Where the files go. */
  folder: string
  buildId: string
  baseURL: string
}

/** Writes `sw.js`, `offline.html` and `offline.js`. */
export function writeShell({ folder, buildId, baseURL }: ShellOptions) {
  const source = (name: string) => readFileSync(fileURLToPath(new URL(name, import.meta.url)), 'utf8')
  writeFileSync(join(folder, 'sw.js'), source('sw.js').replace('__BUILD__', buildId))
  writeFileSync(join(folder, 'offline.js'), source('offline.js'))
  writeFileSync(join(folder, 'offline.html'), offlinePage(baseURL))
}

function offlinePage(baseURL: string): string {
  const sections = LANGUAGES.map((language) => {
    const { connection, offline } = messagesOf(language)
    return `<section lang="${language}"><h1>${escaped(connection.serverUnreached.title)}</h1><p>${escaped(offline.text)}</p></section>`
  })
  return `<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${escaped(messagesOf('en').shell.name)}</title><style>${STYLE}</style></head>
<body><main>${logoSvg('connection').replace('<svg ', '<svg aria-hidden="true" ')}
${sections.join('\n')}
</main><script src="${escaped(baseURL)}offline.js"></script></body>
</html>
`
}

function messagesOf(language: typeof LANGUAGES[number]) {
  return MessagesSchema.parse(JSON.parse(readFileSync(fileURLToPath(new URL(`../../i18n/locales/${language}.json`, import.meta.url)), 'utf8')))
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
}
