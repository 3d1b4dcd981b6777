/**
 * Starting from a recent state instead of from genesis: a light client finds the newest block that a
 * peer has, its state is copied from the certified root down, and the chain goes on from there. No peer
 * is believed: a false light block, envelope or node does not fit its name, and bans.
 */
import type { Chain } from '../chain/chain.ts'
import { encodeCommit } from '../chain/commit.ts'
import { envelopeHashOf } from '../chain/envelope.ts'
import type { LightBlock } from '../consensus/lightBlock.ts'
import {
  followTo,
  type LightOptions,
  type Trusted,
  trustCheckpoint,
} from '../consensus/lightClient.ts'
import { trustGenesis } from '../consensus/lightTrust.ts'
import type { Host } from '../network/host.ts'
import { trustingPeriodS } from '../params/trustingPeriod.ts'
import { type Clock, sleep } from '../primitives/clock.ts'
import type { Hash } from '../primitives/hash.ts'
import { describeFault, type Fault, ok, type Result, refuse } from '../primitives/result.ts'
import type { KeyValue } from '../storage/keyValue.ts'
import type { Logger } from './logger.ts'
import { type SnapshotSource, snapshotSource } from './snapshotSource.ts'
import { copyState } from './stateCopy.ts'

export type SnapshotModules = {
  readonly chain: Chain
  readonly store: KeyValue
  readonly host: Pick<Host, 'request' | 'peers' | 'penalize'>
  readonly clock: Clock
  readonly log: Logger
}

export type SnapshotOptions = {
  /** Hash of a block that the operator vouches for; null trusts the sets of the genesis file. */
  readonly checkpoint: Hash | null
  /** How long to look for a peer that has a state. @default 60,000 */
  readonly patienceMs?: number | undefined
}

/** Everybody has the keys of a development network anyway. */
const everS = 1n << 40n
const driftS = 5n

const lookMs = 250

/**
 * Bring a chain that is at genesis to the newest state of a peer; a chain that is further stays.
 *
 * @throws {Error} if no peer leads to a state; the message says why.
 */
export async function syncSnapshot(
  { checkpoint, patienceMs = 60_000 }: SnapshotOptions,
  modules: SnapshotModules,
): Promise<void> {
  const { chain, host, clock, log } = modules
  if (chain.head().height > 0n) {
    log.info({ height: `${chain.head().height}` }, 'this chain has blocks: no snapshot is taken')
    return
  }
  const deadline = clock.now() + patienceMs
  let last: Fault = { code: 'snapshot/noPeer' }
  for (;;) {
    for (const { id } of host.peers()) {
      const adopted = await syncFrom(snapshotSource(host, id), checkpoint, modules)
      if (adopted.ok) return
      last = adopted.fault
      log.warn({ peer: id, why: describeFault(last) }, 'no snapshot from this peer')
    }
    if (clock.now() >= deadline) throw new Error(`no snapshot: ${describeFault(last)}`)
    await sleep(clock, lookMs)
  }
}

async function syncFrom(
  source: SnapshotSource,
  checkpoint: Hash | null,
  { chain, store, clock, log }: SnapshotModules,
): Promise<Result<null, Fault>> {
  const { chainId, name, params } = chain.genesis
  const period = name.endsWith('devnet') ? everS : trustingPeriodS(params)
  const options = { chainId, epochLength: params.epochLength, trustingPeriodS: period, driftS }
  const now = BigInt(Math.floor(clock.now() / 1_000))
  const from = await startOf(chain, source, checkpoint, options, now)
  if (!from.ok) return from
  const newest = await newestBlock(source, from.value.height)
  if (!newest.ok) return newest
  const { commit } = newest.value
  const { height } = commit
  const reached = await followTo(from.value, height, options, now, (at) =>
    at === height ? Promise.resolve(newest) : source.lightBlock(at),
  )
  if (!reached.ok) {
    const { fault } = reached
    return fault.code === 'light/fetch' ? refuse(fault.fault) : source.blame(fault)
  }
  const envelope = await source.envelope(height)
  if (!envelope.ok) return envelope
  if (envelopeHashOf(envelope.value) !== commit.envelopeHash)
    return source.blame({ code: 'snapshot/envelope' })
  const { stateRoot } = reached.value
  const nodes = await copyState(stateRoot, store, source)
  if (!nodes.ok) return nodes
  const adopted = await chain.adopt(envelope.value, encodeCommit(commit))
  if (!adopted.ok) return source.blame(adopted.fault)
  log.info({ height: height.toString(), nodes: nodes.value, stateRoot }, 'snapshot adopted')
  return ok(null)
}

/** What to trust at first: the checkpoint's own block, or the sets of genesis. */
async function startOf(
  chain: Chain,
  source: SnapshotSource,
  checkpoint: Hash | null,
  options: LightOptions,
  now: bigint,
): Promise<Result<Trusted, Fault>> {
  if (checkpoint === null) return ok(await trustGenesis(chain.genesis))
  const height = await source.heightOf(checkpoint)
  if (!height.ok) return height
  const block = await source.lightBlock(height.value)
  if (!block.ok) return block
  const trusted = trustCheckpoint(block.value, checkpoint, options, now)
  return trusted.ok || trusted.fault.code === 'light/expired'
    ? trusted
    : source.blame(trusted.fault)
}

/** The peer's head, which must be ahead of what we trust. */
async function newestBlock(
  source: SnapshotSource,
  above: bigint,
): Promise<Result<LightBlock, Fault>> {
  const head = await source.head()
  if (!head.ok) return head
  if (head.value <= above) return refuse({ code: 'snapshot/nothingNewer' })
  const block = await source.lightBlock(head.value)
  if (!block.ok || block.value.commit.height === head.value) return block
  return source.blame({ code: 'snapshot/answer' })
}
