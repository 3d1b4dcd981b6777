import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { blameForFork } from './simulation/blame.ts'
import { planOf, type Strategy, strategies } from './simulation/plan.ts'
import { simulate } from './simulation/simulate.ts'

/** Replay one schedule with `WAGGLE_SEED=n`; run more with `WAGGLE_SCHEDULES=n`, from `WAGGLE_FROM=n` on. */
const only = process.env.WAGGLE_SEED
const schedules = Number(process.env.WAGGLE_SCHEDULES ?? 2_000)
const from = Number(process.env.WAGGLE_FROM ?? 0)
const seeds =
  only === undefined ? Array.from({ length: schedules }, (_, i) => from + i) : [Number(only)]

const heights = 3
const patience = 120_000

describe('simulated consensus', { timeout: 120_000 + 40 * schedules }, () => {
  it('agrees through loss, delay, partitions, crashes and lies, and goes on after the heal', () => {
    const doers = new Map<Strategy, number>()
    const convictions = new Map<Strategy, number>()
    for (const seed of seeds) {
      const plan = planOf(seed)
      const { live, abstentions, convicted, lies } = simulate(plan, heights, patience)
      const replay = `WAGGLE_SEED=${seed} npx vitest run test/consensus/simulation.test.ts`
      assert.ok(live, `no ${heights} heights within ${patience} ms of the heal: ${replay}`)
      assert.equal(abstentions, 0, `a crash lost what was signed: ${replay}`)
      if (plan.liars.length === 0) continue
      count(doers, plan.strategy, Math.min(1, lies))
      count(convictions, plan.strategy, Math.min(1, convicted.size))
    }
    if (only !== undefined) return
    for (const strategy of strategies)
      assert.ok((doers.get(strategy) ?? 0) > schedules / 40, `${strategy} hardly acted`)
    const [doubles, found] = [doers.get('double')!, convictions.get('double')!]
    assert.ok(found > 0.8 * doubles, `${found} of ${doubles} double voters were convicted`)
  })

  it('names liars with a third of the power if they fork the chain', () => {
    let forks = 0
    for (let seed = 0; seed < 60 && forks < 6; seed++) {
      const plan = planOf(seed)
      const powers = [1n, 1n, 1n, 1n]
      const liars = [0, 1]
      const trouble = { dead: [], restarts: false, partitions: true, strategy: 'double' } as const
      const { fork, log } = simulate({ ...plan, powers, liars, ...trouble }, 10, patience, true)
      if (fork === null) continue
      forks++
      const blame = blameForFork(powers, fork, log)
      assert.ok(blame.ok, `seed ${seed}: ${JSON.stringify(blame.ok || blame.fault.code)}`)
      const { culprits, power, total } = blame.value
      assert.ok(3n * power > total)
      assert.ok(
        culprits.every((place) => liars.includes(place)),
        `seed ${seed}`,
      )
    }
    assert.ok(forks >= 3, `${forks} forks in 60 runs`)
  })

  it('is the same run for the same seed', () => {
    assert.deepEqual(simulate(planOf(7), heights, patience), simulate(planOf(7), heights, patience))
  })

  it('does without a crashed node, within a second and a half a height', () => {
    for (const powers of [
      [1n, 1n, 1n, 1n],
      [1n, 1n, 1n, 1n, 1n, 1n, 1n],
    ]) {
      const quiet = {
        liars: [],
        strategy: 'double' as const,
        skew: 0,
        healAt: 0,
        maxDelay: 1,
        troubleEvery: 1_000,
      }
      const plan = {
        seed: 1,
        powers,
        dead: [1],
        partitions: false,
        restarts: false,
        ...quiet,
      } as const
      const outcome = simulate(plan, 12, patience)
      assert.ok(outcome.live)
      assert.ok(outcome.recovery < 12 * 1_500, `${outcome.recovery} ms`)
    }
  })
})

function count(counts: Map<Strategy, number>, strategy: Strategy, by: number): void {
  counts.set(strategy, (counts.get(strategy) ?? 0) + by)
}
