/**
 * A whole node without disk, sockets and children: the real chain, pools, builder, judge and consensus,
 * on virtual time. Work is done and judged by a workshop in this process.
 */

import { type Chain, createChain } from '../../chain/chain.ts'
import { encodeCommit } from '../../chain/commit.ts'
import type { Rules } from '../../chain/rules.ts'
import { createDriver } from '../../consensus/driver.ts'
import type { DriverEvent, DriverNetwork } from '../../consensus/driverModules.ts'
import type { Evidence } from '../../consensus/offences.ts'
import { createTransactionPool, type TransactionPool } from '../../mempool/transactionPool.ts'
import {
  type Announcement,
  decodeAnnouncement,
  encodeAnnouncement,
} from '../../node/announcement.ts'
import { type Certificates, createCertificates } from '../../node/certificates.ts'
import { createEvidencePool } from '../../node/evidencePool.ts'
import type { ValidatorKeys } from '../../node/keys.ts'
import { createLogger } from '../../node/logger.ts'
import { createMetrics } from '../../node/metrics.ts'
import { loadCommitted } from '../../node/networking.ts'
import { createValues } from '../../node/values.ts'
import type { Genesis } from '../../params/genesis.ts'
import type { Clock } from '../../primitives/clock.ts'
import type { Hash } from '../../primitives/hash.ts'
import type { VerifyStep } from '../../proof/stepVerifier.ts'
import { inspectTransaction } from '../../vm/transaction.ts'
import { createDisk, type Disk } from './disk.ts'

/** Kinds of packets between nodes. */
export type Lane = 'consensus' | 'transaction' | 'certificate' | 'evidence'

export type NodeModules = {
  readonly place: number
  readonly places: readonly number[]
  readonly genesis: Genesis
  readonly rules: Rules
  readonly keys: ValidatorKeys
  readonly clock: Clock
  /** Say something to another place. */
  readonly say: (to: number, lane: Lane, bytes: Uint8Array) => void
  readonly verify: VerifyStep
  /** A liar's way with values of its own. */
  readonly spoil: (envelope: Uint8Array) => Uint8Array
  readonly onCommit: (height: bigint, envelopeHash: Hash) => void
  readonly onEvidence: (evidence: Evidence) => void
  readonly onEvent: (event: DriverEvent) => void
  readonly report: (error: unknown) => void
}

export type SimNode = {
  readonly place: number
  readonly isUp: () => boolean
  readonly start: () => Promise<void>
  readonly crash: (keep: (unsynced: number) => number) => void
  readonly receive: (from: number, lane: Lane, bytes: Uint8Array) => void
  /** What runs while the node is up. */
  readonly parts: () => Parts
}

type Parts = {
  readonly chain: Chain
  readonly transactions: TransactionPool
  readonly certificates: Certificates
  readonly evidence: ReturnType<typeof createEvidencePool>
}

/** What one life of a node hears with. */
type Ears = { consensus: (peer: string, bytes: Uint8Array) => void }

const log = createLogger('silent', null)
const metrics = createMetrics()

export function createSimNode(modules: NodeModules): SimNode {
  const { place, places, genesis, keys, say, report } = modules
  const disk: Disk = createDisk(keys.votingKey, genesis.chainId)
  const others = places.filter((other) => other !== place)
  const tell = (lane: Lane, bytes: Uint8Array, except: number | null = null) => {
    for (const to of others) if (to !== except) say(to, lane, bytes)
  }
  let life = 0
  let ears: Ears | null = null
  let parts: Parts | null = null

  async function start(): Promise<void> {
    const mine = ++life
    // An earlier life's timers and network are dead.
    const clock: Clock = {
      now: modules.clock.now,
      after: (delayMs, action) =>
        modules.clock.after(delayMs, () => {
          if (mine === life) action()
        }),
    }
    const chain = await createChain(disk.store, genesis, modules.rules)
    const heard: Ears = { consensus: () => {} }
    const opened = openParts(chain, clock)
    const driver = createDriver({}, driverModules(chain, clock, opened, heard))
    ears = heard
    parts = opened
    await driver.start()
  }

  function openParts(chain: Chain, clock: Clock): Parts {
    const { engine } = modules.rules
    const pools = {
      account: async (
        address: Parameters<Parameters<typeof createTransactionPool>[1]['account']>[0],
      ) => (await chain.readAt(chain.head().height))!.account(address),
      nextBaseFee: () => chain.head().header.calcNextBaseFee(),
    }
    const nextGasLimit = () =>
      BigInt(modules.rules.paramsAt(chain.head().height + 1n).blockGasLimit)
    const transactions = createTransactionPool({}, { engine, clock, ...pools, nextGasLimit })
    transactions.onAdded(({ tx }) => tell('transaction', tx.serialize()))
    const evidence = createEvidencePool({ chain })
    evidence.onFound((bytes) => tell('evidence', bytes))
    const certificates = createCertificates({
      chain,
      clock,
      ...pools,
      verify: modules.verify,
      relay: (announcement: Announcement, except) =>
        tell(
          'certificate',
          encodeAnnouncement(announcement),
          except === null ? null : Number(except),
        ),
      punish: () => {},
      metrics,
      log,
    })
    return { chain, transactions, evidence, certificates }
  }

  function driverModules(chain: Chain, clock: Clock, opened: Parts, heard: Ears) {
    const { transactions, certificates, evidence } = opened
    const values = createValues({
      chain,
      clock,
      transactions,
      certificates: certificates.pool,
      evidence,
      metrics,
      log,
    })
    const build = values.builder(keys.address, disk.signer)
    return {
      ...values,
      clock,
      chainId: genesis.chainId,
      params: genesis.params,
      head: () => ({ height: chain.head().height, time: chain.head().header.timestamp }),
      setAt: async (height: bigint) => (await chain.setAt(height))!,
      buildValue: async (height: bigint, round: number) => {
        const built = await build(height, round)
        return { ...built, bytes: modules.spoil(built.bytes) }
      },
      commit: async (
        height: bigint,
        bytes: Uint8Array,
        commit: Parameters<typeof encodeCommit>[0],
      ) => {
        const committed = await chain.commit(bytes, encodeCommit(commit))
        if (!committed.ok) throw new Error(`${height}: ${committed.fault.code}`)
        modules.onCommit(height, commit.envelopeHash)
        await follow(chain, opened, bytes, height)
      },
      loadCommitted: (height: bigint) => loadCommitted(chain, height),
      signer: disk.signer,
      wal: disk.openWal(),
      network: networkOf(heard),
      hasWork: () => transactions.ordered().length > 0 || evidence.pending().length > 0,
      onWork: (arrived: () => void) => transactions.onAdded(arrived),
      behind: () => {},
      misbehaved: () => {},
      onEvidence: (found: Evidence) => {
        modules.onEvidence(found)
        evidence.add(found)
      },
      onEvent: modules.onEvent,
      report,
    }
  }

  /** What the head means for the pools. */
  async function follow(
    chain: Chain,
    { transactions, certificates, evidence }: Parts,
    bytes: Uint8Array,
    height: bigint,
  ): Promise<void> {
    const { block } = (await chain.blockAt(height))!
    const mined = block.transactions.flatMap((tx) => {
      const inspected = inspectTransaction(tx)
      return inspected.ok ? [inspected.value] : []
    })
    await transactions.reset(mined)
    await certificates.pool.reset(height, mined)
    evidence.reset(bytes, height)
    certificates.onHead()
  }

  function networkOf(heard: Ears): DriverNetwork {
    return {
      send: (peer, bytes) => say(Number(peer), 'consensus', bytes),
      broadcast: (bytes) => tell('consensus', bytes),
      peers: () => others.map(String),
      onMessage: (receive) => {
        heard.consensus = receive
        return () => {
          heard.consensus = () => {}
        }
      },
      onConnect: () => () => {},
    }
  }

  function receive(from: number, lane: Lane, bytes: Uint8Array): void {
    if (parts === null) return
    const { transactions, certificates, evidence } = parts
    switch (lane) {
      case 'consensus':
        ears?.consensus(String(from), bytes)
        return
      case 'transaction':
        transactions.add(bytes).catch(report)
        return
      case 'certificate': {
        const decoded = decodeAnnouncement(bytes, genesis.params.maxSidecarBytes)
        if (decoded.ok) certificates.take(decoded.value, String(from)).catch(report)
        return
      }
      case 'evidence':
        evidence.take(bytes).then((verdict) => {
          if (verdict === 'relay') tell('evidence', bytes, from)
        }, report)
        return
      default:
        lane satisfies never
    }
  }

  return {
    place,
    isUp: () => parts !== null,
    start,
    crash: (keep) => {
      life++
      ears = null
      parts = null
      disk.crash(keep)
    },
    receive,
    parts: () => {
      if (parts === null) throw new Error(`node ${place} is down`)
      return parts
    },
  }
}
