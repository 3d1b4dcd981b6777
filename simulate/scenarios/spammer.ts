import { nextJobNonce } from '../../registry/jobBook.ts'
import { basePriceOf } from '../../registry/prices.ts'
import type { Scenario } from '../scenario.ts'
import { coin, ordinaryJob } from '../setting.ts'
import { mine } from './validator.ts'

const account = mine(1)
const budget = 100_000n * coin

export const spammer: Scenario = {
  name: 'spammer',
  about:
    'fills the queue with the smallest jobs and cancels them; each costs the open fee and 1 % of the escrow, and waiting jobs of a better price go first',
  adversary: async ({ sim }) => {
    sim.endow(account, budget)
    sim.addActor(async ({ world, params }, height) => {
      if (height % 3n !== 0n) return
      const price = await basePriceOf(world, params)
      const job = ordinaryJob(account, await nextJobNonce(world, account), price)
      await sim.open({ ...job, layers: [784, 1, 10], steps: 1, leaseSteps: 1, batch: 1 }, height)
    })
    return [account]
  },
  honest: async ({ sim }) => {
    sim.endow(account, budget)
    return [account]
  },
}
