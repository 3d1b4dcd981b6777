/**
 * How long a light client may trust what it has seen: never as long as stake stays at risk, for who has
 * taken it out can sign another past for nothing. Rule E-12 of docs/spec/economy.md.
 */
import type { ChainParams } from './chainParams.ts'

type Delay = Pick<ChainParams, 'epochLength' | 'unbondingEpochs' | 'minBlockIntervalMs'>

/** Two weeks: an older start needs a newer checkpoint, however long stake stays bonded. */
const longestS = 1_209_600n

/**
 * Seconds that leaving stake can be slashed at the least: whole epochs after the one in which it began
 * to leave, of blocks that come as fast as they may.
 */
export function bondedSeconds(params: Delay): bigint {
  const { epochLength, unbondingEpochs, minBlockIntervalMs } = params
  return (BigInt(unbondingEpochs - 1) * BigInt(epochLength) * BigInt(minBlockIntervalMs)) / 1_000n
}

/** Seconds; shorter than {@link bondedSeconds}, and 0 where stake leaves at once: nothing is trusted. */
export function trustingPeriodS(params: Delay): bigint {
  const bonded = bondedSeconds(params)
  if (bonded > longestS) return longestS
  return bonded === 0n ? 0n : bonded - 1n
}
