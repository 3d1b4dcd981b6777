/**
 * Imagined transactions: `eth_call`, gas estimates and traces. They run like real ones, on a state
 * that nobody keeps, without a signature, and without fees unless the caller names some.
 */
import {
  type BlockHeader,
  createBlock,
  createBlockHeader,
  type HeaderData,
} from '@ethereumjs/block'
import { EVMError } from '@ethereumjs/evm'
import type { MerkleStateManager } from '@ethereumjs/statemanager'
import { createEOACode7702Tx, createFeeMarket1559Tx } from '@ethereumjs/tx'
import { Account } from '@ethereumjs/util'
import { type RunTxResult, runTx, VM } from '@ethereumjs/vm'
import { type Address, addressFromBytes, zeroAddress } from '../primitives/address.ts'
import type { Hex } from '../primitives/bytes.ts'
import { type Hash, hashFromBytes } from '../primitives/hash.ts'
import { type ChainVm, createChainVm, type Deadline, Expired, type KnownHash } from './chainVm.ts'
import type { Engine } from './engine.ts'
import {
  applyStateOverrides,
  fixBlobBaseFee,
  type Overrides,
  overriddenHeader,
} from './overrides.ts'
import { type Log, logsOf } from './receipts.ts'
import { maxTransactionGas } from './transaction.ts'
import { ethAddress } from './worldView.ts'

export type CallRequest = {
  readonly from: Address | null
  /** Null creates a contract. */
  readonly to: Address | null
  /** Includes the intrinsic cost; what exceeds a transaction's cap is cut. */
  readonly gas: bigint
  /** Null runs without fees, under a base fee of zero. */
  readonly maxFeePerGas: bigint | null
  readonly maxPriorityFeePerGas: bigint | null
  readonly value: bigint
  readonly data: Uint8Array
  readonly accessList:
    | readonly {
        readonly address: Address
        readonly storageKeys: readonly Hash[]
      }[]
    | null
  /** EIP-7702 tuples; present makes it a transaction of type 4. */
  readonly authorizationList?: readonly Authorization[] | null | undefined
}

export type Authorization = Readonly<
  Record<'chainId' | 'nonce' | 'yParity' | 'r' | 's', Hex> & { address: Address }
>

/** `gasUsed` counts the intrinsic cost and is after refunds, as a receipt would say. */
export type CallOutcome =
  | {
      readonly ok: true
      readonly returnData: Uint8Array
      readonly gasUsed: bigint
      readonly logs: readonly Log[]
    }
  | {
      readonly ok: false
      /** `revert`: the code said no and may say why; `halt`: anything else. */
      readonly kind: 'revert' | 'halt'
      readonly reason: string
      readonly returnData: Uint8Array
      readonly gasUsed: bigint
    }

/** Why a call ended whose time was over. */
export const tooLong = 'execution took too long'

/**
 * Run `request` on `state` in the context of `header`. Total: whatever the library throws becomes a
 * `halt`. `state` is spoiled afterwards.
 *
 * @param watch - sees the VM before it runs, to listen to its events.
 */
export async function simulate(
  engine: Engine,
  state: MerkleStateManager,
  header: BlockHeader,
  request: CallRequest,
  expired?: Deadline,
  watch?: (vm: ChainVm) => void,
  overrides?: Overrides,
  known?: KnownHash,
): Promise<CallOutcome> {
  const options = { common: engine.common, freeze: false, skipConsensusFormatValidation: true }
  const seen =
    overrides === undefined
      ? header
      : createBlockHeader(overriddenHeader(header, overrides.block), options)
  const context = {
    height: seen.number,
    timestamp: seen.timestamp,
    mixHash: hashFromBytes(seen.mixHash),
    coinbase: addressFromBytes(seen.coinbase.bytes),
  }
  const chainVm = await createChainVm(engine, state, context, expired, known)
  watch?.(chainVm)
  try {
    const applied = await applyStateOverrides(chainVm, overrides?.state ?? new Map())
    if (!applied.ok) return halt(applied.fault.why, 0n)
    const from = ethAddress(request.from ?? zeroAddress)
    const nonce = ((await state.getAccount(from)) ?? new Account()).nonce
    const unsigned = unsignedTx(engine, request, nonce)
    const tx = Object.assign(unsigned, { getSenderAddress: () => from })
    const baseFeePerGas = request.maxFeePerGas === null ? 0n : (seen.baseFeePerGas ?? 0n)
    const gasLimit = seen.gasLimit > tx.gasLimit ? seen.gasLimit : tx.gasLimit
    const block = createBlock(
      { header: { ...seen, baseFeePerGas, gasLimit, gasUsed: 0n } as HeaderData },
      options,
    )
    fixBlobBaseFee(block.header, overrides?.block.blobBaseFee ?? null)
    // Never committed, so that what the transaction wrote is never hashed into the trie.
    await state.checkpoint()
    const result = await runTx(asAnySender(chainVm, request.from ?? zeroAddress), { tx, block })
    return outcomeOf(result)
  } catch (error) {
    return halt(error instanceof Expired ? tooLong : reasonOf(error), request.gas)
  }
}

function unsignedTx(engine: Engine, request: CallRequest, nonce: bigint) {
  const { to, value, data, accessList, authorizationList } = request
  const fields = {
    chainId: BigInt(engine.chainId),
    nonce,
    ...(to === null ? {} : { to }),
    value,
    data,
    gasLimit: request.gas < maxTransactionGas ? request.gas : maxTransactionGas,
    maxFeePerGas: request.maxFeePerGas ?? 0n,
    maxPriorityFeePerGas: request.maxPriorityFeePerGas ?? 0n,
    accessList: (accessList ?? []).map(({ address, storageKeys }) => ({
      address,
      storageKeys: [...storageKeys],
    })),
  }
  const options = { common: engine.common, freeze: false }
  if (authorizationList === undefined || authorizationList === null)
    return createFeeMarket1559Tx(fields, options)
  const list = authorizationList.map((item) => ({ ...item }))
  return createEOACode7702Tx({ ...fields, authorizationList: list }, options)
}

/**
 * A VM that asks the state whether `sender` is a contract and hears that it is not: calls may be
 * imagined from any address. The EVM itself sees the state as it is.
 */
export function asAnySender({ vm, evm, state }: ChainVm, sender: Address): VM {
  const delegation = Uint8Array.of(0xef, 0x01, 0x00)
  const view: MerkleStateManager = Object.create(state, {
    getCode: {
      value: (address: Parameters<typeof state.getCode>[0]) =>
        address.equals(ethAddress(sender)) ? Promise.resolve(delegation) : state.getCode(address),
    },
  })
  return new VM({ common: vm.common, blockchain: vm.blockchain, stateManager: view, evm })
}

function outcomeOf(result: RunTxResult): CallOutcome {
  const { execResult, totalGasSpent: gasUsed } = result
  const { exceptionError, returnValue: returnData } = execResult
  if (exceptionError === undefined)
    return { ok: true, returnData, gasUsed, logs: logsOf(execResult.logs) }
  const kind = exceptionError.error === EVMError.errorMessages.REVERT ? 'revert' : 'halt'
  return { ok: false, kind, reason: exceptionError.error, returnData, gasUsed }
}

function halt(reason: string, gasUsed: bigint): CallOutcome {
  return { ok: false, kind: 'halt', reason, returnData: new Uint8Array(), gasUsed }
}

/** The library's messages end in the VM's own state in parentheses; people need the first part. */
export function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  return text.split(' (')[0]!.slice(0, 200)
}
