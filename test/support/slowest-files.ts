import type { Reporter, TestModule } from 'vitest/node'

const SHOWN = 10

/** What the file has cost, from the start of its process to its last hook. */
function secondsOf(module: TestModule): number {
  const { environmentSetupDuration, prepareDuration, collectDuration, setupDuration, duration } = module.diagnostic()
  return (environmentSetupDuration + prepareDuration + collectDuration + setupDuration + duration) / 1_000
}

/** Tells at the end of a run which files took longest. */
export default class SlowestFiles implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]) {
    const files = modules.map(module => ({ name: module.relativeModuleId, seconds: secondsOf(module) })).sort((a, b) => b.seconds - a.seconds)
    const lines = files.slice(0, SHOWN).map(({ name, seconds }) => `${seconds.toFixed(1).padStart(8)} s  ${name}`)
    const total = files.reduce((sum, { seconds }) => sum + seconds, 0)
    console.info(`\nThe slowest of ${files.length} files, which took ${total.toFixed(0)} s one by one:\n${lines.join('\n')}`)
  }
}
