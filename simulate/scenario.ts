/**
 * A scenario: an adversary, what an honest actor in its place would do, and both run through the same
 * world. Profit is compared seed by seed, since both see the same beacons and the same customers.
 */
import type { ChainParams } from '../params/chainParams.ts'
import type { Address } from '../primitives/address.ts'
import { nextJobNonce } from '../registry/jobBook.ts'
import { basePriceOf } from '../registry/prices.ts'
import { honest } from './conduct.ts'
import { createDice } from './dice.ts'
import { createKeepers } from './keepers.ts'
import type { Outcome } from './outcome.ts'
import {
  accountOf,
  coin,
  computePercent,
  honestValidators,
  modelValuePercent,
  ordinaryJob,
  settingOf,
  stakeGwei,
} from './setting.ts'
import { createSimulation, type Simulation } from './simulation.ts'
import { createWorkshop, type Workshop } from './workshop.ts'

/** What a cast sets up in: the world before its first block. */
export type Stage = { readonly sim: Simulation; readonly workshop: Workshop; readonly seed: number }

/** Puts an actor on the stage; returns the accounts whose profit is its own. */
export type Cast = (stage: Stage) => Promise<readonly Address[]>

export type Scenario = {
  readonly name: string
  /** What the adversary does, and which rule makes it lose. */
  readonly about: string
  readonly adversary: Cast
  readonly honest: Cast
  /** Cost of a multiply-accumulate, in percent of the least price. @default 40n */
  readonly computePercent?: bigint
}

export type Options = {
  readonly params: ChainParams
  readonly seed: number
  readonly epochs: number
  /** Accounts besides the validators: half of them customers, half delegators. */
  readonly agents: number
}

type Run = { readonly profits: readonly bigint[]; readonly turnover: bigint }

const customers = 1
const delegators = 2
/** Chance that a customer opens a job in a block, in millionths. */
const demand = 100_000
const maxPoints = 200

export async function runScenario(scenario: Scenario, options: Options): Promise<Outcome> {
  const bad = await run(scenario.adversary, scenario, options)
  const good = await honestRun(scenario, options)
  const share = good.turnover / BigInt(honestValidators + 1)
  const relative = (i: number) => {
    const gain = bad.profits[i]! - good.profits[i]!
    return share === 0n ? 0 : Number((gain * 1_000_000n) / share) / 1_000_000
  }
  const last = bad.profits.length - 1
  return {
    scenario: scenario.name,
    seed: options.seed,
    adversaryProfit: bad.profits[last]!,
    honestProfit: good.profits[last]!,
    relativeProfit: relative(last),
    course: bad.profits.map((_, i) => relative(i)),
  }
}

/** The last honest runs: scenarios of one seed share them. */
const honestRuns = new Map<Cast, { readonly of: string; readonly run: Promise<Run> }>()

function honestRun(scenario: Scenario, options: Options): Promise<Run> {
  const { seed, epochs, agents } = options
  const of = [seed, epochs, agents, scenario.computePercent ?? computePercent].join()
  const kept = honestRuns.get(scenario.honest)
  if (kept?.of === of) return kept.run
  const fresh = run(scenario.honest, scenario, options)
  honestRuns.set(scenario.honest, { of, run: fresh })
  return fresh
}

async function run(cast: Cast, scenario: Scenario, options: Options): Promise<Run> {
  const { seed, epochs, agents } = options
  const params = settingOf(options.params)
  const sim = createSimulation(params, seed, scenario.computePercent ?? computePercent)
  const workshop = createWorkshop(sim, createDice('workshop', seed))
  for (let n = 0; n < honestValidators; n++)
    await sim.addValidator(accountOf(0, n), stakeGwei, honest)
  const accounts = await cast({ sim, workshop, seed })
  await addPeople(sim, workshop, seed, agents)
  sim.addActor(workshop.act)
  sim.addActor(createKeepers(sim))
  let turnover = 0n
  workshop.onSettled((_record, fee) => {
    turnover += fee
  })
  await sim.begin()
  const profits: bigint[] = []
  const every = Math.ceil(epochs / maxPoints)
  for (let epoch = 0; epoch < epochs; epoch++) {
    for (let i = epoch === 0 ? 1 : 0; i < params.epochLength; i++)
      await sim.block(BigInt(epoch * params.epochLength + i))
    if ((epoch + 1) % every === 0 || epoch === epochs - 1)
      profits.push(await sim.profitOf(accounts))
  }
  return { profits, turnover }
}

/** Customers who open jobs and value models, and delegators who trust the honest. */
async function addPeople(sim: Simulation, workshop: Workshop, seed: number, agents: number) {
  const half = Math.max(1, Math.floor(agents / 2))
  const dice = createDice('people', seed)
  for (let n = 0; n < half; n++) {
    sim.endow(accountOf(customers, n), 100_000n * coin)
    const to = accountOf(0, dice.below(honestValidators))
    await sim.entrust(accountOf(delegators, n), to, BigInt(1 + dice.below(100)) * coin)
  }
  sim.addActor(async (_, height) => {
    if (!dice.chance(demand)) return
    const owner = accountOf(customers, dice.below(half))
    const percent = BigInt(100 + dice.below(100))
    const price = ((await basePriceOf(sim.world, sim.params)) * percent) / 100n
    const plain = ordinaryJob(owner, await nextJobNonce(sim.world, owner), price)
    await sim.open({ ...plain, dataset: sim.rows() }, height)
  })
  const people = new Set(Array.from({ length: half }, (_, n) => accountOf(customers, n)))
  workshop.onSettled(({ job }, fee) => {
    if (people.has(job.owner)) sim.spend(job.owner, -(fee * modelValuePercent) / 100n)
  })
}
