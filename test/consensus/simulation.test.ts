import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { planOf } from './simulation/plan.ts'
import { simulate } from './simulation/simulate.ts'

/** Replay one schedule with `WAGGLE_SEED=n`, run more with `WAGGLE_SCHEDULES=n`. */
const only = process.env.WAGGLE_SEED
const schedules = Number(process.env.WAGGLE_SCHEDULES ?? 240)
const seeds = only === undefined ? Array.from({ length: schedules }, (_, i) => i) : [Number(only)]

const heights = 3
const patience = 120_000

describe('simulated consensus', () => {
  it('agrees through loss, delay, partitions, crashes and lies, and goes on after the heal', () => {
    for (const seed of seeds) {
      const { live, abstentions } = simulate(planOf(seed), heights, patience)
      assert.ok(live, `seed ${seed}: no ${heights} heights within ${patience} ms of the heal`)
      assert.equal(abstentions, 0, `seed ${seed}: a crash lost what was signed`)
    }
  })

  it('convicts liars and nobody else', () => {
    let convictions = 0
    const withLiars = seeds.map(planOf).filter(({ liars }) => liars.length > 0)
    for (const plan of withLiars.slice(0, 60)) {
      const { convicted } = simulate(plan, heights, patience)
      for (const culprit of convicted)
        assert.ok(plan.liars.includes(culprit), `seed ${plan.seed}: ${culprit} is honest`)
      convictions += Math.min(convicted.size, 1)
    }
    if (only === undefined) assert.ok(convictions > 50, `${convictions} of 60 runs convicted`)
  })

  it('is the same run for the same seed', () => {
    assert.deepEqual(simulate(planOf(7), heights, patience), simulate(planOf(7), heights, patience))
  })

  it('does without a crashed node, within a second and a half a height', () => {
    for (const powers of [
      [1n, 1n, 1n, 1n],
      [1n, 1n, 1n, 1n, 1n, 1n, 1n],
    ]) {
      const quiet = { liars: [], healAt: 0, maxDelay: 1, troubleEvery: 1_000 }
      const plan = { seed: 1, powers, dead: [1], partitions: false, restarts: false, ...quiet }
      const outcome = simulate(plan, 12, patience)
      assert.ok(outcome.live)
      assert.ok(outcome.recovery < 12 * 1_500, `${outcome.recovery} ms`)
    }
  })
})
