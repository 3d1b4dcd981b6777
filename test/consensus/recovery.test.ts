import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { Step } from '../../consensus/machineState.ts'
import { timeoutMs } from '../../consensus/timeouts.ts'
import { SeededRandom } from '../../primitives/random.ts'
import { nameOf, params } from './fixtures.ts'
import type { Plan } from './simulation/plan.ts'
import { simulate } from './simulation/simulate.ts'

/** As in genesis.json. */
const timeouts = {
  ...params,
  proposeTimeoutMs: 3_000,
  prevoteTimeoutMs: 1_000,
  precommitTimeoutMs: 1_000,
  timeoutGrowthMs: 500,
}

/** Schedules of each kind and size; `WAGGLE_RECOVERIES=n` runs more. */
const count = Number(process.env.WAGGLE_RECOVERIES ?? 8)

function planOf(size: number, seed: number, changes: Partial<Plan>): Plan {
  const random = new SeededRandom('recovery', nameOf(`${size} ${seed}`))
  const cutAt = 500 + random.below(1_500)
  return {
    seed,
    powers: Array.from({ length: size }, () => 1n),
    liars: [],
    strategy: 'double',
    dead: [],
    healAt: cutAt + 1_000 + random.below(20_000),
    maxDelay: 120,
    troubleEvery: 500 + random.below(2_000),
    partitions: false,
    restarts: false,
    skew: 0,
    cutAt,
    timeouts,
    ...changes,
  }
}

/** The slowest recovery of many runs, in propose timeouts of the round that was current at the heal. */
function slowest(size: number, changes: Partial<Plan>): number {
  let worst = 0
  for (let seed = 0; seed < count; seed++) {
    const { live, recovery, roundAtHeal } = simulate(planOf(size, seed, changes), 1, 120_000)
    assert.ok(live, `${size} nodes, seed ${seed}`)
    worst = Math.max(worst, recovery / timeoutMs(timeouts, Step.Propose, roundAtHeal))
  }
  return worst
}

describe.each([4, 7, 16])(
  '%i nodes decide within two timeouts of the round current at the heal',
  (size) => {
    it('when all links were cut', () => {
      const worst = slowest(size, {})
      assert.ok(worst <= 2, `${worst} timeouts`)
    })

    it('when messages were lost, parts of the network were cut off, and rounds have drifted apart', () => {
      const worst = slowest(size, { cutAt: undefined, partitions: true })
      assert.ok(worst <= 2, `${worst} timeouts`)
    })
  },
)
