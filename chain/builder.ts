/**
 * Building a block: pack candidates until time, gas or bytes run out, then seal what ran. A candidate
 * that had to be stopped after it started leaves nothing behind, because the block is run anew
 * without it; so what is sealed is always one straight execution, as every voter will repeat it.
 */
import { Block, createBlockHeader } from '@ethereumjs/block'
import { type Address, addressBytes } from '../primitives/address.ts'
import type { Clock } from '../primitives/clock.ts'
import { type Hash, hashBytes, hashFromBytes } from '../primitives/hash.ts'
import { invariant, ok, type Result, refuse } from '../primitives/result.ts'
import { transactionsRoot, withdrawalsRoot } from '../vm/listTrie.ts'
import type { PaymentFault } from '../vm/payment.ts'
import type { Transaction } from '../vm/transaction.ts'
import { encodeBlock } from './blockCodec.ts'
import type { BlockFault } from './blockFault.ts'
import type { ChainState } from './chainState.ts'
import { encodeEnvelope, envelopeHashOf } from './envelope.ts'
import {
  bodyWithdrawals,
  type Executed,
  type Execution,
  type Expectations,
  expectationsOf,
  type RunFault,
  startExecution,
} from './execution.ts'
import { childFields, emptyRequestsHash, nextMixHash } from './header.ts'
import type { Rules } from './rules.ts'
import { checkParentCommit, type Outcome } from './transition.ts'

/** What a certificate costs those who verify it, estimated from its statement's shapes. */
export type CertificateCost = { readonly sidecarBytes: number; readonly verifyMs: number }

export type Candidate = {
  readonly transaction: Transaction
  /** Present on `Jobs.certify` transactions. */
  readonly certificate?: CertificateCost | undefined
}

export type BuildRequest = {
  /** In the order to try: certificates first, then by tip. */
  readonly candidates: readonly Candidate[]
  readonly coinbase: Address
  readonly reveal: Uint8Array
  /** Encoded commit of the parent; empty for block 1. */
  readonly parentCommit: Uint8Array
  readonly evidence: readonly Uint8Array[]
  /** Unix seconds, later than the parent's. */
  readonly timestamp: bigint
  readonly extraData?: Uint8Array | undefined
}

type SkipFault =
  | PaymentFault
  | { readonly code: 'build/bytes'; readonly left: number; readonly got: number }
  | { readonly code: 'build/sidecars'; readonly left: number; readonly got: number }
  | { readonly code: 'build/verification'; readonly leftMs: number; readonly gotMs: number }
  | { readonly code: 'build/slow'; readonly budgetMs: number }
  | { readonly code: 'build/certifyReverted' }
  | { readonly code: 'build/execution'; readonly why: string }

/** A candidate that was left out for a reason of its own; those not reached are not named. */
export type Skip = { readonly hash: Hash; readonly fault: SkipFault }

export type Built = {
  readonly envelope: Uint8Array
  readonly envelopeHash: Hash
  readonly outcome: Outcome
  readonly skipped: readonly Skip[]
}

/** After a slow transaction, what is tried may use one part in so many of its gas. */
const slowParts = 16n

/** Room in the block for header, commit, withdrawals and their encoding. */
const overheadBytes = 16_384

/**
 * Pack and seal the child of `parent`. Execution time is bounded by twice `executionBudgetMs` plus
 * two transactions, each of which is itself stopped after `executionBudgetMs`.
 */
export async function buildBlock(
  parent: ChainState,
  request: BuildRequest,
  rules: Rules,
  clock: Pick<Clock, 'now'>,
): Promise<Result<Built, BlockFault>> {
  const { coinbase, reveal, parentCommit, evidence, timestamp } = request
  const expectations = await expectationsOf(parent, rules)
  const signers = checkParentCommit(parent, parentCommit, expectations.parentSet, rules.consensus)
  if (!signers.ok) return signers
  if (timestamp <= parent.header.timestamp)
    return refuse({ code: 'block/timestamp', above: parent.header.timestamp, got: timestamp })
  const mixHash = nextMixHash(hashFromBytes(parent.header.mixHash), reveal)
  const header = {
    ...childFields(parent.header, rules.paramsAt),
    timestamp,
    extraData: request.extraData ?? new Uint8Array(),
  }
  let stopAt = Number.POSITIVE_INFINITY
  const start = () =>
    startExecution({
      parent,
      rules,
      header: { ...header, parentHash: hashBytes(header.parentHash) },
      coinbase,
      mixHash,
      signers: signers.value,
      parentCommit,
      reveal,
      evidence,
      expectations,
      expired: () => clock.now() >= stopAt,
    })
  const packed = await pack(start, request.candidates, rules, clock, (at) => {
    stopAt = at
  })
  if (!packed.ok) return packed
  const { execution, chosen, skipped } = packed.value
  const executed = await execution.finish()
  const draft = { ...header, coinbase, mixHash, beaconRoot: execution.beaconRoot }
  const block = seal(rules, draft, executed, chosen, expectations)
  const envelope = encodeEnvelope({ block: encodeBlock(block), parentCommit, reveal, evidence })
  const envelopeHash = envelopeHashOf(envelope)
  const outcome: Outcome = {
    height: expectations.height,
    block,
    hash: hashFromBytes(block.hash()),
    envelopeHash,
    stateRoot: executed.stateRoot,
    gasUsed: executed.gasUsed,
    transactions: chosen,
    receipts: executed.receipts,
    touched: executed.touched,
    nodes: executed.nodes,
  }
  return ok({ envelope, envelopeHash, outcome, skipped })
}

type Start = () => Promise<Result<Execution, BlockFault>>

type Packed = {
  readonly execution: Execution
  readonly chosen: readonly Transaction[]
  readonly skipped: readonly Skip[]
}

async function pack(
  start: Start,
  candidates: readonly Candidate[],
  { params }: Rules,
  clock: Pick<Clock, 'now'>,
  setStop: (at: number) => void,
): Promise<Result<Packed, BlockFault>> {
  const budgetMs = params.executionBudgetMs
  const pace = new Pace(clock.now(), budgetMs)
  const started = await start()
  if (!started.ok) return started
  let execution = started.value
  const chosen: Transaction[] = []
  const skipped: Skip[] = []
  const room = new Room(params)
  for (const candidate of candidates) {
    const now = clock.now()
    if (pace.isOver(now)) break
    const { transaction } = candidate
    const { hash } = transaction
    if (!pace.tries(transaction)) continue
    const crowded = room.fault(candidate)
    if (crowded !== null) {
      skipped.push({ hash, fault: crowded })
      continue
    }
    setStop(now + budgetMs)
    const fault = await execution.run(transaction)
    setStop(Number.POSITIVE_INFINITY)
    if (fault === null) {
      chosen.push(transaction)
      room.take(candidate)
      continue
    }
    skipped.push({ hash, fault: skipFaultOf(fault, budgetMs) })
    if (!fault.tainted) continue
    const again = await rerun(start, chosen)
    if (!again.ok) return again
    execution = again.value
    pace.lost(transaction, fault, clock.now() - now)
  }
  return ok({ execution, chosen, skipped })
}

/** The chosen transactions on the parent's state once more, without the one that spoiled it. */
async function rerun(
  start: Start,
  chosen: readonly Transaction[],
): Promise<Result<Execution, BlockFault>> {
  const started = await start()
  if (!started.ok) return started
  for (const transaction of chosen) {
    const fault = await started.value.run(transaction)
    invariant(fault === null, `buildBlock: ${transaction.hash} ran once but not twice`)
  }
  return started
}

function skipFaultOf(fault: RunFault, budgetMs: number): SkipFault {
  if (!fault.tainted) return fault.fault
  switch (fault.reason) {
    case 'slow':
      return { code: 'build/slow', budgetMs }
    case 'certifyReverted':
      return { code: 'build/certifyReverted' }
    case 'execution':
      return { code: 'build/execution', why: fault.why }
    default:
      return fault satisfies never
  }
}

/**
 * The time for packing. Nobody pays for a transaction that had to be stopped: the first one costs the
 * others no time, and what may be as slow is not tried after it.
 */
class Pace {
  #begun: number
  readonly #budgetMs: number
  #most: bigint | null = null

  constructor(begun: number, budgetMs: number) {
    this.#begun = begun
    this.#budgetMs = budgetMs
  }

  isOver(now: number): boolean {
    return now - this.#begun >= this.#budgetMs
  }

  tries({ tx }: Transaction): boolean {
    return this.#most === null || tx.gasLimit <= this.#most
  }

  lost({ tx }: Transaction, fault: RunFault & { readonly tainted: true }, ms: number): void {
    if (fault.reason !== 'slow' || this.#most !== null) return
    this.#begun += ms
    this.#most = tx.gasLimit / slowParts
  }
}

/** What is left of the block's bounds on bytes, sidecars and verification. */
class Room {
  #bytes: number
  #sidecarBytes: number
  #verifyMs: number

  constructor(params: Rules['params']) {
    this.#bytes = params.maxBlockBytes - overheadBytes
    this.#sidecarBytes = params.maxSidecarBytes
    this.#verifyMs = params.maxVerifyMs
  }

  fault({ transaction, certificate }: Candidate): SkipFault | null {
    const got = transaction.size
    if (got > this.#bytes) return { code: 'build/bytes', left: this.#bytes, got }
    if (certificate === undefined) return null
    const { sidecarBytes, verifyMs } = certificate
    if (sidecarBytes > this.#sidecarBytes)
      return { code: 'build/sidecars', left: this.#sidecarBytes, got: sidecarBytes }
    if (verifyMs > this.#verifyMs)
      return { code: 'build/verification', leftMs: this.#verifyMs, gotMs: verifyMs }
    return null
  }

  take({ transaction, certificate }: Candidate): void {
    this.#bytes -= transaction.size + 8
    this.#sidecarBytes -= certificate?.sidecarBytes ?? 0
    this.#verifyMs -= certificate?.verifyMs ?? 0
  }
}

type Draft = ReturnType<typeof childFields> & {
  readonly timestamp: bigint
  readonly extraData: Uint8Array
  readonly coinbase: Address
  readonly mixHash: Hash
  readonly beaconRoot: Hash
}

function seal(
  { engine }: Rules,
  draft: Draft,
  executed: Executed,
  chosen: readonly Transaction[],
  { withdrawals: emissions }: Expectations,
) {
  const { common } = engine
  const { beaconRoot, coinbase, mixHash, parentHash, ...fields } = draft
  const transactions = chosen.map(({ tx }) => tx)
  const withdrawals = bodyWithdrawals(emissions)
  const header = {
    ...fields,
    parentHash: hashBytes(parentHash),
    coinbase: addressBytes(coinbase),
    mixHash: hashBytes(mixHash),
    parentBeaconBlockRoot: hashBytes(beaconRoot),
    transactionsTrie: hashBytes(transactionsRoot(transactions)),
    withdrawalsRoot: hashBytes(withdrawalsRoot(withdrawals)),
    requestsHash: hashBytes(emptyRequestsHash),
    stateRoot: hashBytes(executed.stateRoot),
    receiptTrie: hashBytes(executed.receiptsRoot),
    logsBloom: executed.bloom,
    gasUsed: executed.gasUsed,
  }
  return new Block(createBlockHeader(header, { common }), transactions, [], withdrawals, { common })
}
