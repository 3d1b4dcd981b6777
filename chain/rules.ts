/**
 * What the chain's law takes from other layers, as functions of their arguments alone: `registry/`
 * gives the records, `consensus/` the signatures, `node/` passes them in.
 */

import type { ChainParams } from '../params/chainParams.ts'
import type { ParamsAt } from '../params/upgrades.ts'
import type { Address } from '../primitives/address.ts'
import type { Hex } from '../primitives/bytes.ts'
import type { Hash } from '../primitives/hash.ts'
import type { Fault, Result } from '../primitives/result.ts'
import type { World } from '../registry/records.ts'
import type { ValidatorSet } from '../registry/validatorSet.ts'
import type { Engine } from '../vm/engine.ts'
import type { WriteGenesisRecords } from '../vm/genesisState.ts'

/** What a block tells the registry before its first transaction. */
type BlockStart = {
  readonly height: bigint
  readonly timestamp: bigint
  readonly mixHash: Hash
  readonly proposer: Address
  /** Who signed the parent's commit; nobody in block 1. */
  readonly signers: readonly Address[]
  /** Wei that the parent's transactions burned as fees. */
  readonly parentFees: bigint
}

/** A withdrawal: newly minted coin, in whole gwei. */
export type Emission = {
  readonly index: bigint
  readonly validatorIndex: bigint
  readonly address: Address
  readonly gwei: bigint
}

export type RegistryRules = {
  /** Runs before the first transaction, on the parent's state. */
  readonly beginBlock: (world: World, params: ChainParams, start: BlockStart) => Promise<void>
  /** What the block at `height` must mint, from the parent's state. */
  readonly expectedWithdrawals: (
    world: World,
    params: ChainParams,
    height: bigint,
  ) => Promise<readonly Emission[]>
  /**
   * The frozen set of an epoch; the current and the next epoch's are always there. Of a `known` set only
   * who is jailed is read.
   */
  readonly validatorSetAt: (
    world: World,
    epoch: number,
    known?: ValidatorSet,
  ) => Promise<ValidatorSet>
  readonly writeGenesisRecords: WriteGenesisRecords
}

export type ConsensusRules = {
  /** Who signed, if `commit` is a commit of the set for this height and envelope. */
  readonly verifyCommit: (
    commit: Uint8Array,
    height: bigint,
    envelopeHash: Hash,
    set: ValidatorSet,
  ) => Result<readonly Address[], Fault>
  readonly verifyReveal: (publicKey: Hex, height: bigint, reveal: Uint8Array) => boolean
  /** Judges one piece of evidence and, if it holds, punishes; after `beginBlock`. */
  readonly applyEvidence: (
    world: World,
    params: ChainParams,
    height: bigint,
    evidence: Uint8Array,
  ) => Promise<Result<null, Fault>>
}

export type Rules = {
  readonly engine: Engine
  /** Those of genesis; what no upgrade changes may be read from here. */
  readonly params: ChainParams
  /** With the upgrades up to a height. */
  readonly paramsAt: ParamsAt
  readonly registry: RegistryRules
  readonly consensus: ConsensusRules
}
