/**
 * Reads from a node what happened to an account's coin: events of the native modules, who proposed,
 * who vouched, and what was minted.
 */
import { type Abi, type ParseEventLogsReturnType, parseEventLogs } from 'viem'
import type { NetworkWire, ValidatorSetWire } from '../client/wire.ts'
import { moduleAddresses } from '../params/protocol.ts'
import { type Address, zeroAddress } from '../primitives/address.ts'
import { weiPerGwei } from '../primitives/brand.ts'
import type { Hash } from '../primitives/hash.ts'
import { custodyAbi } from '../vm/modules/custody.ts'
import { jobsAbi } from '../vm/modules/jobsAbi.ts'
import { registryAbi } from '../vm/modules/registry.ts'
import { stakingAbi } from '../vm/modules/stakingAbi.ts'
import { treasuryAbi } from '../vm/modules/treasury.ts'
import { coinsText } from './format.ts'
import {
  type BlockWindow,
  burnOf,
  lowerAddress,
  type Payment,
  partsOf,
  type Settlement,
} from './payments.ts'
import { explain, type Node } from './rpc.ts'
import { penaltiesOf, stakeOf } from './stakePayments.ts'

const jobs = { address: moduleAddresses.jobs, abi: jobsAbi } as const
const registry = { address: moduleAddresses.registry, abi: registryAbi } as const
const staking = { address: moduleAddresses.staking, abi: stakingAbi } as const
const custody = { address: moduleAddresses.custody, abi: custodyAbi } as const
const treasury = { address: moduleAddresses.treasury, abi: treasuryAbi } as const

type JobLog = ParseEventLogsReturnType<typeof jobsAbi, undefined, true>[number]

type JobFacts = { readonly owner: Address; readonly dataOwner: Address | null }

/** Every payment to and from `account` that the native modules made in `window`, in block order. */
export async function paymentHistory(
  node: Node,
  account: Address,
  window: BlockWindow,
): Promise<readonly Payment[]> {
  return explain(node.url, () => createReader(node, account, window)())
}

function createReader(node: Node, account: Address, { from, to }: BlockWindow) {
  const { client } = node
  const facts = new Map<Hash, Promise<JobFacts>>()
  const sets = new Map<bigint, Promise<ValidatorSetWire | null>>()
  const payments: Payment[] = []
  let epochLength = 1n
  let openFee = 0n

  const logsOf = async <const A extends Abi>({ address, abi }: { address: Address; abi: A }) =>
    parseEventLogs({ abi, logs: await client.getLogs({ address, fromBlock: from, toBlock: to }) })

  function factsOf(job: Hash): Promise<JobFacts> {
    const known = facts.get(job)
    if (known !== undefined) return known
    const read = readFacts(job)
    facts.set(job, read)
    return read
  }

  async function readFacts(job: Hash): Promise<JobFacts> {
    const { owner, dataset } = await client.readContract({
      ...jobs,
      functionName: 'job',
      args: [job],
    })
    const rows = await client.readContract({
      ...registry,
      functionName: 'dataset',
      args: [dataset],
    })
    const dataOwner = lowerAddress(rows.owner)
    // Rows of several datasets have no owner of their own.
    return { owner: lowerAddress(owner), dataOwner: dataOwner === zeroAddress ? null : dataOwner }
  }

  function setOf(epoch: bigint): Promise<ValidatorSetWire | null> {
    const known = sets.get(epoch)
    if (known !== undefined) return known
    const read = node.call<ValidatorSetWire | null>('val_getSet', Number(epoch))
    sets.set(epoch, read)
    return read
  }

  /** The members of the set that the lease was drawn from whose bits are set. */
  async function custodiansOf(job: Hash, bits: bigint, block: bigint): Promise<readonly Address[]> {
    if (bits === 0n) return []
    const before = { ...jobs, args: [job], blockNumber: block - 1n } as const
    const { start } = await client.readContract({ ...before, functionName: 'lease' })
    const set = await setOf((start - 1n) / epochLength)
    return (set?.validators ?? [])
      .filter((_, i) => (bits >> BigInt(i)) & 1n)
      .map(({ address }) => address)
  }

  async function read(): Promise<readonly Payment[]> {
    const { params } = await node.call<NetworkWire>('waggle_getNetwork')
    epochLength = BigInt(params.epochLength)
    openFee = BigInt(params.openFee)
    const ownBurn = await readJobs()
    await readEmission(ownBurn)
    await readSales()
    await readStaking()
    return payments.toSorted((a, b) => Number(a.block - b.block))
  }

  /** Returns what `account`'s certificates burned, by epoch. */
  async function readJobs(): Promise<ReadonlyMap<bigint, bigint>> {
    const ownBurn = new Map<bigint, bigint>()
    const logs = await logsOf(jobs)
    const shares = sharesIn(logs)
    for (const log of logs) {
      if (log.eventName === 'Certified') {
        const shared = shares.get(log.transactionHash) ?? 0n
        const settled = { ...(await settlementOf(log.args, log.blockNumber)), shared }
        payments.push(...partsOf(account, settled))
        if (settled.worker !== account) continue
        const epoch = log.blockNumber / epochLength
        ownBurn.set(epoch, (ownBurn.get(epoch) ?? 0n) + burnOf(settled))
      } else payments.push(...(await otherPayments(log)))
    }
    return ownBurn
  }

  /** What an event that settles no lease paid. */
  async function otherPayments(log: JobLog): Promise<readonly Payment[]> {
    const { blockNumber: block, transactionHash } = log
    switch (log.eventName) {
      case 'LeaseMissed':
        return missOf({ ...log.args, account, reporter: await reporterOf(transactionHash) }, block)
      case 'DataShared':
        return lowerAddress(log.args.owner) === account ? [shareOf(log.args, block)] : []
      case 'RowsPaid':
        return lowerAddress(log.args.owner) === account ? [rowsOf(log.args, block)] : []
      case 'RoyaltyPaid':
        return lowerAddress(log.args.owner) === account ? [royaltyOf(log.args, block)] : []
      case 'JobOpened':
        return openingOf({ ...log.args, openFee, account }, block)
      case 'JobFinished':
        return refundOf(log.args, block, 'what nobody earned')
      case 'JobCancelled':
        return refundOf(log.args, block, 'what is left less 1 %')
      default:
        return []
    }
  }

  async function refundOf(
    { jobId, refund }: { jobId: string; refund: bigint },
    block: bigint,
    why: string,
  ): Promise<readonly Payment[]> {
    const job = jobId as Hash
    const { owner } = await factsOf(job)
    return owner !== account || refund === 0n
      ? []
      : [{ block, kind: 'refund', wei: refund, why, job }]
  }

  async function settlementOf(
    args: { jobId: string; range: number; worker: string; fee: bigint; custodians: bigint },
    block: bigint,
  ): Promise<Settlement> {
    const job = args.jobId as Hash
    const { miner } = await client.getBlock({ blockNumber: block })
    return {
      block,
      job,
      range: args.range,
      fee: args.fee,
      worker: lowerAddress(args.worker),
      proposer: lowerAddress(miner),
      dataOwner: (await factsOf(job)).dataOwner,
      custodians: await custodiansOf(job, args.custodians, block),
    }
  }

  /** Who called the module; a call by a contract is the contract's. */
  async function reporterOf(hash: `0x${string}`): Promise<Address | null> {
    const { from: sender, to: target } = await client.getTransaction({ hash })
    if (target === null) return null
    return lowerAddress(lowerAddress(target) === jobs.address ? sender : target)
  }

  async function readEmission(ownBurn: ReadonlyMap<bigint, bigint>): Promise<void> {
    const first = ((from + epochLength - 1n) / epochLength) * epochLength
    for (let height = first; height <= to; height += epochLength) {
      const { withdrawals } = await client.getBlock({ blockNumber: height })
      const epoch = height / epochLength - 1n
      for (const { address, amount } of withdrawals ?? []) {
        if (lowerAddress(address) !== account) continue
        const wei = BigInt(amount) * weiPerGwei
        const burned = ownBurn.get(epoch)
        const source = burned === undefined ? '' : ` ${coinsText(burned)}`
        const why = `half of the${source} burned by its leases of epoch ${epoch}, less the delegators' part`
        payments.push({ block: height, kind: 'emission', wei, why, job: null })
      }
    }
  }

  async function readSales(): Promise<void> {
    for (const { eventName, args, blockNumber: block } of await logsOf(registry)) {
      if (eventName !== 'ModelBought') continue
      const { price, buyer, owner } = args
      const job = args.model as Hash
      if (lowerAddress(owner) === account)
        payments.push({ block, kind: 'sale', wei: price, why: `a copy for ${buyer}`, job })
      if (lowerAddress(buyer) === account)
        payments.push({ block, kind: 'purchase', wei: -price, why: `a copy from ${owner}`, job })
    }
  }

  async function readStaking(): Promise<void> {
    for (const log of await logsOf(staking)) payments.push(...stakeOf(account, log))
    payments.push(...(await penaltiesOf(node, account, { from, to })))
    for (const { eventName, args, blockNumber: block } of await logsOf(custody)) {
      if (eventName !== 'Shown' || lowerAddress(args.keeper) !== account) continue
      const why = `showed what it keeps when asked in block ${args.drawnAt}: a 64th of the pot`
      payments.push({ block, kind: 'keeper', wei: args.reward, why, job: args.job as Hash })
    }
    for (const { eventName, args, blockNumber: block } of await logsOf(treasury)) {
      if (eventName !== 'Spent' || lowerAddress(args.to) !== account) continue
      const why = `proposal ${args.id} of the treasury`
      payments.push({ block, kind: 'grant', wei: args.amount, why, job: null })
    }
  }

  return read
}

/** What owners of several datasets shared, by the transaction that settled the lease. */
function sharesIn(logs: readonly JobLog[]): ReadonlyMap<string, bigint> {
  const shares = new Map<string, bigint>()
  for (const { eventName, args, transactionHash: at } of logs)
    if (eventName === 'DataShared') shares.set(at, (shares.get(at) ?? 0n) + args.amount)
  return shares
}

function shareOf(
  { jobId, dataset, amount }: { jobId: string; dataset: string; amount: bigint },
  block: bigint,
): Payment {
  const why = `owns rows of several: the share of 15 % that dataset ${dataset} is worth`
  return { block, kind: 'data', wei: amount, why, job: jobId as Hash }
}

function rowsOf(
  { jobId, rows, amount }: { jobId: string; rows: bigint; amount: bigint },
  block: bigint,
): Payment {
  const why = `the price of ${rows} rows that a lease drew`
  return { block, kind: 'rows', wei: amount, why, job: jobId as Hash }
}

function royaltyOf(
  { jobId, model, amount }: { jobId: string; model: string; amount: bigint },
  block: bigint,
): Payment {
  const why = `the royalty of a lease that builds on model ${model}`
  return { block, kind: 'royalty', wei: amount, why, job: jobId as Hash }
}

type MissedLease = {
  readonly account: Address
  readonly reporter: Address | null
  readonly jobId: string
  readonly holder: string
  readonly range: number
  readonly attempt: number
  readonly penalty: bigint
}

function missOf(missed: MissedLease, block: bigint): readonly Payment[] {
  const { account, reporter, holder, range, attempt, penalty } = missed
  const job = missed.jobId as Hash
  const lease = `lease ${range} was missed in attempt ${attempt}`
  const found: Payment[] = []
  if (lowerAddress(holder) === account) {
    const why = `${lease}: a tenth of its pay, from the stake`
    found.push({ block, kind: 'penalty', wei: -penalty, why, job })
  }
  if (reporter === account) {
    const why = `reported that ${lease}: 5 % of the penalty`
    found.push({ block, kind: 'reporter', wei: penalty / 20n, why, job })
  }
  return found
}

type OpenedJob = {
  readonly account: Address
  readonly jobId: string
  readonly owner: string
  readonly escrow: bigint
  readonly openFee: bigint
}

function openingOf(
  { account, jobId, owner, escrow, openFee }: OpenedJob,
  block: bigint,
): readonly Payment[] {
  if (lowerAddress(owner) !== account) return []
  const job = jobId as Hash
  const [held, burned] = ['the whole fee, held until it is earned', 'for opening a job, burned']
  return [
    { block, kind: 'escrow', wei: -escrow, why: held, job },
    { block, kind: 'openFee', wei: -openFee, why: burned, job },
  ]
}
