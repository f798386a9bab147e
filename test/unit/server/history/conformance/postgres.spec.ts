import { describe } from 'vitest'
import { conformsBeside } from './beside'
import { conformsInNumbers } from './numbers'
import { conformsInThePast } from './past'
import { hasPostgres, usePostgres } from './postgres-place'
import { conformsInSamples } from './samples'

describe.skipIf(!hasPostgres)('PostgreSQL', () => {
  const { makePlace } = usePostgres()
  describe.each([true, false])('with partitions: %s', (partitions) => {
    const inSchema = () => makePlace({ partitions })
    conformsInSamples(inSchema)
    conformsInThePast(inSchema)
    conformsInNumbers(inSchema)
    conformsBeside(inSchema)
  })
})
