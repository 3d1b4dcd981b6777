import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { startHeight, step } from '../../consensus/machine.ts'
import { replayHeight } from '../../consensus/replay.ts'
import { forks, withMutantMachine } from './mutants.ts'
import type { Machine } from './scenario.ts'
import { planOfSeven, plansOfFour } from './twinPlans.ts'
import { runTwins, type TwinPlan } from './twins.ts'

/** One plan of three rounds of so many is run; `WAGGLE_TWINS_EVERY=1` runs all. */
const every = Number(process.env.WAGGLE_TWINS_EVERY ?? 509)
/** Plans of seven nodes: `WAGGLE_TWINS_SEEDS=100000`. */
const seeds = Number(process.env.WAGGLE_TWINS_SEEDS ?? 60)
const patience = 60_000 + Math.floor(2_000_000 / every) + 20 * seeds

const real: Machine = { startHeight, step, replayHeight }

describe('twins', { timeout: patience }, () => {
  for (const [rounds, one] of [
    [1, 1],
    [2, Math.min(every, 5)],
    [3, every],
  ] as const)
    it(`agree and go on after every split of ${rounds} rounds: four nodes, one of them twice`, () => {
      let runs = 0
      for (const plan of plansOfFour(rounds, one)) {
        runs++
        assert.equal(runTwins(real, plan), null, JSON.stringify(plan))
      }
      assert.ok(runs > 15)
      if (process.env.WAGGLE_FIGURES) process.stdout.write(`${rounds} rounds: ${runs} plans\n`)
    })

  it('agree and go on: seven nodes, two of them twice', () => {
    for (let seed = 0; seed < seeds; seed++)
      assert.equal(runTwins(real, planOfSeven(seed)), null, `seed ${seed}`)
  })

  for (const mutation of [forks.neverLocks!, forks.simpleMajority!])
    it(`fork with a planted bug: ${mutation.name}`, () =>
      withMutantMachine(mutation, (mutant) => {
        const isForked = (plan: TwinPlan) => runTwins(mutant, plan)?.startsWith('agreement')
        assert.ok([...plansOfFour(2, 1)].some(isForked))
      }))
})
