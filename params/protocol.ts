/**
 * Protocol constants: never vary between chains. A change is a new protocol version.
 */
import type { Address } from '../primitives/address.ts'

/** Spoken in the handshake; peers of another version are refused. */
export const protocolVersion = 1

/** 1.0 in the fixed-point numbers of the economy (reputation, quality). */
export const one: bigint = 1n << 32n

/** Longest contraction: 127² · K stays below half of BabyBear, hence below int32. */
export const maxInnerDim = 61_440

/** Order of the proof field BabyBear, `2^31 − 2^27 + 1`. */
export const babyBear = 2_013_265_921

/** Bytes of one chunk of a blob; the leaves of a blob's Merkle tree. */
export const chunkBytes = 1_048_576

/** Largest blob: 4 GiB. */
export const maxBlobBytes: number = 4_294_967_296

/** Bound on validators in a set; a commit's bitmap has one bit for each. */
export const maxValidators = 100

/** Blocks of grace after a lease in which its certificate may still be included. */
export const leaseGrace = 8

/** Addresses of the native modules. */
export const moduleAddresses = {
  staking: '0x0000000000000000000000000000000000005701' as Address,
  registry: '0x0000000000000000000000000000000000005702' as Address,
  jobs: '0x0000000000000000000000000000000000005703' as Address,
  reputation: '0x0000000000000000000000000000000000005704' as Address,
  treasury: '0x0000000000000000000000000000000000005705' as Address,
  verifiers: '0x0000000000000000000000000000000000005706' as Address,
  groups: '0x0000000000000000000000000000000000005707' as Address,
  custody: '0x0000000000000000000000000000000000005708' as Address,
} as const

/** Never used: deposits to Ethereum's own contract mean nothing here. */
export const depositContract: Address = '0x00000000000000000000000000000000000057ff' as Address
