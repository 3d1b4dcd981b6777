/**
 * Values for consensus: building a block from the pools, and judging others' before this node votes
 * for them (docs/spec/consensus.md, validity in two parts).
 */

import { readBlock } from '../chain/blockCodec.ts'
import type { BuildRequest, Skip } from '../chain/builder.ts'
import { isCertify } from '../chain/certify.ts'
import type { Chain } from '../chain/chain.ts'
import { decodeEnvelope } from '../chain/envelope.ts'
import type { BuiltValue, DriverModules, Judged } from '../consensus/driverModules.ts'
import type { Signer } from '../consensus/signer.ts'
import { claimOf } from '../mempool/certificateClaim.ts'
import type { CertificatePool } from '../mempool/certificatePool.ts'
import type { TransactionPool } from '../mempool/transactionPool.ts'
import { type Address, addressFromBytes } from '../primitives/address.ts'
import { utf8ToBytes } from '../primitives/bytes.ts'
import type { Clock } from '../primitives/clock.ts'
import type { Hash } from '../primitives/hash.ts'
import {
  describeFault,
  type Fault,
  invariant,
  ok,
  type Result,
  refuse,
} from '../primitives/result.ts'
import { certificateCost } from '../proof/certificateCost.ts'
import { leaseCount } from '../registry/evaluation.ts'
import { ProofKind } from '../registry/job.ts'
import { readJob } from '../registry/jobRecord.ts'
import { sidecarName } from '../registry/sidecar.ts'
import { inspectTransaction, type Transaction } from '../vm/transaction.ts'
import type { EvidencePool } from './evidencePool.ts'
import type { Logger } from './logger.ts'
import { logFields } from './logger.ts'
import type { Metrics } from './metrics.ts'
import { createSlowList } from './slowList.ts'

export type ValueModules = {
  readonly chain: Chain
  readonly clock: Clock
  readonly transactions: TransactionPool
  readonly certificates: CertificatePool
  readonly evidence: Pick<EvidencePool, 'pending' | 'drop'>
  readonly metrics: Metrics
  readonly log: Logger
}

export type Values = Pick<DriverModules, 'judge' | 'requiredSidecars' | 'sidecarName'> & {
  /** Judge the proofs of the next block, which was committed without us; re-execution is skipped. */
  readonly judgeSidecars: (
    envelope: Uint8Array,
    sidecars: ReadonlyMap<Hash, Uint8Array>,
  ) => Promise<Result<null, Fault>>
  /** For a validator: `buildValue` of the driver. */
  readonly builder: (self: Address, signer: Signer) => DriverModules['buildValue']
}

function fault(code: string, numbers: object): Fault {
  return { code, ...numbers }
}

/** Spells the software in `extraData`. */
const extraData = utf8ToBytes('waggle')

export function createValues(modules: ValueModules): Values {
  const { chain, clock, transactions, certificates, evidence, metrics, log } = modules
  const { engine, params } = chain.rules
  const slow = createSlowList()

  async function build(self: Address, signer: Signer, height: bigint): Promise<BuiltValue> {
    const head = chain.head()
    invariant(height === head.height + 1n, `build: block ${height} on head ${head.height}`)
    const parentCommit = await commitOf(head.height)
    const now = BigInt(Math.floor(clock.now() / 1_000))
    const parentTime = head.header.timestamp
    const candidates = slow.last(transactions.ordered()).map((transaction) => ({ transaction }))
    const request: BuildRequest = {
      candidates: [...certificates.take(), ...candidates],
      coinbase: self,
      reveal: signer.signReveal(height),
      parentCommit,
      evidence: evidence.pending(),
      timestamp: now > parentTime ? now : parentTime + 1n,
      extraData,
    }
    const built = await chain.build(request, clock)
    if (!built.ok && built.fault.code === 'block/evidence') {
      evidence.drop(request.evidence[built.fault.index]!)
      return build(self, signer, height)
    }
    if (!built.ok) throw new Error(`cannot build block ${height}: ${describeFault(built.fault)}`)
    built.value.skipped.forEach(forgetSkipped)
    const { envelope, outcome } = built.value
    return {
      bytes: envelope,
      time: outcome.block.header.timestamp,
      sidecars: sidecarsOf(outcome.transactions).map((name) => {
        const bytes = certificates.sidecar(name)
        invariant(bytes !== null, `build: sidecar ${name} is gone`)
        return { name, bytes }
      }),
    }
  }

  /** Genesis is committed by being the genesis. */
  async function commitOf(height: bigint): Promise<Uint8Array> {
    const commit = height === 0n ? new Uint8Array() : await chain.commitAt(height)
    invariant(commit !== null, `build: no commit of block ${height}`)
    return commit
  }

  /** What can never be packed leaves its pool; the rest may fit the next block. */
  function forgetSkipped({ hash, fault }: Skip): void {
    log.debug({ hash, fault: logFields(fault) }, 'transaction left out')
    if (fault.code === 'build/certifyReverted') certificates.drop(hash)
    const hopeless = fault.code === 'build/slow' && slow.strike(hash)
    if (hopeless || fault.code === 'build/execution') transactions.drop(hash)
  }

  function sidecarsOf(chosen: readonly Transaction[]): readonly Hash[] {
    const claims = chosen.map((transaction) => claimOf(engine, transaction))
    return [...new Set(claims.flatMap((claim) => (claim === null ? [] : [claim.sidecar])))]
  }

  async function judge(
    _height: bigint,
    bytes: Uint8Array,
    sidecars: ReadonlyMap<Hash, Uint8Array>,
    signal: AbortSignal,
  ): Promise<Result<Judged, Fault>> {
    const started = clock.now()
    const expired = () => signal.aborted || clock.now() - started > params.executionLimitMs
    const judged = await chain.judge(bytes, expired)
    if (!judged.ok) return judged
    const crowded = await burdenFault(judged.value.transactions, sidecars)
    if (crowded !== null) return refuse(crowded)
    for (const transaction of judged.value.transactions) {
      const fault = await admissibilityFault(transaction, sidecars)
      if (fault !== null) return refuse(fault)
    }
    metrics.judgeSeconds.observe((clock.now() - started) / 1_000)
    return ok({ time: judged.value.block.header.timestamp })
  }

  /** Whether judging the block's certificates costs more than a block may ask of its voters. */
  async function burdenFault(
    all: readonly Transaction[],
    sidecars: ReadonlyMap<Hash, Uint8Array>,
  ): Promise<Fault | null> {
    const { maxSidecarBytes, maxVerifyMs } = params
    const bytes = [...sidecars.values()].reduce((sum, { length }) => sum + length, 0)
    if (bytes > maxSidecarBytes)
      return fault('block/sidecarBytes', { max: maxSidecarBytes, got: bytes })
    const reader = await chain.readAt(chain.head().height)
    let ms = 0n
    for (const transaction of all) {
      const claim = claimOf(engine, transaction)
      const record = claim && reader ? await readJob(reader.world, claim.job) : null
      if (claim !== null && record !== null && claim.range < leaseCount(record.job))
        ms += certificateCost(record.job, claim.range).verifyMs
    }
    return ms > BigInt(maxVerifyMs)
      ? fault('block/verification', { maxMs: maxVerifyMs, gotMs: ms })
      : null
  }

  async function admissibilityFault(
    transaction: Transaction,
    sidecars: ReadonlyMap<Hash, Uint8Array>,
  ): Promise<Fault | null> {
    const claim = claimOf(engine, transaction)
    if (claim === null) return null
    const sidecar = sidecars.get(claim.sidecar)
    if (sidecar === undefined) return { code: 'block/sidecarMissing' }
    try {
      const verdict = await certificates.judge(transaction, sidecar)
      return verdict.ok ? null : verdict.fault
    } catch (error) {
      return fault('block/unjudged', { why: (error as Error).message })
    }
  }

  async function judgeSidecars(
    envelope: Uint8Array,
    sidecars: ReadonlyMap<Hash, Uint8Array>,
  ): Promise<Result<null, Fault>> {
    const reader = await chain.readAt(chain.head().height)
    for (const transaction of certifyingIn(envelope)) {
      const claim = claimOf(engine, transaction)
      const record = claim && reader ? await readJob(reader.world, claim.job) : null
      if (record?.job.proofKind !== ProofKind.StepProof) continue
      const fault = await admissibilityFault(transaction, sidecars)
      if (fault !== null && fault.code !== 'block/unjudged') return refuse(fault)
    }
    return ok(null)
  }

  /** The certificates among an envelope's transactions. */
  function certifyingIn(envelope: Uint8Array): readonly Transaction[] {
    const decoded = decodeEnvelope(envelope)
    const block = decoded.ok ? readBlock(chain.rules, decoded.value.block) : decoded
    if (!block.ok) return []
    return block.value.transactions.flatMap((tx) => {
      const to = tx.to === undefined ? null : addressFromBytes(tx.to.bytes)
      // Before anyone's signature is looked at.
      if (!isCertify(engine, { tx, to })) return []
      const inspected = inspectTransaction(tx)
      return inspected.ok ? [inspected.value] : []
    })
  }

  return {
    builder: (self, signer) => (height) => build(self, signer, height),
    judge,
    judgeSidecars,
    requiredSidecars: (bytes) => sidecarsOf(certifyingIn(bytes)),
    sidecarName,
  }
}
