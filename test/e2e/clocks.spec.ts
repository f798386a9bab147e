// What people see is what the device said last, whatever any clock says: one table of cases, each with state, history and mark.
import { describe, expect, it, onTestFinished } from 'vitest'
import { DoctorSchema } from '#shared/schemas/doctor'
import type { DeviceState } from '#shared/schemas/device'
import { startPostgres } from '../../tools/programs/postgres'
import { openClockSite } from './support/clock-site'
import { mosquitto, postgres } from './support/dependencies'
import { connectStream } from './support/stream'
import { until } from './support/until'

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
/** A moment ago: a time that is that of the receipt to the millisecond says no more than none. */
const NOW = -50

/** What a device says one after the other, each with the time it claims: milliseconds from now, or a text; `wait`: so long before. */
interface Said { door: string, ts?: number | string, seq?: number, wait?: number }
interface Case {
  name: string
  said: Said[]
  shown: string
  clock: DeviceState['clock']
  /** How many samples the history has of the last day and the next hour, or more days. */
  samples: number
  days?: number
}

function every(count: number, make: (n: number) => Said): Said[] {
  return Array.from({ length: count }, (_, n) => make(n))
}
const right = (door = 'closed') => every(4, n => ({ door, ts: -(4 - n) * MINUTE }))

const CASES: Case[] = [
  { name: 'right', said: [...right(), { door: 'open', ts: NOW }], shown: 'open', clock: 'ok', samples: 5 },
  { name: 'behind by two hours', said: every(3, n => ({ door: `${n}`, ts: -2 * HOUR })), shown: '2', clock: 'wrong', samples: 3 },
  { name: 'ahead by two hours', said: every(3, n => ({ door: `${n}`, ts: 2 * HOUR })), shown: '2', clock: 'wrong', samples: 3 },
  { name: 'lost, 1970', said: [...right(), { door: 'open', ts: '1970-01-01T00:00:09Z' }], shown: 'open', clock: 'wrong', samples: 5 },
  { name: 'lost, 2000', said: [...right(), { door: 'open', ts: '2000-01-01T00:01:30Z' }], shown: 'open', clock: 'wrong', samples: 5 },
  { name: 'lost, 2014', said: [...right(), { door: 'open', ts: '2014-12-31T23:59:59Z' }], shown: 'open', clock: 'wrong', samples: 5 },
  { name: 'lost and found', said: [{ door: 'open', ts: '1970-01-01T00:00:09Z' }, { door: 'closed', ts: NOW }], shown: 'closed', clock: 'ok', samples: 2 },
  { name: 'steps back by minutes', said: [...right(), { door: 'open', ts: -8 * MINUTE }], shown: 'open', clock: 'ok', samples: 5 },
  { name: 'steps back by hours', said: [...right(), { door: 'open', ts: -5 * HOUR }], shown: 'open', clock: 'wrong', samples: 5 },
  {
    name: 'steps back and goes on',
    said: [...right(), ...every(3, n => ({ door: `${n}`, ts: -5 * HOUR, wait: 300 }))],
    shown: '2', clock: 'wrong', samples: 7,
  },
  {
    name: 'steps forward and back',
    said: [...right(), { door: 'ahead', ts: 3 * MINUTE }, { door: 'open', ts: NOW, wait: 50 }],
    shown: 'open', clock: 'ok', samples: 6,
  },
  {
    name: 'backlog behind live messages',
    said: [...right(), { door: 'live', ts: NOW }, ...every(40, n => ({ door: `${n}`, ts: -3 * HOUR + n * MINUTE }))],
    shown: 'live', clock: 'ok', samples: 45,
  },
  {
    name: 'backlog before live messages',
    said: [...every(40, n => ({ door: `${n}`, ts: -3 * HOUR + n * MINUTE })), { door: 'live', ts: NOW }],
    shown: 'live', clock: 'ok', samples: 41,
  },
  {
    name: 'backlog of three weeks ago',
    said: [{ door: 'live', ts: NOW }, ...every(10, n => ({ door: `${n}`, ts: -21 * DAY + n * MINUTE }))],
    shown: 'live', clock: 'ok', samples: 11, days: 30,
  },
  { name: 'overtaken', said: [{ door: 'a', ts: -6 * SECOND }, { door: 'c', ts: -2 * SECOND }, { door: 'b', ts: -4 * SECOND }], shown: 'c', clock: 'ok', samples: 3 },
  { name: 'without a time', said: [...right(), { door: 'open' }], shown: 'open', clock: 'ok', samples: 5 },
  { name: 'without a time after one ahead', said: [{ door: 'closed', ts: 4 * MINUTE }, { door: 'open' }], shown: 'open', clock: 'ok', samples: 2 },
  { name: 'a door that speaks rarely', said: [{ door: 'closed', ts: -DAY + HOUR }, { door: 'open', ts: -2 * DAY, wait: 100 }], shown: 'open', clock: 'wrong', samples: 2, days: 3 },
  { name: 'numbered, clock lost', said: [{ door: 'closed', ts: NOW, seq: 7 }, { door: 'open', ts: -6 * HOUR, seq: 8 }], shown: 'open', clock: 'wrong', samples: 2 },
  { name: 'numbered, late', said: [{ door: 'open', ts: NOW, seq: 8 }, { door: 'closed', ts: -MINUTE, seq: 7 }], shown: 'open', clock: 'ok', samples: 2 },
]

const STORES = {
  'SQLite': async () => ({}),
  'PostgreSQL': async () => ({ NUXT_DATABASE_URL: await database() }),
  'PostgreSQL, as one of several replicas': async () => ({ NUXT_DATABASE_URL: await database(), NUXT_CLUSTER: 'true', NUXT_ACCOUNTS_OPEN: 'true' }),
}

async function database(): Promise<string> {
  const started = await startPostgres()
  onTestFinished(() => started.remove())
  return started.url
}

describe.skipIf(!mosquitto)('a table of clocks', () => {
  it.each(Object.entries(STORES).filter(([name]) => postgres || name === 'SQLite'))('is shown, stored and marked alike with %s, also after a restart', async (_, env) => {
    const site = await openClockSite(await env())
    await site.start()
    const stream = await connectStream(site.app().url)
    const nameOf = (i: number) => `case-${i}`
    const deadline: Promise<void>[] = []
    for (const [i, { said }] of CASES.entries()) {
      deadline.push((async () => {
        for (const { door, ts, seq, wait } of said) {
          if (wait) await new Promise(resolve => setTimeout(resolve, wait))
          await site.say(nameOf(i), { door }, ts, seq === undefined ? {} : { seq })
        }
      })())
    }
    await Promise.all(deadline)

    async function judged() {
      return Promise.all(CASES.map(async ({ name, days = 1 }, i) => {
        const { values, clock } = await site.state(nameOf(i))
        const from = new Date(Date.now() - days * DAY).toISOString()
        const to = new Date(Date.now() + HOUR).toISOString()
        const { points } = await site.history(nameOf(i), 'door', `&resolution=raw&limit=1000&from=${from}&to=${to}`)
        return { name, shown: values.door?.value, clock, samples: points.length }
      }))
    }
    const expected = CASES.map(({ name, shown, clock, samples }) => ({ name, shown, clock, samples }))
    await until(async () => JSON.stringify(await judged()) === JSON.stringify(expected) || undefined, 'every case').catch(() => undefined)
    expect(await judged()).toEqual(expected)

    // Page, doctor and filter agree: all of them go by the same field.
    const { checks } = DoctorSchema.parse(await site.app().get('/api/doctor'))
    expect(checks.find(({ check }) => check === 'clocks')?.facts.count).toBe(CASES.filter(({ clock }) => clock === 'wrong').length)
    // Somebody who knows only the added field finds out as well.
    const backlog = CASES.findIndex(({ name }) => name === 'backlog behind live messages')
    const late = stream.events.flatMap(event => event.type === 'telemetry' && event.data.deviceId === nameOf(backlog) && event.data.late ? [event.data] : [])
    expect(late).toHaveLength(40)

    await site.restart()
    expect(await judged()).toEqual(expected)
    await site.restart('SIGKILL')
    expect(await judged()).toEqual(expected)
  })

  it('takes a retained message for what it is: old, and no sign of life', async () => {
    const site = await openClockSite()
    await site.say('cellar', { tempC: 1 }, -3 * HOUR, {}, true)
    await site.start()
    const replayed = await site.untilState('cellar', ({ values }) => values.tempC?.value === 1)
    expect(replayed).toMatchObject({ clock: 'ok', presence: 'unknown' })
    // Said since, and not retained: what the broker keeps is older than that.
    await site.say('cellar', { tempC: 2 }, -5 * HOUR)
    await site.untilState('cellar', ({ values, clock }) => values.tempC?.value === 2 && clock === 'wrong')
    await site.restart()
    await site.say('cellar', { humidity: 3 })
    const known = await site.untilState('cellar', ({ values }) => values.humidity?.value === 3)
    expect(known.clock).toBe('wrong')
    expect(known.values.tempC?.value).toBe(2)
  })

  it('does not call a clock wrong because the server was away', async () => {
    const site = await openClockSite()
    await site.start()
    await site.say('porch', { door: 'closed' }, 0)
    await site.untilState('porch', ({ values }) => values.door?.value === 'closed')
    await site.app().stop()
    await site.say('porch', { door: 'open' }, 5)
    // Two hours later it is told what came meanwhile.
    site.setClock(2 * HOUR)
    await site.start()
    await site.untilState('porch', ({ values }) => values.door?.value === 'open')
    expect((await site.state('porch')).clock).toBe('ok')
  })
})

describe.skipIf(!mosquitto)('a clock that states speak of', () => {
  it('is marked alike', async () => {
    const site = await openClockSite()
    await site.start()
    await site.sayState('ahead', 'online', 2 * HOUR)
    await site.sayState('behind', 'online', -2 * HOUR)
    await site.sayState('right', 'online', 0)
    await site.say('right', { x: 1 }, 0)
    // A last will is as old as the connection.
    await site.sayState('right', 'offline', -2 * HOUR)
    const clocks = async () => Promise.all(['ahead', 'behind', 'right'].map(async name => (await site.state(name)).clock))
    await site.untilState('right', ({ state }) => state?.status === 'offline')
    expect(await clocks()).toEqual(['wrong', 'wrong', 'ok'])
    const { checks } = DoctorSchema.parse(await site.app().get('/api/doctor'))
    expect(checks.find(({ check }) => check === 'clocks')).toMatchObject({ code: 'clocks-wrong', facts: { count: 2, devices: expect.arrayContaining(['ahead', 'behind']) } })
  })
})

describe.skipIf(!mosquitto)('the clock of the server', () => {
  it('set back freezes nothing, and is said, also over a restart', async () => {
    const site = await openClockSite()
    const app = await site.start()
    const door = async () => (await site.state('shed')).values.door?.value
    const becomes = (value: string) => site.untilState('shed', ({ values }) => values.door?.value === value)
    await site.say('shed', { door: 'closed' })
    await becomes('closed')
    site.setClock(-3 * HOUR)
    await site.say('shed', { door: 'open' })
    await becomes('open')
    const { clock } = await app.health()
    expect(clock?.setBackSeconds).toBeGreaterThan(3 * 3_600 - 60)
    expect(app.output()).toContain('was set back by')
    expect((await site.state('shed')).presence).toBe('live')

    await site.restart()
    expect(await door()).toBe('open')
    await site.app().stop()
    site.setClock(-9 * HOUR)
    const again = await site.start()
    expect(await door()).toBe('open')
    await site.say('shed', { door: 'closed' })
    await becomes('closed')
    expect((await again.health()).clock?.setBackSeconds).toBeGreaterThan(5 * 3_600)
    const { checks } = DoctorSchema.parse(await again.get('/api/doctor'))
    expect(checks.find(({ check }) => check === 'clocks')).toMatchObject({ code: 'clocks-server-set-back' })

    // Set right again.
    site.setClock(0)
    await site.say('shed', { door: 'ajar' })
    await becomes('ajar')
    await site.say('shed', { door: 'closed' }, 0)
    await becomes('closed')
    expect(await site.state('shed')).toMatchObject({ clock: 'ok' })
  })

  it('set back by a little stands still instead', async () => {
    const site = await openClockSite()
    const app = await site.start()
    for (const [n, off] of [0, -90 * SECOND, -30 * SECOND, 0].entries()) {
      site.setClock(off)
      await site.say('shed', { n })
      await site.untilState('shed', ({ values }) => values.n?.value === n)
    }
    const { points } = await site.history('shed', 'n', '&resolution=raw')
    expect(points.map(point => Array.isArray(point) && point[1])).toEqual([0, 1, 2, 3])
    expect((await app.health()).clock).toBeNull()
    expect((await site.state('shed')).presence).toBe('live')
  })
})

describe.skipIf(!mosquitto)('the last word on a state topic', () => {
  it('is what came last, live, to a server that has just started, and after a restart', async () => {
    const site = await openClockSite()
    await site.start()
    await site.sayState('pump', 'online', 0)
    await site.say('pump', { rpm: 1_450 })
    // As a broker does with a last will: it was written when the device connected.
    await site.sayState('pump', 'offline', -HOUR)
    const agrees = async () => {
      const { presence, state } = await site.state('pump')
      return { presence, status: state?.status }
    }
    await site.untilState('pump', ({ presence }) => presence === 'offline')
    expect(await agrees()).toEqual({ presence: 'offline', status: 'offline' })
    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      await site.restart(signal)
      expect(await agrees()).toEqual({ presence: 'offline', status: 'offline' })
    }
    // Said while nobody listened: the broker keeps only the last word.
    await site.app().stop()
    await site.sayState('pump', 'maintenance', -2 * HOUR)
    await site.start()
    await site.untilState('pump', ({ state }) => state?.status === 'maintenance')
    expect((await agrees()).presence).not.toBe('offline')
  })
})
