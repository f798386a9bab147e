// `npm run bench`: measures what README and bench/README.md say. The benches are beside this file.
import './support/extensions.ts'
import { machineFacts } from './support/machine.ts'
import { readOptions } from './support/options.ts'

const WRONG_OPTIONS = 2

const options = readOptions(process.argv.slice(2))
if ('text' in options) {
  const output = options.wrong ? process.stderr : process.stdout
  output.write(options.text)
  process.exitCode = options.wrong ? WRONG_OPTIONS : 0
}
else {
  const say = (line: string) => void process.stdout.write(`${line}\n`)
  machineFacts().forEach(say)
  const wanted = (name: 'ingest' | 'storage') => options.names.length === 0 || options.names.includes(name)
  // Loaded here and not above: what they import of the server needs the hook in place.
  if (wanted('ingest')) await (await import('./ingest/ingest.ts')).benchIngest(options, say)
  if (wanted('storage')) (await import('./storage/storage.ts')).benchStorage(options, say)
}
