/**
 * `eth_createAccessList`: what a transaction would touch, found by running it.
 */
import { generateAddress } from '@ethereumjs/util'
import {
  type Address,
  addressBytes,
  addressFromBytes,
  zeroAddress,
} from '../../primitives/address.ts'
import { uintBytes } from '../../primitives/bytes.ts'
import type { Hash } from '../../primitives/hash.ts'
import { ok, type Result, refuse } from '../../primitives/result.ts'
import { atBlock } from '../blocks.ts'
import type { RpcFault } from '../errors.ts'
import { type Methods, method } from '../method.ts'
import type { RpcChain, RpcModules } from '../modules.ts'
import { blockOrLatestSchema, callSchema } from '../schemas.ts'
import { type Touched, touchTracer } from '../tracers/touched.ts'
import { attach } from '../tracers/tracer.ts'
import { failureFault, watched } from '../tracers/watched.ts'
import type { AccessList, CallOutcome, CallView } from '../views.ts'
import { quantity, word } from '../wire.ts'
import type { CallLimits } from './ethCall.ts'

/** Runs until the list stays as it is; each adds at least an entry. */
const maxRounds = 8

type Listed = { readonly list: AccessList; readonly outcome: CallOutcome }

export function ethAccessListMethods(
  { maxCallGas }: CallLimits,
  { chain }: Pick<RpcModules, 'chain'>,
): Methods {
  const shape = { transaction: callSchema, block: blockOrLatestSchema }
  return {
    eth_createAccessList: method(shape, async ({ transaction, block }) => {
      const header = await atBlock(chain, block, chain.header)
      if (!header.ok) return header
      const { gas } = transaction
      const call = { ...transaction, gas: gas === null || gas > maxCallGas ? maxCallGas : gas }
      const listed = await listFor(chain, call, header.value.number)
      if (!listed.ok) return listed
      const { list, outcome } = listed.value
      return ok({
        accessList: list,
        gasUsed: quantity(outcome.gasUsed),
        ...(outcome.ok ? {} : { error: outcome.reason }),
      })
    }),
  }
}

/** The list under which the call touches nothing that is not on it. */
async function listFor(
  chain: RpcChain,
  call: CallView,
  number: bigint,
): Promise<Result<Listed, RpcFault>> {
  const free = await freeAddresses(chain, call, number)
  let list: AccessList = call.accessList ?? []
  for (let round = 0; ; round++) {
    const touched: Touched = new Map()
    const ran = await watched(
      (watch) => chain.call({ ...call, accessList: list }, number, undefined, watch),
      (vm) => {
        for (const key of vm.evm.precompiles.keys()) free.add(`0x${key}` as Address)
        return attach(vm, touchTracer(touched))
      },
    )
    if (!ran.ok) return ran
    const outcome = ran.value
    if (outcome === null) return refuse({ code: 'rpc/notFound', what: 'state' })
    if (!outcome.ok && outcome.kind === 'halt' && outcome.gasUsed === call.gas)
      return failureFault(outcome)
    const next = entriesOf(touched, free, list)
    if (sizeOf(next) === sizeOf(list) || round === maxRounds) return ok({ list: next, outcome })
    list = next
  }
}

/** Addresses that cost nothing extra to touch: they are listed only with slots. */
async function freeAddresses(
  chain: RpcChain,
  { from, to }: CallView,
  number: bigint,
): Promise<Set<Address>> {
  const sender = from ?? zeroAddress
  if (to !== null) return new Set([sender, to])
  const nonce = (await chain.account(sender, number))?.nonce ?? 0n
  const width = Math.ceil(nonce.toString(16).length / 2)
  const bytes = nonce === 0n ? new Uint8Array() : uintBytes(nonce, width)
  return new Set([sender, addressFromBytes(generateAddress(addressBytes(sender), bytes))])
}

function entriesOf(touched: Touched, free: ReadonlySet<Address>, given: AccessList): AccessList {
  const slots = new Map<Address, Set<Hash>>()
  for (const { address, storageKeys } of given) slots.set(address, new Set(storageKeys))
  for (const [address, keys] of touched) {
    if (keys.size === 0 && free.has(address)) continue
    const known = slots.get(address) ?? new Set<Hash>()
    slots.set(address, known)
    for (const key of keys) known.add(word(key) as Hash)
  }
  return [...slots].map(([address, keys]) => ({ address, storageKeys: [...keys].sort() }))
}

function sizeOf(list: AccessList): number {
  return list.reduce((sum, { storageKeys }) => sum + 1 + storageKeys.length, 0)
}
