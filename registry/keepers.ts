/**
 * Keepers: who must be able to show a job's rows or weights. First those who vouched for the weights,
 * then members of the set by a ranking that is the same for everybody. Nothing of it is stored: when a
 * keeper leaves or is jailed, the next in the ranking takes its place, and nobody else's changes.
 *
 * Rules E-31 to E-33 of docs/spec/economy.md.
 */
import type { ChainParams } from '../params/chainParams.ts'
import { type Address, addressBytes } from '../primitives/address.ts'
import { type Hash, hashBytes, hashOf, hashToUint } from '../primitives/hash.ts'
import { ok, type Result, refuse } from '../primitives/result.ts'
import type { Custodians } from './custody.ts'
import { isSetKept, validatorSetAt } from './epochSets.ts'
import { type Job, weightCount } from './job.ts'
import { slotOf } from './layout.ts'
import type { World } from './records.ts'
import { epochOf, type Validator } from './validatorSet.ts'

/** What is kept: the rows that a job trains on, named by their root, or a job's newest weights. */
export type Subject =
  | { readonly kind: 'rows'; readonly name: Hash }
  | { readonly kind: 'weights'; readonly name: Hash; readonly job: Job }

export type DeclineFault =
  | { readonly code: 'custody/vouched'; readonly subject: Hash }
  | { readonly code: 'custody/hasDeclined'; readonly subject: Hash }

/** The set whose members' bits say who vouched for a job's newest weights, and the bits. */
const vouchedPlace = (job: Hash): bigint => slotOf('vouched', job)
const declinedPlace = (subject: Hash, keeper: Address): bigint =>
  slotOf('keepingDeclined', hashOf('waggle/declined/v1', hashBytes(subject), addressBytes(keeper)))

/** Remember who vouched for `job`'s newest weights: `bits` over the set of `epoch`. */
export async function recordVouched(
  world: World,
  job: Hash,
  epoch: number,
  bits: Custodians,
): Promise<void> {
  await world.jobs.put(vouchedPlace(job), BigInt(epoch) + 1n)
  await world.jobs.put(vouchedPlace(job) + 1n, bits)
}

/** Who vouched for `job`'s newest weights, as far as their set is kept. */
export async function vouchersOf(world: World, job: Hash): Promise<readonly Address[]> {
  const epoch = Number(await world.jobs.get(vouchedPlace(job))) - 1
  if (epoch < 0 || !(await isSetKept(world, epoch))) return []
  const bits = await world.jobs.get(vouchedPlace(job) + 1n)
  const { validators } = await validatorSetAt(world, epoch)
  return validators.filter((_, i) => (bits >> BigInt(i)) & 1n).map(({ address }) => address)
}

/** The keepers of `subject` at `height`, at most `replicas`. */
export async function keepersOf(
  world: World,
  params: ChainParams,
  subject: Subject,
  height: bigint,
): Promise<readonly Address[]> {
  const { validators } = await validatorSetAt(world, epochOf(height, params.epochLength))
  const vouched = new Set(subject.kind === 'weights' ? await vouchersOf(world, subject.name) : [])
  const [first, others]: [Address[], Address[]] = [[], []]
  for (const { address, maxParams } of rankKeepers(subject.name, validators)) {
    if (vouched.has(address)) first.push(address)
    else if (others.length < params.replicas && (await mayKeep(address, maxParams)))
      others.push(address)
  }
  return [...first, ...others].slice(0, params.replicas)

  async function mayKeep(address: Address, maxParams: bigint): Promise<boolean> {
    if (subject.kind === 'weights' && maxParams < BigInt(weightCount(subject.job))) return false
    return (await world.jobs.get(declinedPlace(subject.name, address))) === 0n
  }
}

/**
 * Members that are not jailed, each as likely to come first as its stake is of all: a race of
 * exponential clocks (Efraimidis and Spirakis, IPL 97, 2006), in integers.
 */
export function rankKeepers(subject: Hash, members: readonly Validator[]): readonly Validator[] {
  const timed = members
    .filter(({ jailed, stake }) => !jailed && stake > 0n)
    .map((member) => {
      const draw = hashOf('waggle/keeper/v1', hashBytes(subject), addressBytes(member.address))
      return { member, at: (minusLog2(hashToUint(draw) >> 192n) << 64n) / member.stake }
    })
  return timed.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0)).map(({ member }) => member)
}

/** Fractional bits of {@link minusLog2}. */
const fraction = 24n

/** `−log2(draw / 2^64)`, by repeated squaring; 0 counts as 1. @param draw - below 2^64. */
function minusLog2(draw: bigint): bigint {
  const bits = BigInt((draw | 1n).toString(2).length)
  let x = (draw | 1n) << (64n - bits)
  let log = (bits - 1n) << fraction
  for (let bit = fraction - 1n; bit >= 0n; bit--) {
    x = (x * x) >> 63n
    if (x < 1n << 64n) continue
    x >>= 1n
    log |= 1n << bit
  }
  return (64n << fraction) - log
}

/**
 * Step back from keeping `subject`: free of charge, for challenges that are yet to be drawn, for good.
 * Who vouched for weights has said that it holds them, and cannot.
 */
export async function declineKeeping(
  world: World,
  subject: Hash,
  keeper: Address,
): Promise<Result<null, DeclineFault>> {
  if ((await vouchersOf(world, subject)).includes(keeper))
    return refuse({ code: 'custody/vouched', subject })
  const place = declinedPlace(subject, keeper)
  if ((await world.jobs.get(place)) !== 0n) return refuse({ code: 'custody/hasDeclined', subject })
  await world.jobs.put(place, 1n)
  return ok(null)
}

/** Whether `keeper` has stepped back from keeping `subject`. */
export async function hasDeclined(world: World, subject: Hash, keeper: Address): Promise<boolean> {
  return (await world.jobs.get(declinedPlace(subject, keeper))) !== 0n
}
