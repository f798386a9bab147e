// Says case after case to the server until the time is over: what failed before, then new ones, kind after kind. What fails is made
// as small as it can be, told, and kept.
import * as fc from 'fast-check'
import { inWords } from './cases'
import type { Case } from './cases'
import { keepFinding, readFindings } from './findings'
import { DocumentSchema, httpCases, routesOf } from './http-cases'
import { judgeMemory, watchMemory } from './memory'
import { mqttCases } from './mqtt-cases'
import type { FuzzOptions } from './options'
import { createSayer } from './say'
import type { Sayer } from './say'
import { startSite } from './site'
import type { Site } from './site'
import { bytesCases, socketCases } from './socket-cases'

type Say = (line: string) => void

/** Cases of each kind in a round. */
const IN_A_ROUND: Record<Case['kind'], number> = { mqtt: 40, http: 60, bytes: 10, socket: 10 }
const MOST_SEED = 2 ** 31
/** Making a failed case smaller may take so long. */
const SHRINK_MS = 60_000
const MOST_TOLD = 400
const MOST_KEY_LENGTH = 80
/** Enough to work on. */
const MOST_FINDINGS = 10

/** How much went wrong. */
export async function fuzz({ seconds, seed = Math.floor(Math.random() * MOST_SEED), only }: FuzzOptions, say: Say): Promise<number> {
  say(`Fuzzing for ${seconds} s with --seed ${seed}`)
  const end = Date.now() + seconds * 1_000
  const site = await startSite()
  try {
    const document = DocumentSchema.parse(await (await fetch(`${site.app().url}/api/openapi.json`, { headers: { cookie: site.cookie() } })).json())
    const routes = routesOf(document)
    const events = routes.find(({ key }) => key === 'get /api/events')
    if (!events) throw new Error('The server’s document has no event stream.')
    const sayer = createSayer(site, routes)
    const found = await replay(sayer, say)
    const cases: Record<Case['kind'], fc.Arbitrary<Case>> = { mqtt: mqttCases(), http: httpCases(routes, document.components.schemas), bytes: bytesCases(), socket: socketCases(events) }
    const memory = watchMemory(() => site.app().process)
    for (let round = 0; Date.now() < end && found.size < MOST_FINDINGS; round++) {
      for (const kind of only) {
        if (Date.now() >= end) break
        await runRound({ kind, cases: cases[kind], seed: (seed + round) % MOST_SEED, sayer, found, say })
      }
    }
    memory.stop()
    say(`Answers: ${sayer.answers()}`)
    return found.size + reportMemory(memory.looks(), say) + await leave(site, say)
  }
  finally {
    if (site.isAlive()) await site.stop()
  }
}

async function replay(sayer: Sayer, say: Say): Promise<Map<string, Case>> {
  const found = new Map<string, Case>()
  const findings = readFindings()
  for (const { file, case: kept } of findings) {
    const faults = await sayer.say(kept)
    if (faults.length === 0) continue
    found.set(file, kept)
    say(`FAILED again: ${file}\n  ${inWords(kept)}\n  ${faults.join('\n  ')}`)
  }
  say(`${findings.length} cases that had failed once: ${found.size} fail`)
  return found
}

interface Round { kind: Case['kind'], cases: fc.Arbitrary<Case>, seed: number, sayer: Sayer, found: Map<string, Case>, say: Say }

async function runRound({ kind, cases, seed, sayer, found, say }: Round) {
  const property = fc.asyncProperty(cases, async (said) => {
    const faults = await sayer.say(said)
    if (faults.length > 0) throw new Error(faults.join('\n'))
  })
  const { failed, counterexample, errorInstance } = await fc.check(property, { seed, numRuns: IN_A_ROUND[kind], interruptAfterTimeLimit: SHRINK_MS })
  const [smallest] = counterexample ?? []
  if (!failed || !smallest) return
  const what = (errorInstance instanceof Error ? errorInstance.message : String(errorInstance)).replaceAll(`${process.cwd()}/`, '')
  // Where it was thrown, or how it begins: the same again is not kept again.
  const key = /\n\s+at (.*)/.exec(what)?.[1] ?? what.slice(0, MOST_KEY_LENGTH)
  if (found.has(key)) return
  const file = keepFinding({ what: what.slice(0, MOST_TOLD), seed, case: smallest })
  found.set(key, smallest)
  say(`FAILED, with --seed ${seed} --only ${kind}; kept as ${file}\n  ${inWords(smallest)}\n  ${what.replaceAll('\n', '\n  ')}`)
}

function reportMemory(looks: readonly number[], say: Say): number {
  const verdict = judgeMemory(looks)
  if (!verdict) {
    say('Memory: too short a time to judge it')
    return 0
  }
  const { secondMb, lastMb, mostMb, isFlat } = verdict
  say(`Held in memory: ${secondMb.toFixed(0)} MB in the second quarter of the time, ${lastMb.toFixed(0)} MB in the last (at most ${mostMb.toFixed(0)}): ${isFlat ? 'flat' : 'FAILED, it grows'}`)
  return isFlat ? 0 : 1
}

/** It must still end as it should. */
async function leave(site: Site, say: Say): Promise<number> {
  const code = await site.stop()
  if (code !== 0) say(`FAILED: the server ended with code ${code}`)
  return code === 0 ? 0 : 1
}
