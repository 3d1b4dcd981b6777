/**
 * Custody: a committee vouches that the published weights are the ones a certificate commits to. The
 * proof says that training gave some weights with this commitment; only who holds the blob can say that
 * it is those. Rules W-45 to W-48 of docs/spec/work.md.
 */
import type { ChainParams } from '../params/chainParams.ts'
import type { Address } from '../primitives/address.ts'
import { uintBytes } from '../primitives/bytes.ts'
import { type Hash, hashBytes, hashOf, hashToUint } from '../primitives/hash.ts'
import { leaseBlocks } from './admission.ts'
import { beaconAt } from './beacon.ts'
import { isSetKept, validatorSetAt } from './epochSets.ts'
import { isEvaluation } from './evaluation.ts'
import { type Job, ProofKind } from './job.ts'
import type { World } from './records.ts'
import { asOf, type Lease } from './schedule.ts'
import { epochOf, totalPower, type Validator } from './validatorSet.ts'

/** Most members of a committee. */
export const committeeSize = 8

/** Who may vouch for the weights of one lease. */
export type Custody = {
  /** Of {@link members}. */
  readonly epoch: number
  /** The set that the lease was drawn from; bit `i` of a claim's `custodians` is member `i`. */
  readonly members: readonly Validator[]
  readonly committee: readonly Address[]
  /** First height at which more than a third of all power may vouch instead. */
  readonly openFrom: bigint
}

/** Bits of who vouched; 0 where the kind of proof needs none. */
export type Custodians = bigint

export type CustodyFault = {
  readonly code: 'jobs/custody'
  /** Members of the committee that must vouch, and that did. */
  readonly needed: bigint
  readonly got: bigint
}

/** The custody of `lease`, known at height `now`; null where none is needed: replays and evaluations. */
export async function custodyOf(
  world: World,
  params: ChainParams,
  job: Job,
  lease: Lease,
  now: bigint,
): Promise<Custody | null> {
  if (job.proofKind === ProofKind.Replay || isEvaluation(job, lease.range)) return null
  const epoch = epochOf(lease.start - 1n, params.epochLength)
  const beacon = await beaconAt(world, lease.start - 1n, now)
  if (beacon === null || !(await isSetKept(world, epoch))) return null
  const set = await validatorSetAt(world, epoch)
  const { validators: members } = await asOf(world, set, lease.start)
  return {
    epoch,
    members,
    committee: drawCommittee(beacon, lease, members),
    openFrom: lease.start + leaseBlocks(job, params) / 2n,
  }
}

/** Up to {@link committeeSize} members that are not jailed, drawn by stake, without putting back. */
export function drawCommittee(
  beacon: Hash,
  { job, range }: Pick<Lease, 'job' | 'range'>,
  members: readonly Validator[],
): readonly Address[] {
  const rest = members.filter(({ jailed, stake }) => !jailed && stake > 0n)
  const committee: Address[] = []
  while (committee.length < committeeSize && rest.length > 0) {
    const total = rest.reduce((sum, { stake }) => sum + stake, 0n)
    const draw = hashOf(
      'waggle/committee/v1',
      hashBytes(beacon),
      hashBytes(job),
      uintBytes(range, 4),
      uintBytes(committee.length, 4),
    )
    let left = hashToUint(draw) % total
    const index = rest.findIndex(({ stake }) => {
      if (left < stake) return true
      left -= stake
      return false
    })
    committee.push(rest.splice(index, 1)[0]!.address)
  }
  return committee
}

/** Whether enough have vouched in the block at `height`. */
export function custodyFault(
  custody: Custody | null,
  custodians: Custodians,
  height: bigint,
): CustodyFault | null {
  if (custody === null)
    return custodians === 0n
      ? null
      : { code: 'jobs/custody', needed: 0n, got: countBits(custodians) }
  const { members, committee, openFrom } = custody
  const needed = BigInt(Math.floor(committee.length / 2) + 1)
  const vouched = custodiansOf(custody, custodians)
  if (custodians >> BigInt(members.length) !== 0n)
    return { code: 'jobs/custody', needed, got: BigInt(members.length) }
  const got = BigInt(vouched.filter(({ address }) => committee.includes(address)).length)
  if (got >= needed) return null
  const power = totalPower({ epoch: 0, validators: vouched })
  const enough = height >= openFrom && 3n * power > totalPower({ epoch: 0, validators: members })
  return enough ? null : { code: 'jobs/custody', needed, got }
}

/** The members whose bits are set, in the order of the set. */
export function custodiansOf({ members }: Custody, custodians: Custodians): readonly Validator[] {
  return members.filter((_, i) => (custodians >> BigInt(i)) & 1n)
}

/** What a custodian signs. */
export function custodyDigest(
  chainId: number,
  claim: {
    readonly job: Hash
    readonly range: number
    readonly after: Hash
    readonly weights: Hash
  },
): Hash {
  return hashOf(
    'waggle/custody/v1',
    uintBytes(chainId, 8),
    hashBytes(claim.job),
    uintBytes(claim.range, 4),
    hashBytes(claim.after),
    hashBytes(claim.weights),
  )
}

function countBits(value: bigint): bigint {
  return BigInt([...value.toString(2)].filter((bit) => bit === '1').length)
}
