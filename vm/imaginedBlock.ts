/**
 * One block of an imagined chain: its overrides, system steps, calls and withdrawals, sealed with the
 * roots that they lead to.
 */
import {
  Block,
  type BlockHeader,
  createBlockHeader,
  genTransactionsTrieRoot,
  genWithdrawalsTrieRoot,
  type HeaderData,
} from '@ethereumjs/block'
import { EVMError } from '@ethereumjs/evm'
import { MerklePatriciaTrie } from '@ethereumjs/mpt'
import type { MerkleStateManager } from '@ethereumjs/statemanager'
import type { TypedTransaction } from '@ethereumjs/tx'
import { Account, type Address as EthAddress } from '@ethereumjs/util'
import { type RunTxResult, runTx } from '@ethereumjs/vm'
import { type Address, addressBytes, addressFromBytes } from '../primitives/address.ts'
import { weiPerGwei } from '../primitives/brand.ts'
import { hashBytes, hashFromBytes, zeroHash } from '../primitives/hash.ts'
import { ok, type Result, refuse } from '../primitives/result.ts'
import { type ChainVm, createChainVm, type Deadline, Expired, type KnownHash } from './chainVm.ts'
import type { Engine } from './engine.ts'
import {
  type ImaginedCall,
  type ImaginedFault,
  imaginedFault,
  imaginedTx,
  isFree,
} from './imaginedTransaction.ts'
import { applyStateOverrides, fixBlobBaseFee, type OverrideFault } from './overrides.ts'
import { commitReceipts, type Log, logsOf, type Receipt, receiptOf } from './receipts.ts'
import { asAnySender, reasonOf } from './simulate.ts'
import type { ImaginedOutcome, PlannedBlock, SimulatedBlock } from './simulateBlocks.ts'
import { keepBeaconRoot, keepParentHash } from './systemContracts.ts'
import { collectTransfers } from './transferLogs.ts'
import { ethAddress } from './worldView.ts'

export type ImaginedBlockFault =
  | ImaginedFault
  | OverrideFault
  | { readonly code: 'imagined/blockGas'; readonly left: bigint; readonly got: bigint }

export type ImaginedContext = {
  readonly state: MerkleStateManager
  readonly engine: Engine
  readonly parent: BlockHeader
  readonly known: KnownHash
  readonly expired: Deadline
  /** What is left of the gas of all blocks together. */
  readonly gasLeft: bigint
}

type Options = { readonly validation: boolean; readonly traceTransfers: boolean }

export async function runImaginedBlock(
  context: ImaginedContext,
  plan: PlannedBlock,
  options: Options,
): Promise<Result<SimulatedBlock, ImaginedBlockFault>> {
  const { engine, state, parent, expired, known } = context
  const { overrides } = plan
  const fields = headerFields(context, plan, options)
  const header = headerOf(engine, fields)
  fixBlobBaseFee(header, overrides.blobBaseFee)
  const vm = await createChainVm(
    engine,
    state,
    {
      height: header.number,
      timestamp: header.timestamp,
      mixHash: hashFromBytes(header.mixHash),
      coinbase: addressFromBytes(header.coinbase.bytes),
    },
    expired,
    known,
  )
  const applied = await applyStateOverrides(vm, plan.state)
  if (!applied.ok) return applied
  if (engine.common.isActivatedEIP(2935))
    await keepParentHash(state, header.number, hashFromBytes(parent.hash()))
  if (engine.common.isActivatedEIP(4788))
    await keepBeaconRoot(state, header.timestamp, overrides.beaconRoot ?? zeroHash)
  const transfers = options.traceTransfers ? collectTransfers(vm) : null

  const ran = await runCalls({ ...context, vm, header, options, transfers }, plan.calls)
  if (!ran.ok) return ran
  await reward(vm, header, plan)
  return ok(await seal(context, plan, fields, ran.value))
}

type Ran = {
  readonly transactions: TypedTransaction[]
  readonly receipts: Receipt[]
  readonly calls: ImaginedOutcome[]
  gasUsed: bigint
  blobGasUsed: bigint
}

type Stage = ImaginedContext & {
  readonly vm: ChainVm
  readonly header: BlockHeader
  readonly options: Options
  readonly transfers: (() => readonly Log[]) | null
}

async function runCalls(
  stage: Stage,
  calls: readonly ImaginedCall[],
): Promise<Result<Ran, ImaginedBlockFault>> {
  const ran: Ran = { transactions: [], receipts: [], calls: [], gasUsed: 0n, blobGasUsed: 0n }
  for (const call of calls) {
    const tx = await admit(stage, call, ran.gasUsed)
    if (!tx.ok) return tx
    const result = await runCall(stage.vm, stage.header, tx.value, call)
    if (!result.ok) return result
    const receipt = receiptOf({ tx: tx.value }, result.value, ran.gasUsed)
    ran.transactions.push(tx.value)
    ran.receipts.push(receipt)
    ran.calls.push(outcomeOf(result.value, tx.value, stage.transfers?.()))
    ran.gasUsed = receipt.cumulativeGasUsed
    ran.blobGasUsed += result.value.blobGasUsed ?? 0n
  }
  return ok(ran)
}

/** The call as a transaction that may run now. */
async function admit(
  { vm, header, engine, state, gasLeft, options }: Stage,
  call: ImaginedCall,
  gasUsed: bigint,
): Promise<Result<TypedTransaction, ImaginedBlockFault>> {
  const left = header.gasLimit - gasUsed
  if (call.gas !== null && call.gas > left)
    return refuse({ code: 'imagined/blockGas', left, got: call.gas })
  const gas = least(call.gas ?? left, gasLeft - gasUsed)
  const tx = imaginedTx(engine, call, gas, call.nonce ?? (await nonceOf(state, call)))
  if (!tx.ok) return tx
  const fault = await imaginedFault(vm, header, tx.value, call.from, options.validation)
  return fault === null ? tx : refuse(fault)
}

/** The block with the roots that its calls led to. */
async function seal(
  { engine, state }: ImaginedContext,
  { overrides }: PlannedBlock,
  fields: HeaderData,
  { transactions, receipts, calls, gasUsed, blobGasUsed }: Ran,
): Promise<SimulatedBlock> {
  const { common } = engine
  const { root, bloom } = commitReceipts(engine, receipts)
  const withdrawals = common.isActivatedEIP(4895) ? [...overrides.withdrawals] : undefined
  const trie = () => new MerklePatriciaTrie({ common })
  const header = headerOf(engine, {
    ...fields,
    stateRoot: await state.getStateRoot(),
    transactionsTrie: await genTransactionsTrieRoot(transactions, trie()),
    receiptTrie: hashBytes(root),
    logsBloom: bloom,
    gasUsed,
    ...(common.isActivatedEIP(4844) ? { blobGasUsed } : {}),
    ...(withdrawals === undefined
      ? {}
      : { withdrawalsRoot: await genWithdrawalsTrieRoot(withdrawals, trie()) }),
  })
  return { block: new Block(header, transactions, [], withdrawals, { common }), calls }
}

function headerFields(
  { engine, parent }: ImaginedContext,
  { overrides }: PlannedBlock,
  { validation }: Options,
): HeaderData {
  const { common } = engine
  const { number, time, gasLimit, feeRecipient, prevRandao, baseFeePerGas } = overrides
  const baseFee = baseFeePerGas ?? (validation ? parent.calcNextBaseFee() : 0n)
  return {
    parentHash: parent.hash(),
    number,
    timestamp: time,
    gasLimit: gasLimit ?? parent.gasLimit,
    coinbase: feeRecipient === null ? parent.coinbase : addressBytes(feeRecipient),
    difficulty: common.gteHardfork('paris') ? 0n : parent.difficulty,
    mixHash: hashBytes(prevRandao ?? zeroHash),
    ...(common.isActivatedEIP(1559) ? { baseFeePerGas: baseFee } : {}),
    ...(common.isActivatedEIP(4844) ? { excessBlobGas: parent.calcNextExcessBlobGas(common) } : {}),
    ...(common.isActivatedEIP(4788)
      ? { parentBeaconBlockRoot: hashBytes(overrides.beaconRoot ?? zeroHash) }
      : {}),
  }
}

function headerOf({ common }: Engine, fields: HeaderData): BlockHeader {
  return createBlockHeader(fields, { common, freeze: false, skipConsensusFormatValidation: true })
}

function least(a: bigint, b: bigint): bigint {
  return a < b ? a : b
}

async function nonceOf(state: MerkleStateManager, { from }: ImaginedCall): Promise<bigint> {
  return (await state.getAccount(ethAddress(from)))?.nonce ?? 0n
}

/** Run one checked call. What the library still refuses is the caller's to read. */
async function runCall(
  vm: ChainVm,
  header: BlockHeader,
  tx: TypedTransaction,
  { from }: ImaginedCall,
): Promise<Result<RunTxResult, ImaginedBlockFault>> {
  const { common } = vm.vm
  const block = new Block(header, [], [], undefined, { common, freeze: false })
  const free = isFree(tx) && (header.baseFeePerGas ?? 0n) > 0n
  try {
    const result = free ? await runFree(vm, block, tx, from) : await run(vm, block, tx, from)
    await wrapNonce(vm, from)
    return ok(result)
  } catch (error) {
    if (error instanceof Expired) throw error
    return refuse({ code: 'imagined/malformed', why: reasonOf(error) })
  }
}

function run(vm: ChainVm, block: Block, tx: TypedTransaction, from: Address): Promise<RunTxResult> {
  const options = { tx, block, skipNonce: true, skipBlockGasLimitValidation: true }
  return runTx(asAnySender(vm, from), options)
}

/** A call without fees in a block with a base fee: charged nothing, but its code sees the block. */
function runFree(
  vm: ChainVm,
  block: Block,
  tx: TypedTransaction,
  from: Address,
): Promise<RunTxResult> {
  const { vm: outer, evm } = vm
  const view = Object.create(evm, {
    runCall: { value: (options: object) => evm.runCall({ ...options, block }) },
  })
  const { header } = block
  const uncharged = headerOf({ common: outer.common } as Engine, { ...header, baseFeePerGas: 0n })
  const stage = new Block(uncharged, [], [], undefined, { common: outer.common, freeze: false })
  return run({ ...vm, evm: view as ChainVm['evm'] }, stage, tx, from)
}

/** Nonces have 64 bits; only an override brings one to its end. */
async function wrapNonce({ state }: ChainVm, from: Address): Promise<void> {
  const account = await state.getAccount(ethAddress(from))
  if (account === undefined || account.nonce < 2n ** 64n) return
  account.nonce %= 2n ** 64n
  await state.putAccount(ethAddress(from), account)
}

function outcomeOf(
  { execResult, totalGasSpent }: RunTxResult,
  tx: TypedTransaction,
  transfers: readonly Log[] | undefined,
): ImaginedOutcome {
  const { exceptionError, returnValue, executionGasUsed, logs } = execResult
  const before = executionGasUsed + tx.getIntrinsicGas()
  const common = {
    returnData: returnValue,
    gasUsed: totalGasSpent,
    maxUsedGas: before > totalGasSpent ? before : totalGasSpent,
  }
  if (exceptionError === undefined)
    return { ...common, kind: 'success', reason: '', logs: transfers ?? logsOf(logs) }
  const kind = exceptionError.error === EVMError.errorMessages.REVERT ? 'revert' : 'halt'
  return { ...common, kind, reason: exceptionError.error, logs: [] }
}

/** Withdrawals, and before proof of stake the miner's reward. */
async function reward(
  { vm, state, evm }: ChainVm,
  { coinbase }: BlockHeader,
  { overrides }: PlannedBlock,
): Promise<void> {
  const credit = async (address: EthAddress, wei: bigint): Promise<void> => {
    const account = (await state.getAccount(address)) ?? new Account()
    account.balance += wei
    await evm.journal.putAccount(address, account)
  }
  for (const { address, amount } of overrides.withdrawals)
    await credit(address, amount * weiPerGwei)
  if (!vm.common.gteHardfork('paris')) await credit(coinbase, vm.common.param('minerReward'))
  await evm.journal.cleanup()
}
