import { moduleAddresses } from '../../params/protocol.ts'
import { type Hash, hashOf, zeroHash } from '../../primitives/hash.ts'
import { foundCollection, joinCollection } from '../../registry/collections.ts'
import { partsOf, readDataset, registerDataset } from '../../registry/datasets.ts'
import { basePriceOf } from '../../registry/prices.ts'
import { openTrial, trialCost, trialsOf, valueCollection } from '../../registry/valuation.ts'
import { createDice } from '../dice.ts'
import type { Scenario } from '../scenario.ts'
import { accountOf, coin, datasetRoot, gasCost, ordinaryJob } from '../setting.ts'
import type { Simulation } from '../simulation.ts'
import { me } from './validator.ts'

/** Owner of the databases that teach next to nothing; and of the large ones, who lets anybody join. */
const [owner, generous] = [me, accountOf(7, 0)]
/** Rows of the databases that customers train on, together with the owner's. */
const large = [30_000, 20_000, 10_000] as const
/** What the owner adds: a few rows, rows of noise, or a few rows each under four unlinked names. */
const offers = [[40], [0], [10, 10, 10, 10]] as const
/** Rounds of a valuation, and blocks between two. */
const rounds = 16
const between = 300n
/** Blocks between two looks at how far a valuation is. */
const lookEvery = 6n

/** Enters its databases among large ones, pays for their valuation, and takes their part of each fee. */
export const tinyDatabase: Scenario = {
  name: 'tiny-database',
  about:
    'enters tiny, worthless or split databases among large ones, to take a part of what these earn; the mean gain that they bring is below the least contribution, and it has paid for their valuation',
  adversary: async ({ sim, workshop, seed }) => {
    const dice = createDice('databases', seed)
    sim.endow(owner, 100_000n * coin)
    /** What each dataset teaches: as much as so many good rows. */
    const taught = new Map<Hash, number>()
    let running: Hash | null = null
    let due = 1n
    workshop.onEvaluating(async ({ job }) => {
      const dataset = await readDataset(sim.world, job.dataset)
      const parts = dataset === null ? [] : partsOf(dataset)
      const rows = parts.reduce((sum, { root }) => sum + (taught.get(root) ?? 0), 0)
      return lossAfter(rows, dice.normal())
    })
    sim.addActor(async (_, height) => {
      if (height >= due) {
        due = height + between
        running = await enter(sim, offers[dice.below(offers.length)]!, taught, height)
      }
      const looks = running !== null && height % lookEvery === 0n
      if (looks && (await settle(sim, running!, height))) running = null
    })
    return [owner]
  },
  honest: async ({ sim }) => {
    sim.endow(owner, 100_000n * coin)
    return [owner]
  },
}

/** Register databases, and found a collection of them and the large ones; all agree. */
async function enter(
  sim: Simulation,
  offer: readonly number[],
  taught: Map<Hash, number>,
  height: bigint,
): Promise<Hash | null> {
  const { world, params } = sim
  const roots: Hash[] = []
  for (const [i, good] of [...large, ...offer].entries()) {
    const whose = i < large.length ? generous : owner
    const root = hashOf('waggle/simulate/rows', new TextEncoder().encode(`${height} ${i}`))
    const entry = { root, title: 'rows', blob: root, rows: Math.max(good, 40), owner: whose }
    await registerDataset(world, { ...entry, features: 784, classes: 10 })
    taught.set(root, good)
    roots.push(root)
  }
  sim.spend(owner, gasCost)
  const plain = ordinaryJob(owner, 0n, await basePriceOf(world, params))
  const heldOut = { dataset: datasetRoot, rows: 6_000 }
  const shape = { layers: [784, 32, 10], batch: 32, steps: 64, leaseSteps: 64 }
  const trial = { ...plain, ...shape, dataset: zeroHash, heldOut }
  const founding = { title: 'rows', trial, datasets: roots, rounds }
  const name = await foundCollection(world, params, founding, height)
  if (!name.ok) return null
  for (const root of roots.slice(0, large.length))
    await joinCollection(world, name.value, root, generous, height)
  return name.value
}

/** Pay for the trials that are missing; when all are evaluated, customers train on the collection. */
async function settle(sim: Simulation, name: Hash, height: bigint): Promise<boolean> {
  const { world, params } = sim
  const trials = await trialsOf(world, name, height)
  const pricePerMac = (await basePriceOf(world, params)) * 2n
  const wei = (await trialCost(world, params, name, pricePerMac)) + params.openFee
  for (const { subset, loss } of trials) {
    if (loss !== null || world.balanceOf(owner) < wei) continue
    const order = { collection: name, subset, owner, pricePerMac }
    await world.purse.transfer(owner, moduleAddresses.jobs, wei)
    const opened = await openTrial(world, params, order, wei, height)
    if (opened.ok) sim.spend(owner, gasCost)
    else await world.purse.transfer(moduleAddresses.jobs, owner, wei)
  }
  if (trials.length === 0 || trials.some(({ loss }) => loss === null)) return false
  if (!(await valueCollection(world, name, height)).ok) return false
  sim.useRows(name)
  return true
}

/** Loss of 1,024 rows: what no data can teach, and what so many rows leave; one seed's luck is 1 %. */
function lossAfter(rows: number, luck: number): bigint {
  const mean = 300_000 + 3_900_000 / (1 + rows / 400)
  return BigInt(Math.round(mean * (1 + 0.01 * luck)))
}
