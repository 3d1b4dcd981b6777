import { drawSubsets, shareByValue, subsetsToTrain, valuesOf } from '../../registry/dataValue.ts'
import { splitFee } from '../../registry/formulas.ts'
import { nextJobNonce } from '../../registry/jobBook.ts'
import { basePriceOf } from '../../registry/prices.ts'
import { createDice } from '../dice.ts'
import type { Scenario } from '../scenario.ts'
import { coin, datasetRoot, ordinaryJob } from '../setting.ts'
import type { Simulation } from '../simulation.ts'
import { me } from './validator.ts'

/** Owner of the databases that teach next to nothing. */
const owner = me
/** Rows of the databases that customers train on, together with the owner's. */
const large = [30_000, 20_000, 10_000] as const
/** What the owner adds: a few rows, rows of noise, or a few rows each under four unlinked names. */
const offers = [[40], [0], [10, 10, 10, 10]] as const
/** Rounds of a valuation, blocks between two, and steps of the jobs that they train. */
const rounds = 16
const between = 300n
const steps = 64

/** Enters its databases among large ones, pays for their valuation, and takes their part of each fee. */
export const tinyDatabase: Scenario = {
  name: 'tiny-database',
  about:
    'enters tiny, worthless or split databases among large ones, to take a part of what these earn; the mean gain that they bring is below the least contribution, and it has paid for their valuation',
  adversary: async ({ sim, workshop, seed }) => {
    const dice = createDice('databases', seed)
    sim.endow(owner, 100_000n * coin)
    let values: readonly bigint[] = []
    let due = 1n
    sim.addActor(async (_, height) => {
      if (height < due) return
      due = height + between
      const rows = [...large, ...offers[dice.below(offers.length)]!]
      const drawn = drawSubsets(sim.beaconOf(height, owner), rows.length, rounds)
      const trained = subsetsToTrain(drawn, rows.length)
      for (let n = 0; n < trained.length; n++) await train(sim, height)
      const losses = new Map(
        trained.map((subset) => [subset, lossAfter(rowsOf(rows, subset), dice.normal())]),
      )
      values = valuesOf(drawn, rows.length, (subset) => losses.get(subset)!)
    })
    workshop.onSettled((_record, fee) => {
      const parts = shareByValue(splitFee(fee).dataset, values).slice(large.length)
      for (const wei of parts) sim.spend(owner, -wei)
    })
    return [owner]
  },
  honest: async ({ sim }) => {
    sim.endow(owner, 100_000n * coin)
    return [owner]
  },
}

/** One job of a valuation, paid for by who wants to be valued. */
async function train(sim: Simulation, height: bigint): Promise<void> {
  const price = await basePriceOf(sim.world, sim.params)
  const plain = ordinaryJob(owner, await nextJobNonce(sim.world, owner), price)
  const heldOut = { dataset: datasetRoot, rows: 6_000 }
  await sim.open({ ...plain, layers: [784, 32, 10], steps, leaseSteps: steps, heldOut }, height)
}

function rowsOf(rows: readonly number[], subset: number): number {
  return rows.reduce((sum, count, i) => ((subset >> i) & 1 ? sum + count : sum), 0)
}

/** Loss of 1,024 rows: what no data can teach, and what so many rows leave; one seed's luck is 1 %. */
function lossAfter(rows: number, luck: number): bigint {
  const mean = 300_000 + 3_900_000 / (1 + rows / 400)
  return BigInt(Math.round(mean * (1 + 0.01 * luck)))
}
