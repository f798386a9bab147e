// Stands in for `vue-router` in the part of @nuxtjs/i18n that runs with the server: without a language in the path (`no_prefix`)
// it has no routes to match, and the real one brings Vue, its compilers and Babel into memory before anybody asks for a page.
const NOTHING = { matched: [] }

/** The matcher of no routes. */
export function createRouterMatcher() {
  return { addRoute() {}, resolve: () => NOTHING }
}
