/**
 * Running one block: system steps, transactions, withdrawals, roots. The builder and the transition
 * both go through here, so what a proposer seals and what a voter computes cannot differ.
 */
import { createBlock, type HeaderData } from '@ethereumjs/block'
import { Account, createWithdrawal, type Withdrawal } from '@ethereumjs/util'
import { runTx } from '@ethereumjs/vm'
import { type Address, addressBytes } from '../primitives/address.ts'
import { weiPerGwei } from '../primitives/brand.ts'
import { type Hash, hashBytes, hashFromBytes } from '../primitives/hash.ts'
import { Bug, type Fault, ok, type Result, refuse } from '../primitives/result.ts'
import { epochOf, type ValidatorSet } from '../registry/validatorSet.ts'
import { type ChainVm, createChainVm, type Deadline, Expired } from '../vm/chainVm.ts'
import { holdAccounts } from '../vm/heldAccounts.ts'
import { type PaymentFault, paymentFault } from '../vm/payment.ts'
import { runPlainTransfer } from '../vm/plainTransfer.ts'
import { commitReceipts, type Receipt, receiptOf } from '../vm/receipts.ts'
import { type Nodes, newNodes, openState } from '../vm/stateStore.ts'
import { keepBeaconRoot, keepParentHash } from '../vm/systemContracts.ts'
import { type Touched, watchTouches } from '../vm/touched.ts'
import type { Transaction } from '../vm/transaction.ts'
import { ethAddress, readWorld } from '../vm/worldView.ts'
import { isCertify } from './certify.ts'
import type { ChainState } from './chainState.ts'
import { frozenSetAt } from './frozenSets.ts'
import { beaconRoot } from './header.ts'
import type { Emission, Rules } from './rules.ts'

/** What the parent's state says about the next block, before anything of it runs. */
export type Expectations = {
  readonly height: bigint
  /** Signed the parent. */
  readonly parentSet: ValidatorSet
  /** The block's own epoch. */
  readonly current: ValidatorSet
  /** The next epoch's; null if the block itself freezes it. */
  readonly next: ValidatorSet | null
  readonly withdrawals: readonly Emission[]
}

/** Of recent parents: builders and voters ask again in every round. */
const expected = new WeakMap<ChainState, Promise<Expectations>>()

export function expectationsOf(parent: ChainState, rules: Rules): Promise<Expectations> {
  const known = expected.get(parent) ?? readExpectations(parent, rules)
  expected.set(parent, known)
  // A store that failed to answer may answer the next time.
  known.catch(() => expected.delete(parent))
  return known
}

async function readExpectations(parent: ChainState, rules: Rules): Promise<Expectations> {
  const { engine, params, paramsAt, registry } = rules
  const { state } = await openState(engine.common, parent.states, parent.stateRoot)
  const world = readWorld(state)
  const height = parent.height + 1n
  const epoch = epochOf(height, params.epochLength)
  const parentEpoch = epochOf(parent.height, params.epochLength)
  const setOf = (at: number) => frozenSetAt(parent.states, registry, world, at)
  const current = await setOf(epoch)
  return {
    height,
    parentSet: parentEpoch === epoch ? current : await setOf(parentEpoch),
    current,
    next: parentEpoch === epoch ? await setOf(epoch + 1) : null,
    withdrawals: await registry.expectedWithdrawals(world, paramsAt(height), height),
  }
}

/** The consensus part of a block that is being run. */
export type ExecutionInput = {
  readonly parent: ChainState
  readonly rules: Rules
  /** Header fields that a transaction can see; roots may be missing. */
  readonly header: HeaderData & { readonly baseFeePerGas: bigint; readonly timestamp: bigint }
  readonly coinbase: Address
  readonly mixHash: Hash
  readonly signers: readonly Address[]
  readonly parentCommit: Uint8Array
  readonly reveal: Uint8Array
  readonly evidence: readonly Uint8Array[]
  readonly expectations: Expectations
  readonly expired?: Deadline | undefined
  /** Sees the VM before it runs; then everything goes through the interpreter. */
  readonly watch?: ((vm: ChainVm) => void) | undefined
}

export type EvidenceFault = {
  readonly code: 'block/evidence'
  readonly index: number
  readonly fault: Fault
}

/** Why a transaction cannot stay in the block; after `tainted` the execution is of no use. */
export type RunFault =
  | { readonly tainted: false; readonly fault: PaymentFault }
  | { readonly tainted: true; readonly reason: 'slow' | 'certifyReverted' }
  | { readonly tainted: true; readonly reason: 'execution'; readonly why: string }

export type Execution = {
  readonly beaconRoot: Hash
  readonly gasUsed: () => bigint
  readonly run: (transaction: Transaction) => Promise<RunFault | null>
  readonly finish: () => Promise<Executed>
}

export type Executed = {
  readonly stateRoot: Hash
  readonly receiptsRoot: Hash
  readonly bloom: Uint8Array
  readonly gasUsed: bigint
  readonly receipts: readonly Receipt[]
  readonly touched: readonly Touched[]
  readonly nodes: Nodes
}

/** Open the parent's state and take the steps before the first transaction. */
export async function startExecution(
  input: ExecutionInput,
): Promise<Result<Execution, EvidenceFault>> {
  const { parent, rules, coinbase, mixHash, expectations, expired } = input
  const { engine } = rules
  const { height } = expectations
  const opened = await openState(engine.common, parent.states, parent.stateRoot)
  const { timestamp } = input.header
  const context = { height, timestamp, mixHash, coinbase }
  const chainVm = await createChainVm(engine, opened.state, context, expired)
  input.watch?.(chainVm)
  await opened.state.checkpoint()
  const begun = await beginBlock(chainVm, input)
  if (!begun.ok) return begun
  const root = begun.value
  const block = createBlock(
    {
      header: {
        ...input.header,
        coinbase: addressBytes(coinbase),
        mixHash: hashBytes(mixHash),
        parentBeaconBlockRoot: hashBytes(root),
      },
    },
    { common: engine.common },
  )
  const receipts: Receipt[] = []
  const held = holdAccounts(opened.state)
  const touches = watchTouches(chainVm.evm)
  const touched: Touched[] = []
  let gasUsed = 0n

  async function run(transaction: Transaction): Promise<RunFault | null> {
    const gasLeft = block.header.gasLimit - gasUsed
    const { baseFeePerGas } = input.header
    const fault = await paymentFault(opened.state, held, transaction, baseFeePerGas, gasLeft)
    if (fault !== null) return { tainted: false, fault }
    const ran = await attempt(transaction)
    if (!ran.ok) return ran.fault
    const receipt = ran.value
    if (!receipt.succeeded && isCertify(engine, transaction))
      return { tainted: true, reason: 'certifyReverted' }
    receipts.push(receipt)
    touched.push(await touches.take(transaction))
    gasUsed = receipt.cumulativeGasUsed
    return null
  }

  /**
   * Run one transaction that passed its checks. What the EVM throws then is either the deadline, our
   * store failing (thrown on), or something no input should cause: the transaction is refused, since
   * a block that only crashes nodes must not be agreed on.
   */
  async function attempt(
    transaction: Transaction,
  ): Promise<Result<Receipt, { readonly code: 'run' } & RunFault>> {
    try {
      if (expired?.() === true) throw new Expired('transaction')
      return ok((await plain(transaction)) ?? (await interpreted(transaction)))
    } catch (error) {
      if (opened.failure() !== undefined)
        throw new Error('the state could not be read', { cause: error })
      if (error instanceof Expired) return refuse({ code: 'run', tainted: true, reason: 'slow' })
      const why = error instanceof Bug ? `bug: ${error.message}` : String(error).slice(0, 200)
      return refuse({ code: 'run', tainted: true, reason: 'execution', why })
    }
  }

  /** Whoever watches wants to see the messages, which the short way does not send. */
  function plain(transaction: Transaction): Promise<Receipt | null> | null {
    if (input.watch !== undefined) return null
    const baseFee = input.header.baseFeePerGas
    const context = { engine, baseFee, coinbase, gasBefore: gasUsed }
    return runPlainTransfer(chainVm, held, transaction, context)
  }

  async function interpreted(transaction: Transaction): Promise<Receipt> {
    await held.release()
    const ran = await runTx(chainVm.vm, { tx: transaction.tx, block, blockGasUsed: gasUsed })
    return receiptOf(transaction, ran, gasUsed)
  }

  async function finish(): Promise<Executed> {
    await held.release()
    await mint(chainVm, expectations.withdrawals)
    await opened.state.commit()
    const stateRoot = hashFromBytes(await opened.state.getStateRoot())
    const nodes = newNodes(parent.states, opened.nodes, stateRoot)
    const { root: receiptsRoot, bloom } = commitReceipts(engine, receipts)
    return { stateRoot, receiptsRoot, bloom, gasUsed, receipts, touched, nodes }
  }

  return ok({ beaconRoot: root, gasUsed: () => gasUsed, run, finish })
}

/** The registry's step, evidence, and Ethereum's two system contracts; gives the beacon root. */
async function beginBlock(
  { world, evm, state }: ChainVm,
  input: ExecutionInput,
): Promise<Result<Hash, EvidenceFault>> {
  const { rules, coinbase, mixHash, signers, evidence, expectations, header, parent } = input
  const { paramsAt, registry, consensus } = rules
  const { height, current, parentSet } = expectations
  const params = paramsAt(height)
  const parentFees = (parent.header.baseFeePerGas ?? 0n) * parent.header.gasUsed
  const { timestamp } = header
  const voters = parentSet.validators.map(({ address }) => address)
  const start = { height, timestamp, mixHash, proposer: coinbase, signers, voters, parentFees }
  await registry.beginBlock(world, params, start)
  for (const [index, item] of evidence.entries()) {
    const judged = await consensus.applyEvidence(world, params, height, item)
    if (!judged.ok) return refuse({ code: 'block/evidence', index, fault: judged.fault })
  }
  await evm.journal.cleanup()
  const next = expectations.next ?? (await registry.validatorSetAt(world, current.epoch + 1))
  const root = beaconRoot({ ...input, current, next })
  await keepBeaconRoot(state, header.timestamp, root)
  await keepParentHash(state, height, parent.hash)
  return ok(root)
}

/** Credit the block's withdrawals; like Ethereum, after the transactions and without gas. */
async function mint({ state, evm }: ChainVm, withdrawals: readonly Emission[]): Promise<void> {
  for (const { address, gwei } of withdrawals) {
    const target = ethAddress(address)
    const account = (await state.getAccount(target)) ?? new Account()
    account.balance += gwei * weiPerGwei
    await evm.journal.putAccount(target, account)
  }
  await evm.journal.cleanup()
}

/** Withdrawals as the block's body has them. */
export function bodyWithdrawals(emissions: readonly Emission[]): Withdrawal[] {
  return emissions.map(({ index, validatorIndex, address, gwei }) =>
    createWithdrawal({ index, validatorIndex, address: ethAddress(address), amount: gwei }),
  )
}
