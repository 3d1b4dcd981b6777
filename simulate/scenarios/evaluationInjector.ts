import type { Hash } from '../../primitives/hash.ts'
import { SeededRandom } from '../../primitives/random.ts'
import { isEvaluation } from '../../registry/evaluation.ts'
import { nextJobNonce, totalFee } from '../../registry/jobBook.ts'
import { JobStatus, readJob, readJobState } from '../../registry/jobRecord.ts'
import { basePriceOf } from '../../registry/prices.ts'
import { Delivery, honest } from '../conduct.ts'
import type { Cast, Scenario, Stage } from '../scenario.ts'
import { coin, datasetRoot, ordinaryJob, stakeGwei } from '../setting.ts'
import type { Simulation } from '../simulation.ts'
import { me, mine } from './validator.ts'

/** The owner of evaluated models, which nobody knows to be the validator's. */
const owner = mine(1)
/** How much the luck of the drawn rows moves a model's worth, in thousandths of its cost (one deviation). */
const luck = 5
/** Rows worse than this many deviations are worth a withheld block to it. */
const choosy = -0.5

/** Opens one evaluated job after the other, and may meddle with the rows of their evaluations. */
function modeller(meddles: boolean): Cast {
  return async (stage) => {
    const { sim, workshop } = stage
    const running: Running = { id: null }
    const proposes = meddles
      ? (_: Simulation, height: bigint) => likes(stage, running, height)
      : honest.proposes
    // Rows of its own choice make a proof of another statement, which no voter takes.
    const deliver = meddles ? forge : honest.deliver
    await sim.addValidator(me, stakeGwei, { ...honest, proposes, deliver })
    sim.endow(owner, 100_000n * coin)
    sim.addActor((_, height) => openNext(sim, running, height))
    workshop.onSettled(({ id, job, state }, _fee, ended) => {
      if (id !== running.id || ended === null) return
      running.id = null
      if (ended === JobStatus.Cancelled) return
      const quality = BigInt(Math.round(luck * qualityOf(state.evaluationSeed)))
      sim.spend(owner, -(totalFee(job, sim.params) * (1_200n + quality)) / 1_000n)
    })
    return [me, owner]
  }
}

type Running = { id: Hash | null }

const forge: typeof honest.deliver = ({ evaluates }) =>
  evaluates ? Delivery.Copied : Delivery.Full

async function openNext(sim: Simulation, running: Running, height: bigint) {
  const state = running.id === null ? null : await readJobState(sim.world, running.id)
  // A job that ended without its evaluation told nobody.
  const runs = state?.status === JobStatus.Active || state?.status === JobStatus.Waiting
  if (runs) return
  const price = ((await basePriceOf(sim.world, sim.params)) * 3n) / 2n
  const plain = ordinaryJob(owner, await nextJobNonce(sim.world, owner), price)
  const heldOut = { dataset: datasetRoot, rows: 6_000 }
  running.id = await sim.open({ ...plain, heldOut }, height)
}

/** Whether its block at `height` draws good rows, if it draws those of its own model. */
async function likes({ sim }: Stage, { id }: Running, height: bigint): Promise<boolean> {
  const record = id === null ? null : await readJob(sim.world, id)
  if (record === null) return true
  const { job, state } = record
  if (!isEvaluation(job, state.range) || state.rangeSince + 2n !== height) return true
  return qualityOf(sim.beaconOf(height, me)) >= choosy
}

/** How kind the rows are that a seed draws: about normal with mean 0 and deviation 1. */
function qualityOf(seed: Hash): number {
  const random = new SeededRandom('rows', seed)
  return Array.from({ length: 12 }, () => random.uint32() / 2 ** 32).reduce((sum, x) => sum + x, -6)
}

export const evaluationInjector: Scenario = {
  name: 'evaluation-injector',
  about:
    'withholds its block where its own reveal would draw bad rows for its model, and evaluates on rows of its choice where it may; the proof is of other rows than the beacon drew, so the lease passes and is paid for',
  adversary: modeller(true),
  honest: modeller(false),
}
