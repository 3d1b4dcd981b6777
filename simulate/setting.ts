/**
 * What every simulation has in common: the chain's parameters, the jobs that customers open, and what
 * work costs outside the chain. Amounts in wei.
 */
import type { ChainParams } from '../params/chainParams.ts'
import type { Address } from '../primitives/address.ts'
import { toHex, uintBytes } from '../primitives/bytes.ts'
import { type Hash, hashOf } from '../primitives/hash.ts'
import { type Job, ProofKind } from '../registry/job.ts'

export const coin: bigint = 10n ** 18n

/** Validators that agree besides the adversary. */
export const honestValidators = 6
/** Gwei of their own that each of them has at stake. */
export const stakeGwei: bigint = 100_000n * 10n ** 9n
/** Weights that an ordinary worker accepts in a model. */
export const ordinaryParams = 1_000_000n
/** Energy and hardware for a multiply-accumulate: 40 % of the least price. */
export const computePercent = 40n
/** Fetching a blob and judging a certificate. */
export const custodyCost: bigint = coin / 10_000n
/** A transaction's gas. */
export const gasCost: bigint = coin / 10_000n
/** Keeping a validator on line for an epoch. */
export const nodeCost: bigint = coin / 10_000n
/** What a customer gains from a model, in percent of what it pays for it. */
export const modelValuePercent = 120n

/** The parameters of a chain with short epochs and few places, so that 1,000 epochs see every rule. */
export function settingOf(params: ChainParams): ChainParams {
  return { ...params, epochLength: 6, maxActiveJobs: 12 }
}

export const datasetRoot: Hash = hashOf('waggle/simulate/dataset')

/** 256 steps in four leases of 3.4 GMAC each. */
export function ordinaryJob(owner: Address, nonce: bigint, pricePerMac: bigint): Job {
  return {
    chainId: 57_471,
    owner,
    nonce,
    proofKind: ProofKind.StepProof,
    dataset: datasetRoot,
    layers: [784, 512, 10],
    batch: 64,
    steps: 256,
    leaseSteps: 64,
    fractionBits: 16,
    forwardShifts: [9, 7],
    schedule: [{ fromStep: 0, updateShifts: [2, 2], backwardShifts: [6] }],
    initBound: 16,
    pricePerMac,
  }
}

/** Account `n` of the group `group`. */
export function accountOf(group: number, n: number): Address {
  return toHex(uintBytes((BigInt(group + 1) << 64n) | BigInt(n), 20)) as Address
}
