/**
 * What the whole page follows: the head and the blocks before it, jobs and certificates. Filled from
 * subscriptions; what was missed while the connection was lost is fetched when it is back.
 */
import type {
  AccuracyWire,
  CertificateWire,
  JobEventWire,
  JobWire,
  NetworkWire,
  PageWire,
} from '../../../client/wire.ts'
import type { Hex } from '../../../primitives/bytes.ts'
import { num } from '../format.ts'
import { node } from './node.ts'
import { createStore, type Store } from './store.ts'

/** One line of a list of blocks. */
export type BlockRow = {
  readonly number: number
  readonly hash: Hex
  /** Unix seconds. */
  readonly timestamp: number
  readonly miner: Hex
  readonly transactions: number
  readonly gasUsed: number
  readonly gasLimit: number
  readonly size: number
}

type BlockWire = {
  readonly number: Hex
  readonly hash: Hex
  readonly timestamp: Hex
  readonly miner: Hex
  readonly transactions: readonly unknown[]
  readonly gasUsed: Hex
  readonly gasLimit: Hex
  readonly size: Hex
}

/** Blocks that stay at hand. */
const keptBlocks = 120
const keptCertificates = 200

export const network: Store<NetworkWire | null> = createStore<NetworkWire | null>(null)
/** Newest first, without gaps. */
export const recentBlocks: Store<readonly BlockRow[]> = createStore<readonly BlockRow[]>([])
/** Newest first. */
export const recentCertificates: Store<readonly CertificateWire[]> = createStore<
  readonly CertificateWire[]
>([])
/** In the order of opening. */
export const jobs: Store<readonly JobWire[]> = createStore<readonly JobWire[]>([])

/** How many checkpoints of a job the node has measured since the page was opened. */
export const measurements: Store<ReadonlyMap<Hex, number>> = createStore<ReadonlyMap<Hex, number>>(
  new Map(),
)

/** Height of the newest block; −1 before the first answer. */
export const head: Store<number> = createStore(-1)

export async function fetchBlockRow(number: number): Promise<BlockRow | null> {
  const block = await node.call<BlockWire | null>('eth_getBlockByNumber', hex(number), false)
  return block === null ? null : rowOf(block)
}

export function hex(number: number): Hex {
  return `0x${number.toString(16)}`
}

function rowOf(block: BlockWire): BlockRow {
  return {
    number: num(block.number),
    hash: block.hash,
    timestamp: num(block.timestamp),
    miner: block.miner,
    transactions: block.transactions.length,
    gasUsed: num(block.gasUsed),
    gasLimit: num(block.gasLimit),
    size: num(block.size),
  }
}

let wanted = -1
let filling = false

/** Fetch what is missing up to `number`, one pass at a time. */
function advanceTo(number: number): void {
  wanted = Math.max(wanted, number)
  if (filling) return
  filling = true
  fill()
    .catch(() => {})
    .finally(() => {
      filling = false
    })
}

async function fill(): Promise<void> {
  while (head.get() < wanted) {
    const known = recentBlocks.get()
    const from = Math.max(head.get() + 1, wanted - keptBlocks + 1, 0)
    const numbers = Array.from({ length: wanted - from + 1 }, (_, i) => wanted - i)
    const rows = (await Promise.all(numbers.map(fetchBlockRow))).filter((row) => row !== null)
    const [newest] = rows
    if (newest === undefined) return
    const joins = known[0]?.number === rows.at(-1)!.number - 1
    recentBlocks.set([...rows, ...(joins ? known : [])].slice(0, keptBlocks))
    head.set(newest.number)
  }
}

/** A devnet that began anew is another chain: nothing that was read holds. */
function forget(): void {
  wanted = -1
  head.set(-1)
  recentBlocks.set([])
  recentCertificates.set([])
  jobs.set([])
}

async function refresh(): Promise<void> {
  const found = await node.call<NetworkWire>('waggle_getNetwork')
  const before = network.get()
  if (before !== null && before.genesisHash !== found.genesisHash) forget()
  network.set(found)
  const number = num(await node.call<Hex>('eth_blockNumber'))
  if (number < head.get()) forget()
  advanceTo(number)
  await refreshJobs()
  await refreshCertificates()
}

/** Jobs that opened since, and all that may have moved. */
async function refreshJobs(): Promise<void> {
  const all: JobWire[] = []
  for (let cursor: Hex | null = '0x0'; cursor !== null; ) {
    const page: PageWire<JobWire> = await node.call('train_listJobs', null, { cursor, limit: 100 })
    all.push(...page.items)
    cursor = page.next
    // The first jobs are shown while the rest is on its way.
    if (jobs.get().length < all.length) jobs.set([...all])
  }
  jobs.set(all)
}

async function refreshCertificates(): Promise<void> {
  const newest = jobs
    .get()
    .filter(({ rangesDone }) => num(rangesDone) > 0)
    .slice(-8)
  const pages = await Promise.all(
    newest.map(({ id, rangesDone }) => {
      const cursor = Math.max(0, num(rangesDone) - 25)
      const window = { cursor, limit: 25 }
      return node.call<PageWire<CertificateWire>>('train_listCertificates', id, window)
    }),
  )
  addCertificates(pages.flatMap(({ items }) => items))
}

function addCertificates(added: readonly CertificateWire[]): void {
  const byName = new Map(
    [...recentCertificates.get(), ...added].map((one) => [`${one.job}/${one.range}`, one]),
  )
  const sorted = [...byName.values()].sort((a, b) => num(b.blockNumber) - num(a.blockNumber))
  recentCertificates.set(sorted.slice(0, keptCertificates))
}

const changing = new Set<Hex>()

/** Read one job again; events of one block about one job cost one call. */
function refreshJob(id: Hex): void {
  if (changing.has(id)) return
  changing.add(id)
  node
    .call<JobWire | null>('train_getJob', id)
    .then((job) => {
      if (job === null) return
      const list = jobs.get()
      const at = list.findIndex((one) => one.id === id)
      jobs.set(at < 0 ? [...list, job] : list.with(at, job))
    })
    .catch(() => {})
    .finally(() => changing.delete(id))
}

/** Begin to follow. */
export function startLive(): void {
  node.subscribe<{ readonly number: Hex }>('newHeads', null, ({ number }) => advanceTo(num(number)))
  node.subscribe<JobEventWire>('jobs', {}, ({ job }) => refreshJob(job))
  node.subscribe<CertificateWire>('certificates', {}, (one) => addCertificates([one]))
  node.subscribe<AccuracyWire>('accuracy', {}, ({ job }) => {
    const before = measurements.get()
    measurements.set(new Map(before).set(job, (before.get(job) ?? 0) + 1))
  })
  node.session.subscribe(() => {
    refresh().catch(() => {})
  })
}
