// A process of its own: one attack. Tells `{ ready }` at once; told `{ stop }` it tells `{ answers }` when it has ended.
import { startAssault } from './attacker.ts'
import { ATTACKS } from './attacks.ts'

/** What is slow is turned away only then. */
const PATIENCE_MS = 5_000

const [port = '', name = '', token = ''] = process.argv.slice(2)
const attack = ATTACKS[name]
if (!attack) throw new Error(`There is no attack ${name}.`)
const assault = startAssault(Number(port), attack, token)
process.on('message', () => void assault.stop(PATIENCE_MS).then(() => process.send?.({ answers: assault.answers() })))
process.send?.({ ready: true })
