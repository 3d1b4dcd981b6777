/**
 * What a caller may pretend about the state and the block before an imagined transaction runs.
 *
 * @see the public execution-apis specification, schemas AccountOverride and BlockOverrides
 */
import type { BlockHeader, HeaderData } from '@ethereumjs/block'
import { Account, type Address as EthAddress } from '@ethereumjs/util'
import { type Address, addressBytes } from '../primitives/address.ts'
import { toHex, uintBytes } from '../primitives/bytes.ts'
import { type Hash, hashBytes } from '../primitives/hash.ts'
import { ok, type Result, refuse } from '../primitives/result.ts'
import type { ChainVm } from './chainVm.ts'
import { ethAddress } from './worldView.ts'

/** Null leaves a field as it is. */
export type AccountOverride = {
  readonly balance: bigint | null
  readonly nonce: bigint | null
  readonly code: Uint8Array | null
  /** The whole storage, by slot. */
  readonly state: ReadonlyMap<bigint, bigint> | null
  /** Single slots of the storage. */
  readonly stateDiff: ReadonlyMap<bigint, bigint> | null
  /** Where the precompile of this address shall answer instead. */
  readonly movePrecompileTo: Address | null
}

export type StateOverrides = ReadonlyMap<Address, AccountOverride>

/** Null leaves a field as it is. */
export type BlockOverrides = {
  readonly number: bigint | null
  /** Unix seconds. */
  readonly time: bigint | null
  readonly gasLimit: bigint | null
  readonly feeRecipient: Address | null
  readonly prevRandao: Hash | null
  readonly baseFeePerGas: bigint | null
  readonly blobBaseFee: bigint | null
}

export type Overrides = {
  readonly state: StateOverrides
  readonly block: BlockOverrides
}

export type OverrideFault = { readonly code: 'override/precompile'; readonly why: string }

/**
 * Write `overrides` into the VM's state. A precompile whose account is overridden gives way to the
 * account's code, in this VM only.
 */
export async function applyStateOverrides(
  vm: ChainVm,
  overrides: StateOverrides,
): Promise<Result<null, OverrideFault>> {
  const { evm } = vm
  if (overrides.size === 0) return ok(null)
  const precompiles = new Map(evm.precompiles)
  const moved = new Set<Address>()
  for (const [address, override] of overrides) {
    if (moved.has(address)) return refused(`${address} has already been overridden`)
    const key = address.slice(2)
    const precompile = precompiles.get(key)
    const target = override.movePrecompileTo
    if (target !== null) {
      if (precompile === undefined) return refused(`account ${address} is not a precompile`)
      if (overrides.has(target)) return refused(`account ${target} is already overridden`)
      precompiles.set(target.slice(2), precompile)
      moved.add(target)
    }
    precompiles.delete(key)
    await writeAccount(vm, address, override)
  }
  // The EVM's own list stays: it says which addresses are warm.
  Object.assign(evm, {
    getPrecompile: (address: EthAddress) => precompiles.get(toHex(address.bytes).slice(2)),
  })
  vm.state.originalStorageCache.clear()
  return ok(null)
}

function refused(why: string) {
  return refuse({ code: 'override/precompile', why } as const)
}

async function writeAccount(
  { state }: ChainVm,
  address: Address,
  { balance, nonce, code, state: storage, stateDiff }: AccountOverride,
): Promise<void> {
  const target = ethAddress(address)
  const slots = storage ?? stateDiff
  if (balance !== null || nonce !== null || slots !== null) {
    const account = (await state.getAccount(target)) ?? new Account()
    account.balance = balance ?? account.balance
    account.nonce = nonce ?? account.nonce
    await state.putAccount(target, account)
  }
  if (code !== null) await state.putCode(target, code)
  if (storage !== null) await state.clearStorage(target)
  for (const [slot, value] of slots ?? [])
    await state.putStorage(target, uintBytes(slot, 32), uintBytes(value, 32))
}

/** `header`'s fields with the overridden ones replaced. */
export function overriddenHeader(header: BlockHeader, overrides: BlockOverrides): HeaderData {
  const { number, time, gasLimit, feeRecipient, prevRandao, baseFeePerGas } = overrides
  return {
    ...header,
    number: number ?? header.number,
    timestamp: time ?? header.timestamp,
    gasLimit: gasLimit ?? header.gasLimit,
    coinbase: feeRecipient === null ? header.coinbase : addressBytes(feeRecipient),
    mixHash: prevRandao === null ? header.mixHash : hashBytes(prevRandao),
    ...(baseFeePerGas === null ? {} : { baseFeePerGas }),
  } as HeaderData
}

/** Blocks answer with this price of blob gas. The header must not be frozen. */
export function fixBlobBaseFee(header: BlockHeader, price: bigint | null): void {
  if (price !== null) Object.assign(header, { getBlobGasPrice: () => price })
}
