// Run before every file of end-to-end tests: what its tests send as a secret is noted, and neither the log of a server nor an answer
// that they (or a page) read may tell that, a stack or a path. What is found fails the file.
import { afterAll, expect } from 'vitest'
import { leaksSoFar, watchAnswer, watchHeaders, watchRequest } from './watched'

const plainFetch = globalThis.fetch
const { text: plainText } = Response.prototype
const methods = new WeakMap<Response, string>()

globalThis.fetch = async (input, init) => {
  const asked = input instanceof Request ? input : undefined
  watchRequest(new Headers(init?.headers ?? asked?.headers), init?.body)
  const response = await plainFetch(input, init)
  watchHeaders(response.headers)
  methods.set(response, init?.method ?? asked?.method ?? 'GET')
  return response
}

async function readText(this: Response): Promise<string> {
  const text = await plainText.call(this)
  const method = methods.get(this)
  if (method !== undefined) watchAnswer(method, this.url, text)
  return text
}
Response.prototype.text = readText
Response.prototype.json = async function (this: Response) {
  return JSON.parse(await readText.call(this))
}

afterAll(() => {
  expect(leaksSoFar()).toEqual([])
})
