/**
 * An index of settled certificates, kept beside the chain: the state knows only the newest range of a
 * job. Also turns the logs of each new block into events for subscribers.
 *
 * Keys: `h` next block to read; `c` job range: a certificate; `w` blob: the job whose weights it holds.
 */
import { moduleAddresses } from '../params/protocol.ts'
import { addressBytes, addressFromBytes } from '../primitives/address.ts'
import { bytesToUint, concatBytes, uintBytes, utf8ToBytes } from '../primitives/bytes.ts'
import { decode, type Reader, Writer } from '../primitives/codec.ts'
import { type Hash, hashBytes, hashFromBytes } from '../primitives/hash.ts'
import { invariant } from '../primitives/result.ts'
import type { KeyValue, Write } from '../storage/keyValue.ts'
import { mayContain } from './bloom.ts'
import { certificateOf, jobEventsOf } from './jobEvents.ts'
import type { RpcChain, RpcEvents } from './modules.ts'
import type { LogFilter } from './schemas.ts'
import type { CertificateView, JobEvent } from './workViews.ts'

export type WorkIndex = {
  /** Read blocks up to the head, again whenever it moves; resolves when the first pass is done. */
  readonly start: () => Promise<void>
  readonly stop: () => Promise<void>
  readonly certificate: (job: Hash, range: number) => Promise<CertificateView | null>
  /** The first job whose certified weights the blob is; null: none that is known. */
  readonly jobOfWeights: (blob: Hash) => Promise<Hash | null>
  readonly onJob: RpcEvents['onJob']
  readonly onCertificate: RpcEvents['onCertificate']
}

export type WorkIndexModules = {
  /** A part of the node's store; nothing else writes there. */
  readonly store: KeyValue
  readonly chain: Pick<RpcChain, 'head' | 'header' | 'block' | 'receipts'>
  readonly onHead: (listener: () => void) => () => void
  readonly report: (error: unknown) => void
}

const nextKey = utf8ToBytes('h')

/** What the blocks that have something for this index log. */
const ofJobs: LogFilter = { addresses: [moduleAddresses.jobs], topics: [] }

export function createWorkIndex({ store, chain, onHead, report }: WorkIndexModules): WorkIndex {
  const jobListeners = new Set<(event: JobEvent) => void>()
  const certificateListeners = new Set<(certificate: CertificateView) => void>()
  let stopHead = () => {}
  let stopped = false
  let running: Promise<void> | null = null

  /** One pass at a time; a head that moves meanwhile is seen by the pass under way. */
  function catchUp(): Promise<void> {
    running ??= pass().finally(() => {
      running = null
    })
    return running
  }

  async function pass(): Promise<void> {
    const liveFrom = chain.head()
    let next = bytesToUint((await store.get(nextKey)) ?? uintBytes(1, 8))
    for (; next <= chain.head() && !stopped; next++) await readBlock(next, next >= liveFrom)
  }

  async function readBlock(number: bigint, live: boolean): Promise<void> {
    const header = await chain.header(number)
    // A node that started from a snapshot has no blocks from before it.
    if (header === null) return
    const events = mayContain(header.logsBloom, ofJobs) ? await eventsOf(number) : []
    const certificates = events.flatMap((event) => certificateOf(event) ?? [])
    const writes: Write[] = certificates.map((certificate) => ({
      key: certificateKey(certificate.job, certificate.range),
      value: encodeCertificate(certificate),
    }))
    writes.push(...(await Promise.all(certificates.map(firstOf))).flat())
    await store.batch([...writes, { key: nextKey, value: uintBytes(number + 1n, 8) }])
    if (live) tell(events, certificates)
  }

  function tell(events: readonly JobEvent[], certificates: readonly CertificateView[]): void {
    for (const event of events) for (const listener of jobListeners) listener(event)
    for (const certificate of certificates)
      for (const listener of certificateListeners) listener(certificate)
  }

  async function eventsOf(number: bigint): Promise<readonly JobEvent[]> {
    const [block, receipts] = await Promise.all([chain.block(number), chain.receipts(number)])
    return block === null || receipts === null ? [] : jobEventsOf(block, receipts)
  }

  /** Whose weights they are: the job's that had them first. */
  async function firstOf({ job, weights }: CertificateView): Promise<readonly Write[]> {
    const known = await jobOfWeights(weights)
    return known === null ? [{ key: weightsKey(weights), value: hashBytes(job) }] : []
  }

  async function jobOfWeights(blob: Hash): Promise<Hash | null> {
    const bytes = await store.get(weightsKey(blob))
    return bytes === null ? null : hashFromBytes(bytes)
  }

  return {
    start: async () => {
      await catchUp()
      stopHead = onHead(() => {
        catchUp().catch(report)
      })
      await catchUp()
    },
    stop: async () => {
      stopped = true
      stopHead()
      await running?.catch(report)
    },
    certificate: async (job, range) => {
      const bytes = await store.get(certificateKey(job, range))
      return bytes === null ? null : decodeCertificate(job, range, bytes)
    },
    jobOfWeights,
    onJob: (listener) => {
      jobListeners.add(listener)
      return () => {
        jobListeners.delete(listener)
      }
    },
    onCertificate: (listener) => {
      certificateListeners.add(listener)
      return () => {
        certificateListeners.delete(listener)
      }
    },
  }
}

function certificateKey(job: Hash, range: number): Uint8Array {
  return concatBytes(utf8ToBytes('c'), hashBytes(job), uintBytes(range, 4))
}

function weightsKey(blob: Hash): Uint8Array {
  return concatBytes(utf8ToBytes('w'), hashBytes(blob))
}

/** Steps of one range, hence losses of one certificate. */
const maxLosses = 65_536

function encodeCertificate(certificate: CertificateView): Uint8Array {
  return new Writer()
    .uint(certificate.steps, 4)
    .fixed(addressBytes(certificate.worker))
    .hash(certificate.stateAfter)
    .hash(certificate.weights)
    .list(certificate.losses, (loss, writer) => writer.uint(loss, 8))
    .uint(certificate.fee, 32)
    .hash(certificate.sidecar)
    .uint(certificate.blockNumber, 8)
    .hash(certificate.transactionHash)
    .bytes()
}

function decodeCertificate(job: Hash, range: number, bytes: Uint8Array): CertificateView {
  const decoded = decode(bytes, (reader: Reader) => ({
    job,
    range,
    steps: reader.number(4),
    worker: addressFromBytes(reader.fixed(20)),
    stateAfter: reader.hash(),
    weights: reader.hash(),
    losses: reader.list(maxLosses, (from) => from.uint(8)),
    fee: reader.uint(32),
    sidecar: reader.hash(),
    blockNumber: reader.uint(8),
    transactionHash: reader.hash(),
  }))
  invariant(decoded.ok, `workIndex: certificate of ${job} range ${range} is damaged`)
  return decoded.value
}
