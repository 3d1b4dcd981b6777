/**
 * The light client: follows commits across changes of the validator set without keeping a chain. Runs in
 * Node and in browsers; signatures are checked with `@noble/curves`.
 *
 * Use: {@link trustCheckpoint} (a block hash that somebody vouches for) or `trustGenesis` of
 * `lightTrust.ts`, then {@link followTo} with a function that fetches light blocks (RPC
 * `val_getLightBlock`). What is trusted afterwards has a state root to check `eth_getProof` against. The
 * clock is passed in, so every verdict is a function of the arguments.
 *
 * Skipping: a block of the same epoch or the next is checked by a set that is known exactly. One further
 * ahead is taken if more than a third of the power of the last known set signed it, within the trusting
 * period (then an honest member did); else the client bisects.
 *
 * @see Braithwaite et al., "A Tendermint Light Client", arXiv:2010.07031
 */
import { type Commit, hasSigned } from '../chain/commit.ts'
import type { Hash } from '../primitives/hash.ts'
import { type Fault, ok, type Result, refuse } from '../primitives/result.ts'
import { epochOf, totalPower, type Voters, validatorSetHash } from '../registry/validatorSet.ts'
import { fastAggregateVerify } from './blsNoble.ts'
import { type CommitFault, checkCommit } from './commitCheck.ts'
import { type LightBlock, type LightBlockFault, openLightBlock } from './lightBlock.ts'
import type { LightHeader } from './lightHeader.ts'
import { isThird } from './votes.ts'

export type LightOptions = {
  readonly chainId: number
  readonly epochLength: number
  /**
   * How long a block is a basis for others, by its timestamp. Less than the time stake stays bonded, so
   * that whoever signs a false block can still be punished.
   */
  readonly trustingPeriodS: bigint
  /** How far ahead of our clock a block may be. */
  readonly driftS: bigint
}

/** A block that was verified, and the sets it makes known. */
export type Trusted = {
  readonly height: bigint
  /** Of the header, as Ethereum wallets name the block. */
  readonly hash: Hash
  readonly stateRoot: Hash
  readonly receiptsRoot: Hash
  /** Unix seconds. */
  readonly time: bigint
  readonly current: Voters
  readonly next: Voters
}

export type LightFault =
  | LightBlockFault
  | CommitFault
  | { readonly code: 'light/checkpoint'; readonly expected: Hash; readonly got: Hash }
  /** The trusted block is too old to go on from: begin with a new checkpoint. */
  | { readonly code: 'light/expired'; readonly time: bigint; readonly now: bigint }
  | { readonly code: 'light/future'; readonly time: bigint; readonly now: bigint }
  | { readonly code: 'light/order'; readonly trusted: bigint; readonly got: bigint }
  /** A block of a known epoch whose set is not the known one. */
  | { readonly code: 'light/set'; readonly expected: Hash; readonly got: Hash }
  /** Too few of the known set signed: bisect. */
  | { readonly code: 'light/overlap'; readonly got: bigint; readonly total: bigint }
  | { readonly code: 'light/asked'; readonly expected: bigint; readonly got: bigint }
  | { readonly code: 'light/fetch'; readonly height: bigint; readonly fault: Fault }

/**
 * Begin at a block whose hash is vouched for out of band.
 *
 * @param now - Unix seconds.
 */
export function trustCheckpoint(
  block: LightBlock,
  hash: Hash,
  options: LightOptions,
  now: bigint,
): Result<Trusted, LightFault> {
  const opened = openLightBlock(block)
  if (!opened.ok) return opened
  const header = opened.value
  if (header.hash !== hash)
    return refuse({ code: 'light/checkpoint', expected: hash, got: header.hash })
  const stale = ageFault(header.timestamp, options, now)
  if (stale !== null) return refuse(stale)
  const signed = checkCommit(block.commit, block.current, options.chainId, fastAggregateVerify)
  return signed.ok ? ok(trustedOf(block, header)) : signed
}

/**
 * Whether `block` follows from what is trusted. Cheap checks first; the pairing last.
 *
 * @param now - Unix seconds.
 */
export function verifyLightBlock(
  trusted: Trusted,
  block: LightBlock,
  options: LightOptions,
  now: bigint,
): Result<Trusted, LightFault> {
  const stale = ageFault(trusted.time, options, now)
  if (stale !== null) return refuse(stale)
  const opened = openLightBlock(block)
  if (!opened.ok) return opened
  const header = opened.value
  if (header.number <= trusted.height || header.timestamp <= trusted.time)
    return refuse({ code: 'light/order', trusted: trusted.height, got: header.number })
  if (header.timestamp > now + options.driftS)
    return refuse({ code: 'light/future', time: header.timestamp, now })
  const fault = setFault(trusted, block, options.epochLength)
  if (fault !== null) return refuse(fault)
  const signed = checkCommit(block.commit, block.current, options.chainId, fastAggregateVerify)
  return signed.ok ? ok(trustedOf(block, header)) : signed
}

/**
 * Verify the block of `height`, by way of others if need be: at most one for each epoch in between, and
 * about the logarithm of that if the set changes slowly.
 *
 * @param fetch - asks one source; a second source is followed separately, and compared by hash.
 * @param now - Unix seconds.
 */
export async function followTo(
  from: Trusted,
  height: bigint,
  options: LightOptions,
  now: bigint,
  fetch: (height: bigint) => Promise<Result<LightBlock, Fault>>,
): Promise<Result<Trusted, LightFault>> {
  let trusted = from
  const fetched = new Map<bigint, LightBlock>()
  let goal = height
  while (trusted.height < height) {
    const answer = fetched.has(goal) ? ok(fetched.get(goal)!) : await fetch(goal)
    if (!answer.ok) return refuse({ code: 'light/fetch', height: goal, fault: answer.fault })
    const block = answer.value
    if (block.commit.height !== goal)
      return refuse({ code: 'light/asked', expected: goal, got: block.commit.height })
    const verified = verifyLightBlock(trusted, block, options, now)
    if (!verified.ok && verified.fault.code !== 'light/overlap') return verified
    if (verified.ok) {
      trusted = verified.value
      fetched.delete(goal)
      goal = [...fetched.keys()].reduce((low, each) => (each < low ? each : low), height)
    } else {
      fetched.set(goal, block)
      goal = between(trusted.height, goal, options.epochLength)
    }
  }
  return ok(trusted)
}

/** Half way, but no nearer than the last block whose set is known exactly. */
function between(low: bigint, high: bigint, epochLength: number): bigint {
  const length = BigInt(epochLength)
  const known = (low / length + 2n) * length - 1n
  const middle = (low + high) / 2n
  return middle > known ? middle : known
}

function ageFault(
  time: bigint,
  { trustingPeriodS, driftS }: LightOptions,
  now: bigint,
): LightFault | null {
  if (time + trustingPeriodS <= now) return { code: 'light/expired', time, now }
  return time > now + driftS ? { code: 'light/future', time, now } : null
}

/** Whether the set that signed is the known one, or overlaps it by more than a third. */
function setFault(trusted: Trusted, block: LightBlock, epochLength: number): LightFault | null {
  const ahead = epochOf(block.commit.height, epochLength) - epochOf(trusted.height, epochLength)
  if (ahead > 1) return overlapFault(trusted.next, block)
  const expected = validatorSetHash(ahead === 0 ? trusted.current : trusted.next)
  const got = validatorSetHash(block.current)
  return got === expected ? null : { code: 'light/set', expected, got }
}

/** Counted by the powers that the known set gives, by key. */
function overlapFault(known: Voters, { commit, current }: LightBlock): LightFault | null {
  const signers = keysOfSigners(commit, current)
  const got = known.validators.reduce(
    (sum, { publicKey, power }) => (signers.has(publicKey) ? sum + power : sum),
    0n,
  )
  const total = totalPower(known)
  return isThird(got, total) ? null : { code: 'light/overlap', got, total }
}

function keysOfSigners(commit: Commit, set: Voters): ReadonlySet<string> {
  const signers = set.validators.filter((_, index) => hasSigned(commit, index))
  return new Set(signers.map(({ publicKey }) => publicKey))
}

function trustedOf(block: LightBlock, header: LightHeader): Trusted {
  const { hash, stateRoot, receiptsRoot } = header
  const { current, next } = block
  return {
    height: header.number,
    hash,
    stateRoot,
    receiptsRoot,
    time: header.timestamp,
    current,
    next,
  }
}
