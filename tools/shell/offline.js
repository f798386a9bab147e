// On the page that is shown while the server is away: one language, and back as soon as there is an answer.
const RETRY_MS = 3_000
const chosen = /(?:^|; )leitstand-language=(de|en)/.exec(document.cookie)?.[1]
const language = chosen ?? (navigator.language.startsWith('de') ? 'de' : 'en')
document.documentElement.lang = language
for (const part of document.querySelectorAll('section')) part.hidden = part.lang !== language

const health = new URL('api/health', document.currentScript.src)

async function look() {
  try {
    // Whatever it says of the broker: a proxy's own answer would be no JSON.
    const { status } = await (await fetch(health, { cache: 'no-store' })).json()
    if (status) location.reload()
  }
  catch {
    // Not yet.
  }
}

setInterval(look, RETRY_MS)
addEventListener('online', look)
