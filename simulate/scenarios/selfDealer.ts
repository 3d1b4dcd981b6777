import { hashOf } from '../../primitives/hash.ts'
import { registerDataset } from '../../registry/datasets.ts'
import { nextJobNonce } from '../../registry/jobBook.ts'
import { basePriceOf } from '../../registry/prices.ts'
import { honest } from '../conduct.ts'
import type { Scenario } from '../scenario.ts'
import { coin, ordinaryJob, stakeGwei } from '../setting.ts'
import { honestValidator, me, mine } from './validator.ts'

/** A model that only the dealer accepts: wider than ordinary workers take. */
const layers = [784, 1_300, 10]
const rows = hashOf('waggle/simulate/ownRows')
const [customer, owner] = [mine(1), mine(2)]

export const selfDealer: Scenario = {
  name: 'self-dealer',
  about:
    'pays itself: submits jobs that only it will take, with unlinked keys and its own dataset, and trains them at no cost, for work, reputation and emission; at best 95 of 100 come back',
  adversary: async ({ sim }) => {
    await sim.addValidator(me, stakeGwei, { ...honest, maxParams: 1n << 40n })
    sim.endow(customer, 100_000n * coin)
    let registered = false
    let free = 0n
    sim.addActor(async ({ world, params, spend, computeCost }, height) => {
      if (!registered) {
        const shape = { rows: 60_000, features: 784, classes: 10 }
        await registerDataset(world, { root: rows, title: 'own', blob: rows, owner, ...shape })
        registered = true
      }
      if (height < free) return
      free = height + 24n
      const price = await basePriceOf(world, params)
      const plain = ordinaryJob(customer, await nextJobNonce(world, customer), price)
      const job = { ...plain, layers, dataset: rows }
      const opened = await sim.open(job, height)
      // Its own work is taken to cost nothing, which flatters it.
      if (opened !== null) spend(me, -workOf(layers) * BigInt(job.steps) * computeCost)
    })
    return [me, customer, owner]
  },
  honest: honestValidator,
}

/** Multiply-accumulates of a step of 64 rows. */
function workOf([inputs = 0, hidden = 0, classes = 0]: readonly number[]): bigint {
  return 64n * BigInt(2 * inputs * hidden + 3 * hidden * classes)
}
