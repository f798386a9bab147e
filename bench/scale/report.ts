import { count, table, verdict } from '../support/figures.ts'
import type { Say } from '../support/bench.ts'
import type { ClusterShares, Costs } from './costs.ts'
import { mostDevices, planFor, rehearse } from './extend.ts'
import type { Fleet, Plan } from './extend.ts'
import { scenarioOf } from './fit.ts'
import { RATES } from './measure.ts'
import type { Point } from './measure.ts'
import { simulate } from './model/site.ts'
import type { Memory } from './sizes.ts'

const LOOP_TARGET = 0.15
const P50_TARGET = 0.3
const SIMULATED_SECONDS = 2.2
const FLEETS = [10_000, 1_000_000, 100_000_000].flatMap(devices => [60, 10].map(everySeconds => ({ devices, everySeconds })))
const GIGABYTE = 1e9
const micro = (seconds: number, digits = 1) => count(seconds * 1e6, digits)
const percent = (share: number) => `${share < 0 ? '−' : ''}${count(Math.abs(share) * 100)} %`

/** What was measured; CPU also as a multiple of the bare subscriber's at the same rate and QoS. */
export function reportPoints(points: readonly Point[], say: Say) {
  const bareAt = ({ qos, perSecond }: Point) => points.find(point => point.store === 'bare' && point.qos === qos && point.perSecond === perSecond)
  const rows = points.map((point) => {
    const { store, qos, perSecond, viewers, batchMs, interest, loop, cpu, brokerCpu, databaseCpu, latency } = point
    const bare = bareAt(point)
    const per = (cpu: number) => perSecond > 0 ? micro(cpu / perSecond) : ''
    const how = `${batchMs > 0 ? `, batch=${batchMs}` : ''}${interest < 1 ? ', each one device' : ''}`
    return [`${store}, QoS ${qos}`, count(perSecond), `${count(viewers)}${how}`, count(loop, 3), count(cpu, 3), per(cpu), bare && store !== 'bare' && viewers === 1 ? count(cpu / bare.cpu, 1) : '', per(brokerCpu), store === 'postgres' ? per(databaseCpu) : '', latency ? count(latency.p50Ms, 2) : '', latency ? count(latency.p99Ms, 1) : '']
  })
  say(`\n${table(['', 'messages/s', 'viewers', 'event loop', 'CPUs', 'CPU µs a message', '× bare', 'broker µs', 'database µs', 'p50 ms', 'p99 ms'], rows)}`)
}

export function reportMemory(memory: readonly Memory[], say: Say) {
  say(`\n${table(['memory, MB', 'heap', 'resident'], memory.map(({ devices, viewers, heapBytes, residentBytes }) => [`${count(devices)} devices, ${count(viewers)} viewers`, count(heapBytes / 1e6, 1), count(residentBytes / 1e6, 1)]))}`)
}

export function reportCosts(costs: Costs, say: Say) {
  const { stores } = costs
  const row = (name: string, of: (store: Costs['stores']['off']) => string) => [name, of(stores.off), of(stores.sqlite), of(stores.postgres)]
  say(`\n${table(['µs, of the event loop unless said', 'no history', 'SQLite', 'PostgreSQL'], [
    row('a message', ({ message }) => micro(message)),
    row('… and its share of collecting garbage', ({ pauseSeconds, pauseEvery }) => micro(pauseSeconds / pauseEvery)),
    row('a commit', ({ commit }) => micro(commit)),
    row('until a commit is kept, not of the event loop', ({ keepFixed }) => micro(keepFixed)),
    row('… and for each message in it', ({ keepMessage }) => micro(keepMessage)),
    row('CPU of other threads for a commit', ({ beside }) => micro(beside)),
    row('hops: outside of what is modelled', ({ hop }) => micro(hop)),
    row('broker’s CPU for a message', ({ broker }) => micro(broker)),
    row('CPU of all threads, × event loop', ({ threads }) => count(threads, 2)),
  ])}`)
  say(`\n${table(['', 'µs'], [
    ['waking up', micro(costs.wake)],
    ['to tell viewers something', micro(costs.tell)],
    ['a write to a viewer', micro(costs.viewerWrite, 2)],
    ['an event in it', micro(costs.viewerEvent, 2)],
    ['whether a viewer wants a message, where each names devices of their own', micro(costs.viewerLook, 2)],
    ['database’s CPU: a commit', micro(costs.databaseCommit)],
    ['database’s CPU: a message in it', micro(costs.databaseMessage, 2)],
  ])}`)
  say(`\n${count(costs.baseBytes / 1e6)} MB with nothing, ${count(costs.deviceBytes)} bytes a device (${count(costs.deviceHeapBytes)} in the heap), ${count(costs.viewerBytes)} a viewer; ${count(costs.diskBytes.sqlite, 1)} bytes on disk a message in SQLite, ${count(costs.diskBytes.postgres, 1)} in PostgreSQL`)
}

/** The model beside every point, those it was fitted to and those it was not. */
export function reportModel(points: readonly Point[], costs: Costs, say: Say) {
  const fitted = [RATES[0], RATES.at(-1)]
  const compared = points.filter(({ store, perSecond }) => store !== 'bare' && perSecond > 0).map((point) => {
    const outcome = simulate(scenarioOf(point), costs, SIMULATED_SECONDS)
    const measuredMs = point.latency?.p50Ms ?? Number.NaN
    return { point, outcome, isFitted: point.viewers === 1 && fitted.includes(point.perSecond), loopError: outcome.loop / point.loop - 1, p50Error: outcome.seen.p50Ms / measuredMs - 1, measuredMs }
  })
  say(`\n${table(['', 'messages/s', 'viewers', 'event loop', 'model', 'off by', 'p50 ms', 'model', 'off by', ''], compared.map(({ point, outcome, isFitted, loopError, p50Error, measuredMs }) =>
    [point.store, count(point.perSecond), `${point.viewers}${point.batchMs > 0 ? ', batch' : ''}${point.interest < 1 ? ', one device' : ''}`, count(point.loop, 3), count(outcome.loop, 3), percent(loopError), count(measuredMs, 2), count(outcome.seen.p50Ms, 2), percent(p50Error), isFitted ? 'fitted' : '']))}`)
  const within = (errors: number[], target: number) => errors.filter(error => Math.abs(error) <= target).length
  const foretold = compared.filter(({ isFitted }) => !isFitted)
  const loops = within(foretold.map(({ loopError }) => loopError), LOOP_TARGET)
  const p50s = within(foretold.map(({ p50Error }) => p50Error), P50_TARGET)
  say(`\nForetold, not fitted: event loop within ${percent(LOOP_TARGET)} in ${loops} of ${foretold.length} (${verdict(loops === foretold.length)}), p50 within ${percent(P50_TARGET)} in ${p50s} of ${foretold.length} (${verdict(p50s === foretold.length)})`)
  return { foretold: foretold.length, loopsWithin: loops, p50sWithin: p50s, compared: compared.map(({ point: { store, perSecond, viewers, batchMs, interest }, loopError, p50Error, isFitted }) => ({ store, perSecond, viewers, batchMs, interest, loopError, p50Error, isFitted })) }
}

/** Installations of every size, and the largest there is. */
export function reportPlans(costs: Costs, shares: ClusterShares, say: Say) {
  const plans = FLEETS.map(fleet => divided(fleet, costs, shares))
  // What stands in the way as the program is, and what would then.
  const found = { ...costs, viewerLook: 0 }
  const cases = [['as it is', costs, shares], ['if looking whether a viewer wants a message were free', found, shares], ['… and following cost a tenth', found, { ...shares, follow: 0.1 }]] as const
  const largest = cases.flatMap(([what, of, share]) => [60, 10].map(everySeconds => ({ what, of, share, plan: mostDevices(everySeconds, of, share) })))
  say(`\nIn a cluster taking in costs ${percent(shares.take)}, following ${percent(shares.follow)} of what a server by itself spends on a message.\n\n${table(['all devices', 'installations', ...HEADS], plans.map(({ devices, installations, plan }) => [count(devices), count(installations), ...row(plan, costs, shares)]))}`)
  say(`\nThe largest installation:\n\n${table(['', ...HEADS, 'so many for 100 million'], largest.map(({ what, of, share, plan }) => [what, ...row(plan, of, share), count(Math.ceil(100_000_000 / plan.devices))]))}`)
  return { plans, largest: largest.map(({ what, plan }) => ({ what, ...plan })) }
}

/** What is too much for one installation is divided among as many as it takes, by site: each is one by itself. */
function divided(fleet: Fleet, costs: Costs, shares: ClusterShares) {
  const whole = planFor(fleet, costs, shares)
  if (whole.fits) return { ...fleet, installations: 1, plan: whole }
  const installations = Math.ceil(fleet.devices / mostDevices(fleet.everySeconds, costs, shares).devices)
  return { ...fleet, installations, plan: planFor({ ...fleet, devices: Math.ceil(fleet.devices / installations) }, costs, shares) }
}

const HEADS = ['devices of each, a message every', 'messages/s', 'viewers', 'replicas', 'their event loops', 'brokers', 'log', 'database’s CPUs', 'memory of each, GB', 'disk a year, TB', 'device to viewer p50, p99 ms', 'gives way first']

function row(plan: Plan, costs: Costs, shares: ClusterShares): string[] {
  const outcome = plan.fits ? rehearse(plan, costs, shares) : undefined
  const { devices, everySeconds, perSecond, viewers, replicas, brokers, memoryBytes, diskBytesPerYear, databaseCpus, loads, first, fits } = plan
  return [
    `${count(devices)}, ${everySeconds} s`, count(perSecond), count(viewers), fits ? count(replicas) : `not with ${replicas}`,
    outcome ? count(outcome.loop, 2) : '', count(brokers), percent(loads.log), fits ? count(databaseCpus, 1) : '',
    count(memoryBytes / GIGABYTE, 1), count(diskBytesPerYear / 1e12, 1),
    outcome ? `${count(outcome.seen.p50Ms, 1)}, ${count(outcome.seen.p99Ms, 1)}` : '', `${first} (${percent(loads[first])})`,
  ]
}
