/**
 * The node among its peers: topics, relays of transactions and certificates, blobs and block sync.
 */
import type { Chain } from '../chain/chain.ts'
import { decodeCommit } from '../chain/commit.ts'
import type { Driver, DriverNetwork } from '../consensus/driverModules.ts'
import type { TransactionPool } from '../mempool/transactionPool.ts'
import { type BlobSync, createBlobSync } from '../network/blobSync.ts'
import { type BlockSync, blockSyncTopics, createBlockSync } from '../network/blockSync.ts'
import { maxGossipBytes } from '../network/gossip.ts'
import { createHost, type Host } from '../network/host.ts'
import type { PeerId } from '../network/peer.ts'
import type { GenesisUpgrade } from '../params/genesis.ts'
import { protocolVersion } from '../params/protocol.ts'
import type { Address } from '../primitives/address.ts'
import { utf8ToBytes } from '../primitives/bytes.ts'
import { sleep, systemClock } from '../primitives/clock.ts'
import { type Hash, hashBytes, hashFromBytes, hashOf } from '../primitives/hash.ts'
import { type Fault, invariant, ok, type Result } from '../primitives/result.ts'
import { sidecarName } from '../registry/sidecar.ts'
import type { BlobStore } from '../storage/blobStore.ts'
import { type Announcement, decodeAnnouncement, encodeAnnouncement } from './announcement.ts'
import { applyBlockRecord, loadBlockRecord } from './blockRecord.ts'
import { custodyAnswerBytes, custodyQuestionBytes } from './custodyMessage.ts'
import { evidenceTopic } from './evidenceGossip.ts'
import { type Logger, logFields } from './logger.ts'
import type { Metrics } from './metrics.ts'
import type { SidecarStore } from './sidecarStore.ts'
import { gossipTransactions } from './transactionGossip.ts'
import type { Values } from './values.ts'

/** Messages that peers send each other directly. */
const topics = { consensus: 'consensus', bulk: 'bulk', certificate: 'certificate' } as const

/** Longest consensus message that goes ahead of bulk: votes and proposals, not parts and sidecars. */
const maxUrgentBytes = 16_384

/** Questions to custodians: they fetch weights before they answer. */
const custodyTopic = 'custody'
const custodyTimeoutMs = 60_000

/** Questions for sidecars of committed certificates, by name. */
const sidecarTopic = 'sidecar'
const sidecarTimeoutMs = 20_000
/** Peers may store a block's sidecars a little later than we commit it. */
const sidecarTries = 4
const sidecarPauseMs = 1_500

/** What an operator can do where a block cannot be judged any more; the guard of a validator stays. */
const lackAdvice =
  'no peer keeps the proofs of this block; asking on. To go on without judging them, stop, move the folder `chain` out of the data folder and start with --checkpoint HASH of a block you trust'

/** Points for a certificate that does not hold: two within a minute ban. */
const falseCertificatePoints = 60

type FetchSidecar = (name: Hash, maxBytes: number) => Promise<Uint8Array | null>

export type NetworkingOptions = {
  readonly seed: Uint8Array
  readonly listen: readonly string[]
  readonly bootstrap: readonly string[]
  readonly discover?: boolean | undefined
  readonly validator: Address | null
}

export type NetworkingModules = {
  readonly chain: Chain
  readonly blobs: BlobStore
  readonly sidecars: SidecarStore
  readonly metrics: Metrics
  readonly log: Logger
}

export type Networking = {
  readonly host: Host
  readonly blobSync: BlobSync
  readonly blockSync: BlockSync
  /** The consensus driver's view of the network. */
  readonly driverNetwork: DriverNetwork
  readonly relayCertificate: (announcement: Announcement, except: string | null) => void
  readonly punish: (peer: string, fault: Fault) => void
  /** Ask a peer to vouch for weights; null if it does not. */
  readonly askCustodian: (peer: string, request: Uint8Array) => Promise<Uint8Array | null>
  /** A committed certificate's sidecar from whoever keeps it, or null. */
  readonly fetchSidecar: FetchSidecar
  /** Make a blob be here, from peers if need be. */
  readonly ensureBlob: (
    hash: Hash,
    signal: AbortSignal,
    maxBytes?: number,
  ) => Promise<Result<null, Fault>>
  /** Connect what arrives to its receivers; before the host starts. */
  readonly connect: (receivers: Receivers) => void
}

export type Receivers = {
  readonly transactions: TransactionPool
  readonly certificate: (announcement: Announcement, peer: string) => void
  /** Answers for weights; null where nobody does. */
  readonly custodian: ((peer: string, request: Uint8Array) => Promise<Uint8Array | null>) | null
  readonly values: Pick<Values, 'requiredSidecars' | 'judgeSidecars'>
  /** The head moved by block sync. */
  readonly advanced: Driver['advance']
}

/** A blob must come within this time. */
const blobTimeoutMs = 120_000

export async function createNetworking(
  options: NetworkingOptions,
  { chain, blobs, sidecars, metrics, log }: NetworkingModules,
): Promise<Networking> {
  const { genesis, genesisHash, rules } = chain
  const report = (problem: unknown) => log.debug({ problem: problemFields(problem) }, 'network')
  const { maxSidecarBytes, maxBlockBytes } = rules.params
  const maxBulkBytes = Math.max(maxSidecarBytes, maxBlockBytes) + 200_000
  const host = await createHost(
    {
      seed: options.seed,
      listen: options.listen,
      bootstrap: options.bootstrap,
      discover: options.discover,
      protocolVersion,
      chainId: genesis.chainId,
      genesisHash,
      rulesHashAt: (height) => rulesHashOf(genesis.upgrades, height),
      validator: options.validator,
      topics: {
        ...blockSyncTopics,
        [topics.consensus]: { maxBytes: maxUrgentBytes, urgent: true },
        [topics.bulk]: { maxBytes: maxBulkBytes },
        [topics.certificate]: { maxBytes: maxBulkBytes },
        [evidenceTopic]: { maxBytes: maxGossipBytes },
      },
    },
    { height: () => chain.head().height, report },
  )
  const records = { chain, sidecars }
  // What judges values needs the network first: it is connected before the host starts.
  let values: Receivers['values'] | null = null
  const required = (bytes: Uint8Array) => values?.requiredSidecars(bytes) ?? []
  let advanced: Driver['advance'] = async () => {}
  let toDriver: (peer: string, bytes: Uint8Array) => void = () => {}
  const greetings = new Set<(peer: string) => void>()
  // The driver starts after the host, whose topics need their handlers before.
  host.on(topics.consensus, (peer, bytes) => toDriver(peer, bytes))
  host.on(topics.bulk, (peer, bytes) => toDriver(peer, bytes))
  host.onConnect(({ id }) => {
    metrics.peers.set(host.peers().length)
    for (const greet of greetings) greet(id)
  })
  host.onDisconnect(() => metrics.peers.set(host.peers().length))
  const blobSync = createBlobSync({ host, store: blobs, report })
  const blockSync = createBlockSync(
    {},
    {
      host,
      height: () => chain.head().height,
      loadRecord: (height) => loadBlockRecord(records, (bytes) => required(bytes), height),
      applyRecord: async (height, record) => {
        // Peers have stored long ago what they have: one round of questions is enough.
        const fetch: FetchSidecar = (name, maxBytes) => fetchSidecar(name, maxBytes, 1)
        const modules = { ...records, values: values!, fetchSidecar: fetch }
        const applied = await applyBlockRecord(modules, record, blockSync.target())
        if (applied.ok) await advanced()
        else if (applied.fault.code === 'sync/lacking')
          log.warn({ height: `${height}` }, lackAdvice)
        return applied
      },
      report,
    },
  )

  async function fetchSidecar(
    name: Hash,
    maxBytes: number,
    tries = sidecarTries,
  ): Promise<Uint8Array | null> {
    const limits = { timeoutMs: sidecarTimeoutMs, maxBytes }
    for (let tried = 0; tried < tries; tried++) {
      if (tried > 0) await sleep(systemClock, sidecarPauseMs)
      for (const { id } of host.peers()) {
        const answer = await host.request(id, sidecarTopic, hashBytes(name), limits)
        if (answer.ok && sidecarName(answer.value) === name) return answer.value
      }
    }
    return null
  }

  async function ensureBlob(
    hash: Hash,
    signal: AbortSignal,
    maxBytes?: number,
  ): Promise<Result<null, Fault>> {
    if (await blobs.has(hash)) return ok(null)
    log.debug({ hash }, 'fetching blob')
    const fetched = await blobSync.fetchBlob(hash, { signal, timeoutMs: blobTimeoutMs, maxBytes })
    if (fetched.ok) log.info({ hash, bytes: fetched.value }, 'blob fetched')
    return fetched.ok ? ok(null) : fetched
  }

  function connect(receivers: Receivers): void {
    const { transactions, certificate, custodian } = receivers
    advanced = receivers.advanced
    values = receivers.values
    host.serve(sidecarTopic, 32, async (_peer, name) =>
      name.length === 32 ? ((await sidecars.get(hashFromBytes(name)))?.bytes ?? null) : null,
    )
    host.serve(custodyTopic, custodyQuestionBytes, async (peer, request) =>
      custodian === null ? null : custodian(peer, request),
    )
    host.on(topics.certificate, (peer, bytes) => {
      const decoded = decodeAnnouncement(bytes, rules.params.maxSidecarBytes)
      if (decoded.ok) certificate(decoded.value, peer)
      else host.penalize(peer, falseCertificatePoints, decoded.fault.code)
    })
    gossipTransactions(host, transactions)
  }

  return {
    host,
    blobSync,
    blockSync,
    ensureBlob,
    fetchSidecar,
    askCustodian: async (peer, request) => {
      const limits = { timeoutMs: custodyTimeoutMs, maxBytes: custodyAnswerBytes }
      const answer = await host.request(peer as PeerId, custodyTopic, request, limits)
      return answer.ok ? answer.value : null
    },
    connect,
    driverNetwork: {
      send: (peer, bytes) => {
        if (host.send(peer as PeerId, laneOf(bytes), bytes).ok) metrics.consensusMessages.inc()
      },
      broadcast: (bytes) => {
        metrics.consensusMessages.inc(host.broadcast(laneOf(bytes), bytes))
      },
      peers: () => host.peers().map(({ id }) => id),
      onMessage: (receive) => {
        toDriver = receive
        return () => {
          toDriver = () => {}
        }
      },
      onConnect: (connected) => {
        greetings.add(connected)
        return () => {
          greetings.delete(connected)
        }
      },
    },
    relayCertificate: (announcement, except) => {
      const bytes = encodeAnnouncement(announcement)
      host.broadcast(topics.certificate, bytes, (except ?? undefined) as PeerId | undefined)
    },
    punish: (peer, fault) => host.penalize(peer as PeerId, falseCertificatePoints, fault.code),
  }
}

function laneOf(bytes: Uint8Array): string {
  return bytes.length > maxUrgentBytes ? topics.bulk : topics.consensus
}

/** A committed block as the driver serves it to peers that lag. */
export async function loadCommitted(chain: Chain, height: bigint) {
  const [bytes, encoded] = [await chain.envelopeAt(height), await chain.commitAt(height)]
  if (bytes === null || encoded === null) return null
  const commit = decodeCommit(encoded)
  invariant(commit.ok, `commit of block ${height} is damaged`)
  return { bytes, commit: commit.value }
}

function rulesHashOf(upgrades: readonly GenesisUpgrade[], height: bigint): Hash {
  const past = upgrades.filter((upgrade) => BigInt(upgrade.height) <= height)
  return hashOf('waggle/rules/v1', utf8ToBytes(JSON.stringify(past)))
}

function problemFields(problem: unknown): object {
  if (problem instanceof Error) return { message: problem.message }
  return typeof problem === 'object' && problem !== null ? logFields(problem) : { problem }
}
