/**
 * The validators of an epoch, frozen: who agrees, with what power, and whose slots are whose.
 */
import { type Address, addressBytes } from '../primitives/address.ts'
import { fromHex, type Hex } from '../primitives/bytes.ts'
import { Writer } from '../primitives/codec.ts'
import { type Hash, hashOf } from '../primitives/hash.ts'

/** One member of a frozen set. */
export type Validator = {
  readonly address: Address
  /** BLS12-381, compressed G1, 48 bytes. */
  readonly publicKey: Hex
  /** Gwei bonded. */
  readonly stake: bigint
  /** Reputation in [0, 2^32]. */
  readonly reputation: bigint
  /** `p_i`: weight of its votes. */
  readonly power: bigint
  /** `w_i`: weight in the draw of round-0 proposers. */
  readonly slotWeight: bigint
  /** Out at once: no slots, no leases, and its votes count nothing in later sets. */
  readonly jailed: boolean
  /** Least price per MAC it works for. */
  readonly ask: bigint
  /** Largest model it accepts, in weights. */
  readonly maxParams: bigint
}

/** Members in canonical order: ascending address. */
export type ValidatorSet = { readonly epoch: number; readonly validators: readonly Validator[] }

/** A member as its set's hash names it: all that a light client needs. */
export type Voter = Pick<Validator, 'address' | 'publicKey' | 'power' | 'slotWeight'>
/** In canonical order. */
export type Voters = { readonly epoch?: number; readonly validators: readonly Voter[] }

/** What a commit certificate names: the members with keys and powers, and nothing that may change. */
export function validatorSetHash(set: Voters): Hash {
  const bytes = new Writer()
    .list(set.validators, (validator, writer) =>
      writer
        .fixed(addressBytes(validator.address))
        .fixed(fromHex(validator.publicKey))
        .uint(validator.power, 16)
        .uint(validator.slotWeight, 16),
    )
    .bytes()
  return hashOf('waggle/validators/v1', bytes)
}

export function totalPower(set: Voters): bigint {
  return set.validators.reduce((sum, validator) => sum + validator.power, 0n)
}

/** Epoch of a block; genesis and the first `epochLength − 1` blocks are epoch 0. */
export function epochOf(height: bigint, epochLength: number): number {
  return Number(height / BigInt(epochLength))
}
