/**
 * Certificates waiting for a block: a `Jobs.certify` transaction and its proof. A certificate is
 * verified before it is kept or passed on; what can be refused cheaply is refused first.
 */
import type { Candidate, CertificateCost } from '../chain/builder.ts'
import type { ChainParams } from '../params/chainParams.ts'
import type { Address } from '../primitives/address.ts'
import type { Clock } from '../primitives/clock.ts'
import type { Hash } from '../primitives/hash.ts'
import { type Fault, ok, type Result, refuse } from '../primitives/result.ts'
import { sidecarName } from '../registry/sidecar.ts'
import type { Engine } from '../vm/engine.ts'
import { decodeTransaction, feeCap, maxCost, type Transaction } from '../vm/transaction.ts'
import {
  type CertificateClaim,
  type CertificateFault,
  claimOf,
  verdictName,
} from './certificateClaim.ts'
import type { SenderAccount } from './senderQueue.ts'
import { SidecarShelf } from './sidecars.ts'
import { type Verdict, Verdicts } from './verdicts.ts'

export type Certificate = CertificateClaim & {
  readonly cost: CertificateCost
  readonly sidecarBytes: number
  /** Clock, milliseconds. */
  readonly announcedAt: number
}

export type CertificatePoolOptions = {
  /** Bytes of waiting proofs. @default 64 MiB */
  readonly maxBytes?: number | undefined
  /** Verifications that may run or wait at once. @default 16 */
  readonly maxVerifications?: number | undefined
  /** Of one source at once. @default 2 */
  readonly maxPerSource?: number | undefined
  /** Verdicts remembered. @default 4096 */
  readonly maxVerdicts?: number | undefined
  /** Bytes of proofs kept after inclusion. @default 128 MiB */
  readonly keptBytes?: number | undefined
  /** Blocks for which an included proof is kept. @default 64 */
  readonly keptBlocks?: bigint | undefined
}

export type CertificateModules = {
  readonly engine: Engine
  readonly params: ChainParams
  readonly clock: Pick<Clock, 'now'>
  readonly account: (address: Address) => Promise<SenderAccount>
  readonly nextBaseFee: () => bigint
  /** Whether the head's state would take the claim, and what its proof costs; reads no proof. */
  readonly screen: (claim: CertificateClaim) => Promise<Result<CertificateCost, Fault>>
  /**
   * Names what the head's state adds to the claim, as far as the proof's verdict rests on it: the same
   * bits name other custodians once a lease is drawn from another set. Rejects where there is no lease.
   */
  readonly basis: (claim: CertificateClaim) => Promise<Hash>
  /** Judges the proof. A refusal is remembered for good unless it is marked `transient`. */
  readonly verifyCertificate: (
    claim: CertificateClaim,
    sidecar: Uint8Array,
    basis: Hash,
  ) => Promise<Verdict>
}

/** Certificates that one worker may have waiting for one range: a better fee, or more custodians. */
const maxPerRange = 4

export type CertificatePool = {
  /** Check, verify and keep. @param from - who sent it; bounds what one source can make us do. */
  readonly add: (
    transaction: Uint8Array,
    sidecar: Uint8Array,
    from: string,
  ) => Promise<Result<Certificate, CertificateFault>>
  readonly get: (transaction: Hash) => Certificate | null
  readonly all: () => readonly Certificate[]
  /** For the builder: announced at least `certificateAgeMs` ago, oldest first. */
  readonly take: () => readonly Candidate[]
  /** A proof that waits or was included not long ago. */
  readonly sidecar: (name: Hash) => Uint8Array | null
  /** The verdict on a certificate of a proposed block; worked out at most once. */
  readonly judge: (
    transaction: Transaction,
    sidecar: Uint8Array,
  ) => Promise<Result<null, CertificateFault>>
  /** A block was committed; its proofs, as far as this node has them, stay for a while. */
  readonly reset: (
    height: bigint,
    mined: readonly Transaction[],
    sidecars?: ReadonlyMap<Hash, Uint8Array>,
  ) => Promise<void>
  readonly drop: (transaction: Hash) => void
  readonly onAdded: (listener: (certificate: Certificate) => void) => () => void
}

export function createCertificatePool(
  options: CertificatePoolOptions,
  modules: CertificateModules,
): CertificatePool {
  const {
    maxBytes = 67_108_864,
    maxVerifications = 16,
    maxPerSource = 2,
    maxVerdicts = 4_096,
    keptBytes = 134_217_728,
    keptBlocks = 64n,
  } = options
  const { engine, params, clock } = modules
  const waiting = new Map<Hash, Certificate>()
  const shelf = new SidecarShelf(keptBytes)
  const verdicts = new Verdicts(maxVerdicts)
  const listeners = new Set<(certificate: Certificate) => void>()
  const sources = new Map<string, number>()
  let bytesHeld = 0

  async function add(
    bytes: Uint8Array,
    sidecar: Uint8Array,
    from: string,
  ): Promise<Result<Certificate, CertificateFault>> {
    const decoded = decodeTransaction(engine, bytes)
    if (!decoded.ok) return decoded
    const claim = claimOf(engine, decoded.value)
    if (claim === null) return refuse({ code: 'certificate/call', hash: decoded.value.hash })
    const fault = faultAlone(claim, sidecar) ?? (await senderFault(claim))
    if (fault !== null) return refuse(fault)
    const screened = await modules.screen(claim)
    if (!screened.ok) return refuse({ code: 'certificate/refused', fault: screened.fault })
    const basis = await modules.basis(claim)
    const busy = busyFault(verdictName(claim, basis), from)
    if (busy !== null) return refuse(busy)
    const verified = await counted(from, () => verify(claim, sidecar, basis))
    if (!verified.ok) return verified
    return keep(claim, sidecar, screened.value)
  }

  /** Whether a new verification would be one too many, for this source or at all. */
  function busyFault(name: Hash, from: string): CertificateFault | null {
    if (verdicts.known(name) !== undefined) return null
    if ((sources.get(from) ?? 0) >= maxPerSource)
      return { code: 'certificate/busy', max: maxPerSource }
    if (verdicts.running >= maxVerifications)
      return { code: 'certificate/busy', max: maxVerifications }
    return null
  }

  function faultAlone(claim: CertificateClaim, sidecar: Uint8Array): CertificateFault | null {
    const { hash } = claim.transaction
    if (waiting.has(hash)) return { code: 'certificate/known', hash }
    const max = params.maxSidecarBytes
    if (sidecar.length > max) return { code: 'certificate/sidecarSize', max, got: sidecar.length }
    if (bytesHeld + sidecar.length > maxBytes) return { code: 'certificate/full', maxBytes }
    // A verdict counts for every transaction with the same claim, so that copies cost nothing to make.
    if (copiesOf(claim) >= maxPerRange) return { code: 'certificate/busy', max: maxPerRange }
    const got = sidecarName(sidecar)
    return got === claim.sidecar
      ? null
      : { code: 'certificate/sidecar', expected: claim.sidecar, got }
  }

  function copiesOf({ worker, job, range }: CertificateClaim): number {
    let copies = 0
    for (const other of waiting.values())
      if (other.worker === worker && other.job === job && other.range === range) copies++
    return copies
  }

  /** A certificate must be executable at once: it is worth nothing later. */
  async function senderFault({
    transaction: { tx, sender },
  }: CertificateClaim): Promise<CertificateFault | null> {
    const { nonce, balance } = await modules.account(sender)
    const baseFee = modules.nextBaseFee()
    if (feeCap(tx) < baseFee) return { code: 'certificate/fee', baseFee, got: feeCap(tx) }
    const ahead = BigInt([...waiting.values()].filter(({ worker }) => worker === sender).length)
    if (tx.nonce < nonce || tx.nonce > nonce + ahead)
      return { code: 'certificate/nonce', next: nonce + ahead, got: tx.nonce }
    const needed = maxCost(tx)
    return needed > balance ? { code: 'certificate/balance', needed, got: balance } : null
  }

  async function counted<T>(from: string, action: () => Promise<T>): Promise<T> {
    sources.set(from, (sources.get(from) ?? 0) + 1)
    try {
      return await action()
    } finally {
      const left = sources.get(from)! - 1
      if (left === 0) sources.delete(from)
      else sources.set(from, left)
    }
  }

  async function verify(
    claim: CertificateClaim,
    sidecar: Uint8Array,
    basis: Hash,
  ): Promise<Result<null, CertificateFault>> {
    const lane = `${claim.job}/${claim.range}/${claim.worker}`
    const verdict = await verdicts.of(verdictName(claim, basis), lane, () =>
      modules.verifyCertificate(claim, sidecar, basis),
    )
    return verdict.ok ? verdict : refuse({ code: 'certificate/proof', fault: verdict.fault })
  }

  function keep(
    claim: CertificateClaim,
    sidecar: Uint8Array,
    cost: CertificateCost,
  ): Result<Certificate, CertificateFault> {
    // Verification took time: room may be gone, or a copy may have come in.
    const fault = faultAlone(claim, sidecar)
    if (fault !== null) return refuse(fault)
    const certificate = {
      ...claim,
      cost,
      sidecarBytes: sidecar.length,
      announcedAt: clock.now(),
    }
    waiting.set(claim.transaction.hash, certificate)
    bytesHeld += sidecar.length
    shelf.hold(claim.sidecar, sidecar)
    for (const listener of listeners) listener(certificate)
    return ok(certificate)
  }

  function drop(hash: Hash): void {
    const certificate = waiting.get(hash)
    if (certificate === undefined) return
    waiting.delete(hash)
    bytesHeld -= certificate.sidecarBytes
    const shared = [...waiting.values()].some(({ sidecar }) => sidecar === certificate.sidecar)
    if (!shared) shelf.drop(certificate.sidecar)
  }

  function take(): readonly Candidate[] {
    const latest = clock.now() - params.certificateAgeMs
    return [...waiting.values()]
      .filter(({ announcedAt }) => announcedAt <= latest)
      .sort((a, b) => order(a, b))
      .map(({ transaction, cost }) => ({ transaction, certificate: cost }))
  }

  async function judge(
    transaction: Transaction,
    sidecar: Uint8Array,
  ): Promise<Result<null, CertificateFault>> {
    const claim = claimOf(engine, transaction)
    if (claim === null) return refuse({ code: 'certificate/call', hash: transaction.hash })
    const got = sidecarName(sidecar)
    if (got !== claim.sidecar)
      return refuse({ code: 'certificate/sidecar', expected: claim.sidecar, got })
    return verify(claim, sidecar, await modules.basis(claim))
  }

  async function reset(
    height: bigint,
    mined: readonly Transaction[],
    sidecars: ReadonlyMap<Hash, Uint8Array> = new Map(),
  ): Promise<void> {
    for (const transaction of mined) shelve(height, transaction, sidecars)
    for (const { hash } of mined) drop(hash)
    for (const certificate of [...waiting.values()])
      if (await isStale(certificate)) drop(certificate.transaction.hash)
    shelf.prune(height - keptBlocks)
  }

  function shelve(
    height: bigint,
    transaction: Transaction,
    sidecars: ReadonlyMap<Hash, Uint8Array>,
  ): void {
    const claim = claimOf(engine, transaction)
    if (claim === null) return
    const bytes = shelf.get(claim.sidecar) ?? sidecars.get(claim.sidecar)
    if (bytes !== undefined) shelf.included(claim.sidecar, bytes, height)
  }

  async function isStale(certificate: Certificate): Promise<boolean> {
    const { nonce } = await modules.account(certificate.worker)
    if (certificate.transaction.tx.nonce < nonce) return true
    return !(await modules.screen(certificate)).ok
  }

  return {
    add,
    get: (hash) => waiting.get(hash) ?? null,
    all: () => [...waiting.values()],
    take,
    sidecar: (name) => shelf.get(name),
    judge,
    reset,
    drop,
    onAdded: (listener) => {
      listeners.add(listener)
      return () => {
        listeners.delete(listener)
      }
    },
  }
}

/** Oldest first, and one worker's in nonce order. */
function order(a: Certificate, b: Certificate): number {
  if (a.worker === b.worker) return a.transaction.tx.nonce < b.transaction.tx.nonce ? -1 : 1
  return a.announcedAt - b.announcedAt
}
