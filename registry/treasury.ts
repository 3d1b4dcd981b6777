/**
 * The treasury: coin of the chain itself, spent by what more than two thirds of the voting power approve.
 * It grants coin to an account, or opens a job that belongs to everybody.
 *
 * Rules E-22 to E-24 of docs/spec/economy.md.
 */
import type { ChainParams } from '../params/chainParams.ts'
import { moduleAddresses } from '../params/protocol.ts'
import { type Address, zeroAddress } from '../primitives/address.ts'
import type { Hash } from '../primitives/hash.ts'
import { invariant, ok, type Result, refuse } from '../primitives/result.ts'
import { admitJob } from './admission.ts'
import { validatorSetAt } from './epochSets.ts'
import { decodeJob, encodeJob, type Job } from './job.ts'
import { type JobFault, jobCost, nextJobNonce, openJob } from './jobBook.ts'
import {
  addressOfWord,
  getBytes,
  listItems,
  listPush,
  listRemove,
  putBytes,
  slotOf,
} from './layout.ts'
import type { World } from './records.ts'
import { epochOf, totalPower } from './validatorSet.ts'

/** What a proposal would do: give `amount` to `to`, or open `job`, whose cost is `amount`. */
export type Spending =
  | { readonly kind: 'grant'; readonly to: Address; readonly amount: bigint }
  | { readonly kind: 'job'; readonly job: Job }

export type Proposal = {
  readonly id: bigint
  readonly proposer: Address
  readonly spending: Spending
  /** Wei. */
  readonly amount: bigint
  /** Last epoch in which it may be approved. */
  readonly until: bigint
  readonly approvers: readonly Address[]
}

export type TreasuryFault =
  | { readonly code: 'treasury/unknown'; readonly id: bigint }
  | { readonly code: 'treasury/notMember'; readonly caller: Address }
  | { readonly code: 'treasury/full'; readonly max: bigint }
  | { readonly code: 'treasury/nothing' }
  | { readonly code: 'treasury/already'; readonly id: bigint }
  | { readonly code: 'treasury/tooMuch'; readonly got: bigint; readonly max: bigint }
  | { readonly code: 'treasury/unfit'; readonly why: string }

/** What an approval came to. */
export type Approval = {
  readonly executed: boolean
  /** The job that was opened, if the proposal was for one. */
  readonly job: Hash | null
  readonly amount: bigint
  readonly to: Address
}

const maxOpen = 32
/** Of these, what one member may have open: nobody alone keeps the others from proposing. */
const maxOwn = 8
/** Approvals of one proposal that are kept: members of several epochs' sets. */
const maxApprovers = 256
const maxJobBytes = 16_384

const fields = ['proposer', 'amount', 'to', 'until', 'isJob'] as const
const place = (id: bigint, field: (typeof fields)[number]): bigint =>
  slotOf('proposal', id) + BigInt(fields.indexOf(field))
const jobPlace = (id: bigint): bigint => slotOf('proposalJob', id)

/** The open proposal `id`, or null. */
export async function readProposal(world: World, id: bigint): Promise<Proposal | null> {
  const get = (field: (typeof fields)[number]) => world.treasury.get(place(id, field))
  const proposer = await get('proposer')
  if (proposer === 0n) return null
  const amount = await get('amount')
  const approvers = (await listItems(world.treasury, 'approvers', id)).map(addressOfWord)
  const about = { id, proposer: addressOfWord(proposer), amount, until: await get('until') }
  if ((await get('isJob')) === 0n) {
    const to = addressOfWord(await get('to'))
    return { ...about, approvers, spending: { kind: 'grant', to, amount } }
  }
  const decoded = decodeJob(await getBytes(world.treasury, jobPlace(id), maxJobBytes))
  invariant(decoded.ok, `proposal ${id}: stored job does not decode`)
  return { ...about, approvers, spending: { kind: 'job', job: decoded.value } }
}

/** Ids of open proposals; some may be out of time. */
export function openProposals(world: World): Promise<readonly bigint[]> {
  return listItems(world.treasury, 'proposals')
}

/** Propose to spend. Members of the running set only; they approve it themselves by another call. */
export async function propose(
  world: World,
  params: ChainParams,
  spending: Spending,
  proposer: Address,
  height: bigint,
): Promise<Result<bigint, TreasuryFault>> {
  const epoch = epochOf(height, params.epochLength)
  if (!(await isMember(world, epoch, proposer)))
    return refuse({ code: 'treasury/notMember', caller: proposer })
  if (spending.kind === 'job') {
    const admitted = admitJob(spending.job, params)
    if (!admitted.ok) return refuse({ code: 'treasury/unfit', why: admitted.fault.code })
  }
  const amount = await costOf(world, spending, params)
  if (amount === 0n) return refuse({ code: 'treasury/nothing' })
  await dropExpired(world, BigInt(epoch))
  const open = await openProposals(world)
  if (open.length >= maxOpen) return refuse({ code: 'treasury/full', max: BigInt(maxOpen) })
  let own = 0
  for (const other of open)
    if ((await world.treasury.get(place(other, 'proposer'))) === BigInt(proposer)) own++
  if (own >= maxOwn) return refuse({ code: 'treasury/full', max: BigInt(maxOwn) })

  const countSlot = slotOf('proposalCount')
  const id = (await world.treasury.get(countSlot)) + 1n
  await world.treasury.put(countSlot, id)
  await listPush(world.treasury, id, 'proposals')
  const put = (field: (typeof fields)[number], value: bigint) =>
    world.treasury.put(place(id, field), value)
  await put('proposer', BigInt(proposer))
  await put('amount', amount)
  await put('until', BigInt(epoch + params.unbondingEpochs))
  if (spending.kind === 'grant') await put('to', BigInt(spending.to))
  else {
    await put('isJob', 1n)
    await putBytes(world.treasury, jobPlace(id), encodeJob(spending.job))
  }
  return ok(id)
}

async function costOf(world: World, spending: Spending, params: ChainParams): Promise<bigint> {
  return spending.kind === 'grant'
    ? spending.amount
    : (await jobCost(world, params, spending.job)) + params.openFee
}

async function isMember(world: World, epoch: number, account: Address): Promise<boolean> {
  const { validators } = await validatorSetAt(world, epoch)
  return validators.some(({ address, jailed }) => address === account && !jailed)
}

async function dropExpired(world: World, epoch: bigint): Promise<void> {
  for (const id of await openProposals(world))
    if ((await world.treasury.get(place(id, 'until'))) < epoch) await close(world, id)
}

/** Forget an open proposal; its number is never used again. */
async function close(world: World, id: bigint): Promise<void> {
  await listRemove(world.treasury, id, 'proposals')
  await world.treasury.put(place(id, 'proposer'), 0n)
}

/**
 * Approve a proposal. The approval that brings more than two thirds of the running set's power spends
 * the coin; if that is refused, so is the approval.
 */
export async function approve(
  world: World,
  params: ChainParams,
  id: bigint,
  caller: Address,
  height: bigint,
): Promise<Result<Approval, TreasuryFault | JobFault>> {
  const epoch = epochOf(height, params.epochLength)
  if (!(await isMember(world, epoch, caller))) return refuse({ code: 'treasury/notMember', caller })
  const proposal = await readProposal(world, id)
  if (proposal === null || proposal.until < BigInt(epoch))
    return refuse({ code: 'treasury/unknown', id })
  const { approvers, amount, spending } = proposal
  if (approvers.includes(caller)) return refuse({ code: 'treasury/already', id })
  if (approvers.length >= maxApprovers)
    return refuse({ code: 'treasury/full', max: BigInt(maxApprovers) })

  const set = await validatorSetAt(world, epoch)
  const voices = new Set([...approvers, caller])
  const power = totalPower({
    epoch,
    validators: set.validators.filter(({ address, jailed }) => voices.has(address) && !jailed),
  })
  const to = spending.kind === 'grant' ? spending.to : zeroAddress
  if (3n * power <= 2n * totalPower(set)) {
    await listPush(world.treasury, BigInt(caller), 'approvers', id)
    return ok({ executed: false, job: null, amount, to })
  }
  const spent = await spend(world, params, proposal, height)
  if (!spent.ok) return spent
  await close(world, id)
  return ok({ executed: true, job: spent.value, amount, to })
}

async function spend(
  world: World,
  params: ChainParams,
  { spending, amount }: Proposal,
  height: bigint,
): Promise<Result<Hash | null, TreasuryFault | JobFault>> {
  const { treasury, jobs } = moduleAddresses
  const max = await world.purse.balance(treasury)
  if (amount > max) return refuse({ code: 'treasury/tooMuch', got: amount, max })
  if (spending.kind === 'grant') {
    await world.purse.transfer(treasury, spending.to, amount)
    return ok(null)
  }
  const job = { ...spending.job, nonce: await nextJobNonce(world, treasury) }
  await world.purse.transfer(treasury, jobs, amount)
  const opened = await openJob(world, params, job, amount, height)
  if (!opened.ok) await world.purse.transfer(jobs, treasury, amount)
  return opened
}
