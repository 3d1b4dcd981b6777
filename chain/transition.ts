/**
 * The chain's one law: whether an envelope is the child of a state, and what it makes of it.
 */
import type { Block } from '@ethereumjs/block'
import { type Address, addressFromBytes } from '../primitives/address.ts'
import { equalBytes } from '../primitives/bytes.ts'
import { type Hash, hashFromBytes } from '../primitives/hash.ts'
import { ok, type Result, refuse } from '../primitives/result.ts'
import type { ChainVm, Deadline } from '../vm/chainVm.ts'
import type { Receipt } from '../vm/receipts.ts'
import type { Nodes } from '../vm/stateStore.ts'
import type { Touched } from '../vm/touched.ts'
import { findSenders, inspectTransaction, type Transaction } from '../vm/transaction.ts'
import { readBlock } from './blockCodec.ts'
import type { BlockFault } from './blockFault.ts'
import type { ChainState } from './chainState.ts'
import { decodeEnvelope, type Envelope, envelopeHashOf } from './envelope.ts'
import {
  type Executed,
  type Execution,
  type Expectations,
  expectationsOf,
  type RunFault,
  startExecution,
} from './execution.ts'
import { bodyFault, headerFault, nextMixHash, proposerOf } from './header.ts'
import type { Rules } from './rules.ts'

/** What a valid envelope makes of its parent's state; nothing of it is written yet. */
export type Outcome = {
  readonly height: bigint
  readonly block: Block
  readonly hash: Hash
  readonly envelopeHash: Hash
  readonly stateRoot: Hash
  readonly gasUsed: bigint
  readonly transactions: readonly Transaction[]
  readonly receipts: readonly Receipt[]
  /** By transaction. */
  readonly touched: readonly Touched[]
  /** State nodes to make durable together with the block. */
  readonly nodes: Nodes
}

type Verdict<T> = Result<T, BlockFault>

/**
 * Judge `envelopeBytes` as the child of `parent`.
 *
 * Reads only its arguments, keeps nothing and leaves `parent` valid, so equal inputs give equal
 * verdicts on every node; only `block/slow` depends on the caller's deadline. Cheap checks come
 * first. Any bytes give a verdict.
 *
 * @param watch - sees the VM before it runs, to listen to its events.
 * @throws {Error} if the store cannot be read.
 */
export async function applyBlock(
  parent: ChainState,
  envelopeBytes: Uint8Array,
  rules: Rules,
  expired?: Deadline,
  watch?: (vm: ChainVm) => void,
): Promise<Verdict<Outcome>> {
  const decoded = decodeEnvelope(envelopeBytes)
  if (!decoded.ok) return refuse({ code: 'block/envelope', fault: decoded.fault })
  const envelope = decoded.value
  const read = readBlock(rules, envelope.block)
  if (!read.ok) return read
  const block = read.value
  const fault = headerFault(parent.header, block.header, rules.paramsAt) ?? bodyFault(block)
  if (fault !== null) return refuse(fault)
  const expectations = await expectationsOf(parent, rules)
  const signers = checkConsensus(parent, block, envelope, expectations, rules)
  if (!signers.ok) return signers
  const minted = checkWithdrawals(block, expectations)
  if (!minted.ok) return minted
  await findSenders(rules.engine, block.transactions)
  const transactions = inspectAll(block)
  if (!transactions.ok) return transactions

  const started = await startExecution({
    parent,
    rules,
    header: { ...block.header, baseFeePerGas: block.header.baseFeePerGas ?? 0n },
    coinbase: addressFromBytes(block.header.coinbase.bytes),
    mixHash: hashFromBytes(block.header.mixHash),
    signers: signers.value,
    parentCommit: envelope.parentCommit,
    reveal: envelope.reveal,
    evidence: envelope.evidence,
    expectations,
    expired,
    watch,
  })
  if (!started.ok) return started
  const executed = await execute(started.value, block, transactions.value)
  if (!executed.ok) return executed
  const { stateRoot, gasUsed, receipts, touched, nodes } = executed.value
  return ok({
    height: expectations.height,
    block,
    hash: hashFromBytes(block.hash()),
    envelopeHash: envelopeHashOf(envelopeBytes),
    stateRoot,
    gasUsed,
    transactions: transactions.value,
    receipts,
    touched,
    nodes,
  })
}

/** Parent commit, proposer, reveal and randomness; gives who signed the parent. */
function checkConsensus(
  parent: ChainState,
  { header }: Block,
  { parentCommit, reveal }: Envelope,
  { height, parentSet, current }: Expectations,
  { consensus }: Rules,
): Verdict<readonly Address[]> {
  const signers = checkParentCommit(parent, parentCommit, parentSet, consensus)
  if (!signers.ok) return signers
  const proposer = proposerOf(header, current)
  if (proposer === undefined)
    return refuse({ code: 'block/coinbase', got: header.coinbase.toString() })
  if (!consensus.verifyReveal(proposer.publicKey, height, reveal))
    return refuse({ code: 'block/reveal', proposer: proposer.address, height })
  const expected = nextMixHash(hashFromBytes(parent.header.mixHash), reveal)
  const got = hashFromBytes(header.mixHash)
  if (got !== expected) return refuse({ code: 'block/mixHash', expected, got })
  return signers
}

/** Genesis is committed by being the genesis: block 1 carries no commit. */
export function checkParentCommit(
  parent: ChainState,
  commit: Uint8Array,
  set: Expectations['parentSet'],
  consensus: Rules['consensus'],
): Verdict<readonly Address[]> {
  const { height } = parent
  if (height === 0n) {
    if (commit.length === 0) return ok([])
    const fault = { code: 'codec/trailing', offset: 0, left: commit.length } as const
    return refuse({ code: 'block/parentCommit', height, fault })
  }
  const verified = consensus.verifyCommit(commit, height, parent.envelopeHash, set)
  return verified.ok
    ? verified
    : refuse({ code: 'block/parentCommit', height, fault: verified.fault })
}

function checkWithdrawals(block: Block, { withdrawals }: Expectations): Verdict<null> {
  const got = block.withdrawals ?? []
  const wrong = withdrawals.findIndex((emission, i) => {
    const entry = got[i]
    return (
      entry === undefined ||
      entry.index !== emission.index ||
      entry.validatorIndex !== emission.validatorIndex ||
      addressFromBytes(entry.address.bytes) !== emission.address ||
      entry.amount !== emission.gwei
    )
  })
  const index = wrong === -1 && got.length > withdrawals.length ? withdrawals.length : wrong
  return index === -1
    ? ok(null)
    : refuse({ code: 'block/withdrawals', index, expected: withdrawals.length })
}

function inspectAll(block: Block): Verdict<readonly Transaction[]> {
  const transactions: Transaction[] = []
  for (const [index, tx] of block.transactions.entries()) {
    const inspected = inspectTransaction(tx)
    if (!inspected.ok) return refuse({ code: 'block/transaction', index, fault: inspected.fault })
    transactions.push(inspected.value)
  }
  return ok(transactions)
}

async function execute(
  execution: Execution,
  { header }: Block,
  transactions: readonly Transaction[],
): Promise<Verdict<Executed>> {
  const gotRoot = hashFromBytes(header.parentBeaconBlockRoot ?? new Uint8Array(32))
  if (gotRoot !== execution.beaconRoot)
    return refuse({ code: 'block/beaconRoot', expected: execution.beaconRoot, got: gotRoot })
  for (const [index, transaction] of transactions.entries()) {
    const fault = await execution.run(transaction)
    if (fault !== null) return refuse(blockFaultOf(fault, index, transaction))
  }
  const executed = await execution.finish()
  const fault = resultFault(header, executed)
  return fault === null ? ok(executed) : refuse(fault)
}

function blockFaultOf(fault: RunFault, index: number, { hash }: Transaction): BlockFault {
  if (!fault.tainted) return { code: 'block/transaction', index, fault: fault.fault }
  switch (fault.reason) {
    case 'slow':
      return { code: 'block/slow', index }
    case 'certifyReverted':
      return { code: 'block/certifyReverted', index, transaction: hash }
    case 'execution':
      return { code: 'block/execution', index, why: fault.why }
    default:
      return fault satisfies never
  }
}

/** Whether the header says what execution found. */
function resultFault(header: Block['header'], executed: Executed): BlockFault | null {
  const { gasUsed, receiptsRoot, bloom, stateRoot } = executed
  if (header.gasUsed !== gasUsed)
    return { code: 'block/gasUsed', expected: gasUsed, got: header.gasUsed }
  const gotReceipts = hashFromBytes(header.receiptTrie)
  if (gotReceipts !== receiptsRoot)
    return { code: 'block/receiptsRoot', expected: receiptsRoot, got: gotReceipts }
  if (!equalBytes(header.logsBloom, bloom)) return { code: 'block/bloom' }
  const gotState = hashFromBytes(header.stateRoot)
  return gotState === stateRoot
    ? null
    : { code: 'block/stateRoot', expected: stateRoot, got: gotState }
}
