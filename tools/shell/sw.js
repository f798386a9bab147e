// Answers for pages when the server does not: with a page that says so and comes back by itself. Everything else goes past it:
// neither the API nor a script or style is ever taken from here, so nothing of it can be old.
const CACHE = 'leitstand-__BUILD__'
const PAGE = new URL('offline.html', self.registration.scope).href
const SCRIPT = new URL('offline.js', self.registration.scope).href
/** What a proxy says whose server is away. */
const AWAY = [502, 503, 504]

self.addEventListener('install', (event) => {
  event.waitUntil(caches.open(CACHE)
    .then(cache => Promise.all([keep(cache, PAGE, text => text.replace(/(?<=<script src=")[^"]*/, SCRIPT)), keep(cache, SCRIPT)]))
    .then(() => self.skipWaiting()))
})

self.addEventListener('activate', (event) => {
  event.waitUntil(caches.keys()
    .then(names => Promise.all(names.filter(name => name.startsWith('leitstand-') && name !== CACHE).map(name => caches.delete(name))))
    .then(() => self.clients.claim()))
})

self.addEventListener('fetch', (event) => {
  const { request } = event
  const isPage = request.mode === 'navigate' && request.method === 'GET' && !request.url.startsWith(new URL('api/', self.registration.scope).href)
  if (isPage) event.respondWith(page(request))
  else if (request.url === SCRIPT) event.respondWith(fetch(request).catch(() => caches.match(SCRIPT)))
})

async function page(request) {
  try {
    const answer = await fetch(request)
    return AWAY.includes(answer.status) ? await kept() ?? answer : answer
  }
  catch (fault) {
    const offline = await kept()
    if (offline) return offline
    throw fault
  }
}

/** The page is shown at any address and names its script by a path, which the server was told only at its start: by then it was written. */
async function keep(cache, address, change = text => text) {
  const answer = await fetch(new Request(address, { cache: 'reload' }))
  if (!answer.ok) throw new TypeError(`${address} answered with ${answer.status}.`)
  await cache.put(address, new Response(change(await answer.text()), { headers: answer.headers }))
}

function kept() {
  return caches.match(PAGE, { cacheName: CACHE })
}
