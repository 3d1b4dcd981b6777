/**
 * The records a chain starts with: stakes, the sets of epochs 0 and 1, the first dataset and job.
 * Module accounts have been given their coin; see `vm/genesisState.ts`.
 */
import type { Genesis, GenesisJob } from '../params/genesis.ts'
import { moduleAddresses } from '../params/protocol.ts'
import { weiPerGwei } from '../primitives/brand.ts'
import { describeFault, type Fault, type Result } from '../primitives/result.ts'
import { registerDataset } from './datasets.ts'
import { drawSet, freezeSet } from './epochSets.ts'
import { type Job, ProofKind } from './job.ts'
import { openJob, totalFee } from './jobBook.ts'
import type { World } from './records.ts'
import { register } from './stakes.ts'

/**
 * @throws {Error} if the genesis cannot be: a stake, the first dataset or the first job is refused, or
 * the treasury cannot pay for the job.
 */
export async function writeGenesisRecords(world: World, genesis: Genesis): Promise<void> {
  const { params } = genesis
  for (const { address, publicKey, stake, ask, maxParams } of genesis.validators) {
    const registration = { validator: address, publicKey, ask, maxParams: BigInt(maxParams) }
    must(`validator ${address}`, await register(world, params, registration, stake * weiPerGwei))
  }
  for (const epoch of [0, 1]) {
    const set = await drawSet(world, params.minStake, epoch)
    if (set === null) throw new Error('genesis: no validator has the least stake')
    await freezeSet(world, set)
  }
  if (genesis.firstJob !== null) await openFirstJob(world, genesis, genesis.firstJob)
}

async function openFirstJob(world: World, genesis: Genesis, first: GenesisJob): Promise<void> {
  const { params } = genesis
  const { name: title, ...dataset } = first.dataset
  must('firstJob.dataset', await registerDataset(world, { ...dataset, title }))
  const job: Job = {
    chainId: genesis.chainId,
    owner: moduleAddresses.treasury,
    nonce: 0n,
    proofKind: ProofKind.StepProof,
    dataset: dataset.root,
    layers: first.layers,
    batch: first.batch,
    steps: first.steps,
    leaseSteps: first.leaseSteps,
    fractionBits: first.fractionBits,
    forwardShifts: first.forwardShifts,
    schedule: [
      { fromStep: 0, updateShifts: first.updateShifts, backwardShifts: first.backwardShifts },
    ],
    initBound: first.initBound,
    pricePerMac: first.pricePerMac,
  }
  const wei = totalFee(job, params) + params.openFee
  if (wei > genesis.treasury.balance)
    throw new Error(`genesis: treasury has ${genesis.treasury.balance} wei, firstJob costs ${wei}`)
  await world.purse.transfer(moduleAddresses.treasury, moduleAddresses.jobs, wei)
  must('firstJob', await openJob(world, params, job, wei, 0n))
}

function must<T>(what: string, result: Result<T, Fault>): T {
  if (result.ok) return result.value
  throw new Error(`genesis: ${what} is refused: ${describeFault(result.fault)}`)
}
