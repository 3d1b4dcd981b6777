/**
 * The economy's formulas, in exact integers: every division floors and `one` is 2^32. Work is counted
 * in burn, so what is cheap to inflate earns nothing.
 *
 * Rules E-1 to E-8 of docs/spec/economy.md.
 */
import { one } from '../params/protocol.ts'
import { weiPerGwei } from '../primitives/brand.ts'

/** Parts of a settled fee, wei; they sum to the fee. */
export type Split = {
  readonly worker: bigint
  readonly custody: bigint
  readonly dataset: bigint
  readonly proposer: bigint
  readonly burned: bigint
}

/** Split a fee: worker 67 %, custody 3 %, dataset owners 15 %, proposer 5 %, the rest burned. */
export function splitFee(fee: bigint): Split {
  const part = (percent: bigint) => (fee * percent) / 100n
  const [worker, custody, dataset, proposer] = [part(67n), part(3n), part(15n), part(5n)]
  return { worker, custody, dataset, proposer, burned: fee - worker - custody - dataset - proposer }
}

/** What becomes of the custodians' part of a fee, wei. */
export type CustodyParts = {
  /** Of each who vouched. */
  readonly share: bigint
  /** To the pot that pays answers to challenges. */
  readonly pot: bigint
  /** Burned: what does not divide, or has nobody to go to. */
  readonly rest: bigint
}

/** A third of the custodians' part is for those who later show that they keep what they vouched for. */
export function splitCustody(part: bigint, custodians: number): CustodyParts {
  if (custodians === 0) return { share: 0n, pot: 0n, rest: part }
  const pot = part / 3n
  // Both parts floor: of a wei that does not divide nobody gets more than its share.
  const share = (2n * part) / (3n * BigInt(custodians))
  return { share, pot, rest: part - pot - share * BigInt(custodians) }
}

/** Gwei minted to a worker at the epoch's end: half of what its own certificates burned. */
export function emissionOf(burnedWei: bigint): bigint {
  return burnedWei / 2n / weiPerGwei
}

/** Burn-weighted moving sum of work, gwei; half-life 5.2 epochs. */
export function nextWork(work: bigint, burnedWei: bigint): bigint {
  return work - (work + 7n) / 8n + burnedWei / weiPerGwei
}

/** Stake that works: never more than the stake, nor than the share of all work. */
export function workingStake(
  stake: bigint,
  work: bigint,
  totalStake: bigint,
  totalWork: bigint,
): bigint {
  if (totalWork === 0n) return 0n
  const share = (totalStake * work) / totalWork
  return share < stake ? share : stake
}

/** Weight of a validator's votes: stake, and up to a quarter more for reputable working stake. */
export function votingPower(stake: bigint, working: bigint, reputation: bigint): bigint {
  return stake + (working * reputation) / (4n * one)
}

/**
 * The power above which none may count: what the strongest have when each of them has `percent` of all
 * power after the cut. Where so few validators agree that this cannot be, nobody is cut.
 */
export function powerCap(powers: readonly bigint[], percent: bigint): bigint {
  const sorted = [...powers].sort((a, b) => (a < b ? 1 : a > b ? -1 : 0))
  const strongest = sorted[0] ?? 0n
  let rest = sorted.reduce((sum, power) => sum + power, 0n)
  if (BigInt(sorted.length) * percent <= 100n) return strongest
  for (let cut = 0n; cut * percent < 100n; cut++) {
    const cap = (percent * rest) / (100n - cut * percent)
    const next = sorted[Number(cut)] ?? 0n
    if (next <= cap) return cut === 0n ? strongest : cap
    rest -= next
  }
  return strongest
}

/** Weight in the draw of round-0 proposers: mostly work. */
export function slotWeight(
  stake: bigint,
  working: bigint,
  reputation: bigint,
  totalWork: bigint,
): bigint {
  const base = totalWork === 0n ? stake : stake / 10n
  return base + (working * (4n * one + reputation)) / (4n * one)
}

/** Weight in the draw of a lease's holder; positive also where reputation is 0. */
export function leaseWeight(stake: bigint, reputation: bigint): bigint {
  return (stake * (one + reputation)) >> 32n
}

/** What a validator did in one epoch. */
export type Service = {
  /** Commits that carry its vote, and blocks in which one was due. */
  readonly signed: bigint
  readonly due: bigint
  /** Fees of its certificates, and of the leases it missed. */
  readonly doneWei: bigint
  readonly missedWei: bigint
}

/** Quality of an epoch's service in [0, one]; an epoch without leases keeps the reputation. */
export function serviceQuality(reputation: bigint, service: Service): bigint {
  if (2n * service.signed < service.due) return 0n
  const ended = service.doneWei + service.missedWei
  return ended === 0n ? reputation : (one * service.doneWei) / ended
}

/** Moving sum of blocks, in 256ths; half-life 5.2 epochs. */
export function nextTurns(turns: bigint, blocks: bigint): bigint {
  return turns - turns / 8n + 256n * blocks
}

/**
 * Quality of who proposed `taken` of the `due` blocks whose first proposer it was. Squared: what a block
 * withheld can win, a lease at even odds, must be less than what it costs in later draws.
 */
export function punctual(quality: bigint, due: bigint, taken: bigint): bigint {
  return taken >= due ? quality : (quality * taken * taken) / (due * due)
}

/** Moving average of quality; bounded by one. */
export function nextReputation(reputation: bigint, quality: bigint, shift: number): bigint {
  return reputation - (reputation >> BigInt(shift)) + (quality >> BigInt(shift))
}

/** A missed lease costs an eighth at once. */
export function reputationAfterMiss(reputation: bigint): bigint {
  return reputation - (reputation >> 3n)
}

/** Priority in the queue of waiting jobs: price, growing with age. */
export function queuePriority(pricePerMac: bigint, epochsWaiting: bigint): bigint {
  return (pricePerMac * (16n + epochsWaiting)) / 16n
}
