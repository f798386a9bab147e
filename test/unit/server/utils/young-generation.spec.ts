import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'

const MOST_MIB = 16
const MODULE = new URL('../../../../server/utils/young-generation.ts', import.meta.url)
/** Makes garbage of which some lives on for a while, as messages do; tells how large the young generation is then, in MiB. */
const CHURN = `
import { getHeapSpaceStatistics } from 'node:v8'
let kept = []
for (let i = 0; i < 2e6; i++) {
  kept.push({ i, text: String(i) })
  if (kept.length > 50_000) kept = kept.slice(25_000)
}
console.log(getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space').space_size / 1_048_576)
`

async function churn(before = ''): Promise<number> {
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', before + CHURN])
  return Number(stdout)
}

describe('keepYoungGenerationSmall', () => {
  it('stops its growth', async () => {
    expect(await churn(`import { keepYoungGenerationSmall } from '${MODULE}'; keepYoungGenerationSmall();`)).toBeLessThanOrEqual(MOST_MIB)
    expect(await churn()).toBeGreaterThan(MOST_MIB)
  })
})
