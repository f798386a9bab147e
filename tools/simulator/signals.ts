const PARENT_CHECK_MS = 1_000

/**
 * A controller that the first SIGINT (Ctrl+C), SIGTERM or SIGHUP (terminal closed) aborts, so that the program can end
 * in its own time; a second one ends the process at once. Started by npm, the end of npm counts as well.
 */
export function abortOnSignals(): AbortController {
  const controller = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => controller.abort())
  if (process.env.npm_lifecycle_event) abortWithParent(controller)
  return controller
}

/** npm hands SIGTERM to the shell between us only, which dies of it and tells nobody. */
function abortWithParent(controller: AbortController) {
  const parent = process.ppid
  setInterval(() => { if (process.ppid !== parent) controller.abort() }, PARENT_CHECK_MS).unref()
}
