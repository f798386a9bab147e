import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'

const SMALL_MIB = 4
const MODULE = new URL('../../../../server/utils/young-generation.ts', import.meta.url)
/** Makes garbage of which some lives on for a while, as messages do, in turns of the event loop, for a few seconds; tells how large the young generation is then, in MiB. */
const CHURN = `
import { setTimeout as sleep } from 'node:timers/promises'
import { getHeapSpaceStatistics } from 'node:v8'
let kept = []
for (let turn = 0; turn < 2_000; turn++) {
  for (let i = 0; i < 2_000; i++) {
    kept.push({ i, text: String(i) })
    if (kept.length > 200_000) kept = kept.slice(100_000)
  }
  await sleep(1)
}
console.log(getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space').space_size / 1_048_576)
`

async function churn(before = ''): Promise<number> {
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', before + CHURN])
  return Number(stdout)
}

const fitting = (received: string) => churn(`import { fitYoungGeneration } from '${MODULE}'; fitYoungGeneration(${received});`)

describe('the young generation', () => {
  it('stays small while there are few messages, grows with many, and not without end', async () => {
    const [small, busy, unbounded] = await Promise.all([fitting('() => 0'), fitting('() => performance.now() * 100'), churn()])
    expect(small).toBeLessThanOrEqual(SMALL_MIB)
    expect(busy).toBeGreaterThan(SMALL_MIB)
    expect(unbounded).toBeGreaterThan(busy)
  })
})
