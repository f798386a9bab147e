// `npm run simulate`: publishes a simulated site to any MQTT broker. What it says comes from tools/simulator/.
import { systemClock } from './simulator/clock.ts'
import { HELP, readOptions } from './simulator/options.ts'
import type { SimulateOptions } from './simulator/options.ts'
import { createPacer } from './simulator/pacer.ts'
import { createProgress, totalsLine } from './simulator/progress.ts'
import { createPublisher } from './simulator/publisher.ts'
import { runSimulation } from './simulator/run.ts'
import { createSite } from './simulator/site.ts'
import { abortOnSignals } from './simulator/signals.ts'

const WRONG_OPTIONS = 2
const PROGRESS_MS = 1_000

const asked = readOptions(process.argv.slice(2), process.env)
if (asked.kind === 'run') await simulate(asked.options)
if (asked.kind === 'help') process.stdout.write(HELP)
if (asked.kind === 'wrong') {
  process.stderr.write([...asked.faults, 'npm run simulate -- --help lists the options.', ''].join('\n'))
  process.exitCode = WRONG_OPTIONS
}

async function simulate(options: SimulateOptions) {
  const stop = abortOnSignals()
  const progress = createProgress(process.stdout)
  const publisher = createPublisher(options, {
    onChange: progress.say,
    onRefused(sentence) {
      progress.say(sentence)
      process.exitCode = 1
      stop.abort()
    },
  })

  await publisher.ready(stop.signal)

  const startMs = systemClock.nowMs()
  const pacer = createPacer(options.rate, startMs)
  const site = createSite({ ...options, startMs: systemClock.wallMs() })
  const untilMs = options.seconds === undefined ? undefined : startMs + options.seconds * 1_000
  const figures = () => ({ ...publisher.stats(), skipped: pacer.skipped() })

  let updatedMs = startMs
  const timer = setInterval(() => {
    const nowMs = systemClock.nowMs()
    progress.update(figures(), nowMs - updatedMs)
    updatedMs = nowMs
  }, PROGRESS_MS)
  await runSimulation({ site, publisher, pacer, clock: systemClock, signal: stop.signal, untilMs })
  clearInterval(timer)

  const elapsedMs = systemClock.nowMs() - startMs
  const final = await publisher.end()
  progress.end(totalsLine({ ...final, skipped: pacer.skipped() }, elapsedMs))
}
