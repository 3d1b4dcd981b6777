/**
 * What a job pays besides its fee: its datasets' owners for the rows that it draws, and the owners of
 * the models that it descends from. Fixed when the job is opened, held in its escrow, paid as leases
 * settle. Rules E-40, E-44 and E-45 of docs/spec/economy.md.
 */
import type { ChainParams } from '../params/chainParams.ts'
import { moduleAddresses } from '../params/protocol.ts'
import type { Address } from '../primitives/address.ts'
import type { Hash } from '../primitives/hash.ts'
import { readDataset } from './datasets.ts'
import { maxPrice, readDatasetTerms } from './datasetTerms.ts'
import { leaseCount, leaseWork } from './evaluation.ts'
import { type Job, rangeCount, rangeSteps } from './job.ts'
import { addressOfWord, hashOfWord, listItems, listPush, slotOf } from './layout.ts'
import { leaseFee } from './misses.ts'
import { readModel } from './models.ts'
import { readModelTerms } from './modelTerms.ts'
import type { World } from './records.ts'

/** A part of the fee that the owner of an ancestor gets on top of it. */
export type Royalty = {
  readonly model: Hash
  readonly owner: Address
  readonly basisPoints: number
}

/** What one of several datasets asks for a row, and how many it has. */
export type PartPrice = { readonly dataset: Hash; readonly rows: number; readonly price: bigint }

export type JobCharges = {
  /** Wei for each row of training, and of the evaluation. */
  readonly rowPrice: bigint
  readonly heldOutRowPrice: bigint
  /** Where several datasets are trained on and one of them asks a price: each with its own. */
  readonly parts: readonly PartPrice[]
  /** The nearest ancestor first. */
  readonly royalties: readonly Royalty[]
}

/** What one lease pays besides its fee. */
type LeaseCharge = {
  readonly data: readonly RowCharge[]
  readonly royalties: readonly {
    readonly model: Hash
    readonly owner: Address
    readonly wei: bigint
  }[]
  readonly total: bigint
}

type RowCharge = { readonly dataset: Hash; readonly rows: number; readonly wei: bigint }

/** A charge that was paid, and who owns the rows. */
export type PaidCharge = Omit<LeaseCharge, 'data'> & {
  readonly data: readonly (RowCharge & { readonly owner: Address })[]
}

/** Ancestors with a royalty that one job pays: the nearest; older ones get nothing of it. */
const maxRoyalties = 8

const basisPoints = 10_000n

/**
 * What a job that is opened now would pay.
 *
 * @param trial - whether it is to value its datasets: for that they ask no price.
 */
export async function currentCharges(world: World, job: Job, trial = false): Promise<JobCharges> {
  const priceOf = async (dataset: Hash) => (await readDatasetTerms(world, dataset)).rowPrice
  const { joint } = trial ? {} : ((await readDataset(world, job.dataset)) ?? {})
  const parts: PartPrice[] = []
  for (const { root: dataset, rows } of joint?.parts ?? [])
    parts.push({ dataset, rows, price: await priceOf(dataset) })
  return {
    rowPrice: trial ? 0n : await priceOf(job.dataset),
    parts: parts.some(({ price }) => price > 0n) ? parts : [],
    heldOutRowPrice: job.heldOut === undefined ? 0n : await priceOf(job.heldOut.dataset),
    royalties: job.base === undefined ? [] : await royaltiesFrom(world, job.base),
  }
}

/** The base's own terms of now, and what its job agreed to with those before it. */
async function royaltiesFrom(world: World, model: Hash): Promise<readonly Royalty[]> {
  const base = await readModel(world, model)
  if (base === null) return []
  const { royaltyBasisPoints } = await readModelTerms(world, model)
  const own =
    royaltyBasisPoints === 0 ? [] : [{ model, owner: base.owner, basisPoints: royaltyBasisPoints }]
  const { royalties } = await readCharges(world, model)
  return [...own, ...royalties].slice(0, maxRoyalties)
}

const pricesPlace = (job: Hash): bigint => slotOf('rowPrices', job)

export async function writeCharges(world: World, id: Hash, charges: JobCharges): Promise<void> {
  const { rowPrice, heldOutRowPrice, parts, royalties } = charges
  if (rowPrice > 0n) await world.jobs.put(pricesPlace(id), rowPrice)
  if (heldOutRowPrice > 0n) await world.jobs.put(pricesPlace(id) + 1n, heldOutRowPrice)
  for (const { dataset, rows, price } of parts) {
    await listPush(world.jobs, BigInt(dataset), 'partPrices', id)
    await listPush(world.jobs, (BigInt(rows) << 96n) | price, 'partPrices', id)
  }
  for (const { model, owner, basisPoints } of royalties) {
    await listPush(world.jobs, BigInt(model), 'royalties', id)
    await listPush(world.jobs, (BigInt(basisPoints) << 160n) | BigInt(owner), 'royalties', id)
  }
}

/** What the job was opened with. */
export async function readCharges(world: World, id: Hash): Promise<JobCharges> {
  const words = await listItems(world.jobs, 'royalties', id)
  const royalties = Array.from({ length: words.length / 2 }, (_, i): Royalty => {
    const packed = words[2 * i + 1]!
    return {
      model: hashOfWord(words[2 * i]!),
      owner: addressOfWord(packed & ((1n << 160n) - 1n)),
      basisPoints: Number(packed >> 160n),
    }
  })
  return {
    rowPrice: await world.jobs.get(pricesPlace(id)),
    heldOutRowPrice: await world.jobs.get(pricesPlace(id) + 1n),
    parts: await readPartPrices(world, id),
    royalties,
  }
}

async function readPartPrices(world: World, id: Hash): Promise<readonly PartPrice[]> {
  const words = await listItems(world.jobs, 'partPrices', id)
  return Array.from({ length: words.length / 2 }, (_, i): PartPrice => {
    const packed = words[2 * i + 1]!
    const dataset = hashOfWord(words[2 * i]!)
    return { dataset, rows: Number(packed >> 96n), price: packed & maxPrice }
  })
}

/** What lease `range` pays besides `fee`; every part floors. */
export function leaseCharge(
  job: Job,
  range: number,
  charges: JobCharges,
  fee: bigint,
): LeaseCharge {
  const work = leaseWork(job, range)
  const rows = rangeSteps(work.job, work.range).count * work.job.batch
  const price = work.job === job ? charges.rowPrice : charges.heldOutRowPrice
  const data =
    work.job === job && charges.parts.length > 0
      ? sharedRows(rows, charges.parts)
      : [{ dataset: work.job.dataset, rows, wei: BigInt(rows) * price }]
  const royalties = charges.royalties.map(({ model, owner, basisPoints: part }) => ({
    model,
    owner,
    wei: (fee * BigInt(part)) / basisPoints,
  }))
  const total = [...data, ...royalties].reduce((sum, { wei }) => sum + wei, 0n)
  return { data, royalties, total }
}

/** Rows that a lease draws of several datasets, counted by their lengths: the exact ones differ by luck. */
function sharedRows(drawn: number, parts: readonly PartPrice[]): readonly RowCharge[] {
  const all = parts.reduce((sum, { rows }) => sum + BigInt(rows), 0n)
  return parts.map(({ dataset, rows: own, price }) => {
    const rows = (BigInt(drawn) * BigInt(own)) / all
    return { dataset, rows: Number(rows), wei: rows * price }
  })
}

/** What all leases pay besides their fees, wei. */
export function totalCharges(job: Job, charges: JobCharges, params: ChainParams): bigint {
  const of = (range: number) => leaseCharge(job, range, charges, leaseFee(job, range, params)).total
  const ranges = rangeCount(job)
  const evaluation = leaseCount(job) > ranges ? of(ranges) : 0n
  // All ranges but the last are alike.
  return BigInt(ranges - 1) * of(0) + of(ranges - 1) + evaluation
}

/** Pay a settled lease's charges from the escrow; returns them. The caller writes what is left of it. */
export async function payCharges(
  world: World,
  id: Hash,
  job: Job,
  range: number,
  fee: bigint,
): Promise<PaidCharge> {
  const charge = leaseCharge(job, range, await readCharges(world, id), fee)
  const pay = (to: Address, wei: bigint) =>
    wei === 0n ? undefined : world.purse.transfer(moduleAddresses.jobs, to, wei)
  const data: PaidCharge['data'][number][] = []
  for (const part of charge.data) {
    const { owner } = (await readDataset(world, part.dataset))!
    await pay(owner, part.wei)
    data.push({ ...part, owner })
  }
  for (const { owner, wei } of charge.royalties) await pay(owner, wei)
  return { ...charge, data }
}
