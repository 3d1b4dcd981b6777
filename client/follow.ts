/**
 * From the set of validators that somebody vouches for to the header of any block, by signatures alone.
 */

import { hasSigned } from '../chain/commit.ts'
import { decodeLightBlock, type LightBlock } from '../consensus/lightBlock.ts'
import {
  followTo,
  type LightOptions,
  type Trusted,
  verifyLightBlock,
} from '../consensus/lightClient.ts'
import { type Hex, parseHex } from '../primitives/bytes.ts'
import { type Hash, zeroHash } from '../primitives/hash.ts'
import { type Fault, type Result, refuse } from '../primitives/result.ts'
import { totalPower, type Voters, validatorSetHash } from '../registry/validatorSet.ts'
import type { Ask } from './ask.ts'
import { Refused, refuseFault } from './checks.ts'

/** What verification rests on. */
export type Anchor = {
  readonly chainId: number
  readonly epochLength: number
  /** Hash of the set of epoch 0, as `val_getSet(0)` and `waggle validators --epoch 0` tell it. */
  readonly validators: Hash
}

/** A block that more than two thirds signed. */
export type Signed = {
  readonly trusted: Trusted
  readonly signers: number
  readonly members: number
  /** Part of the power that signed, in [0, 1]. */
  readonly share: number
}

const maxLightBlock = 262_144

/**
 * Genesis is trusted for as long as the chain lives. Who bonded then and left since could sign another
 * history, so compare a recent hash elsewhere where much is at stake.
 */
function optionsOf({ chainId, epochLength }: Anchor): LightOptions {
  return { chainId, epochLength, trustingPeriodS: 1n << 40n, driftS: 60n }
}

export type Follower = {
  /** Verify the block at `height`, at least 1. @throws {Refused} if it does not follow. */
  readonly to: (height: bigint) => Promise<Signed>
}

/** @param now - Unix seconds. */
export function createFollower(ask: Ask, anchor: Anchor, now: () => bigint): Follower {
  const known = new Map<bigint, Trusted>()

  async function fetchBlock(height: bigint): Promise<Result<LightBlock, Fault>> {
    const hex = await ask<Hex | null>('val_getLightBlock', `0x${height.toString(16)}`)
    if (hex === null) return refuse({ code: 'light/notKept' })
    const bytes = parseHex(hex, maxLightBlock)
    return bytes.ok ? decodeLightBlock(bytes.value) : bytes
  }

  /** Block 1 names the set of epoch 0, which must be the anchor's, and that of epoch 1. */
  async function genesis(): Promise<Trusted> {
    const first = await fetchBlock(1n)
    if (!first.ok) return refuseFault(first.fault)
    const { current, next } = first.value
    if (validatorSetHash(current) !== anchor.validators)
      throw new Refused(
        `the first validators are ${validatorSetHash(current)}, not the pinned ones`,
      )
    const roots = { hash: zeroHash, stateRoot: zeroHash, receiptsRoot: zeroHash }
    const zero = { height: 0n, time: 0n, ...roots, current, next: current }
    const verified = verifyLightBlock(zero, first.value, optionsOf(anchor), now())
    if (!verified.ok) return refuseFault(verified.fault)
    return { ...zero, next }
  }

  async function nearest(height: bigint): Promise<Trusted> {
    const below = [...known.keys()].filter((at) => at < height)
    const best = below.reduce((a, b) => (a > b ? a : b), -1n)
    return best < 0n ? genesis() : known.get(best)!
  }

  return {
    to: async (height) => {
      let last: LightBlock | null = null
      const trusted = await followTo(
        await nearest(height),
        height,
        optionsOf(anchor),
        now(),
        async (at) => {
          const block = await fetchBlock(at)
          if (block.ok && at === height) last = block.value
          return block
        },
      )
      if (!trusted.ok) return refuseFault(trusted.fault)
      known.set(height, trusted.value)
      return { trusted: trusted.value, ...tallyOf(last) }
    },
  }
}

function tallyOf(block: LightBlock | null): Omit<Signed, 'trusted'> {
  if (block === null) return { signers: 0, members: 0, share: 0 }
  const set: Voters = block.current
  const signers = set.validators.filter((_, index) => hasSigned(block.commit, index))
  const power = signers.reduce((sum, one) => sum + one.power, 0n)
  return {
    signers: signers.length,
    members: set.validators.length,
    share: Number((10_000n * power) / totalPower(set)) / 10_000,
  }
}
