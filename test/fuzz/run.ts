// `npm run fuzz`: odd things for the built server, see `options.ts`.
import '../../tools/programs/extensions.ts'

const WRONG_OPTIONS = 2
const { readOptions } = await import('./options')
const options = readOptions(process.argv.slice(2))
if ('text' in options) {
  process[options.isWrong ? 'stderr' : 'stdout'].write(options.text)
  process.exitCode = options.isWrong ? WRONG_OPTIONS : 0
}
else {
  const { fuzz } = await import('./fuzz')
  const faults = await fuzz(options, line => void process.stdout.write(`${line}\n`))
  process.exitCode = faults > 0 ? 1 : 0
}
