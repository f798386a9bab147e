// `npm run bench`: measures what README and bench/README.md say. The benches are beside this file.
import '../tools/programs/extensions.ts'
import { BENCHES } from './benches.ts'
import { machineFacts } from './support/machine.ts'
import type { BenchOptions } from './support/bench.ts'
import { readOptions } from './support/options.ts'

const WRONG_OPTIONS = 2

const options = readOptions(process.argv.slice(2))
if ('text' in options) {
  const output = options.wrong ? process.stderr : process.stdout
  output.write(options.text)
  process.exitCode = options.wrong ? WRONG_OPTIONS : 0
}
else {
  await run(options)
}

async function run(options: BenchOptions) {
  // With `--json` the standard output holds the figures and nothing else.
  const output = options.json ? process.stderr : process.stdout
  const say = (line: string) => void output.write(`${line}\n`)
  const machine = machineFacts()
  machine.forEach(say)
  const figures: Record<string, object> = {}
  for (const [name, { load }] of Object.entries(BENCHES)) {
    if (options.names.length > 0 && !options.names.includes(name)) continue
    const bench = await load()
    figures[name] = await bench(options, say)
  }
  if (options.json) process.stdout.write(`${JSON.stringify({ at: new Date().toISOString(), machine, ...figures }, null, 2)}\n`)
}
