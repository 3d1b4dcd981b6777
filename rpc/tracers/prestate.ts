/**
 * What a transaction's accounts were before it, and with `diffMode` after it: `prestateTracer` of
 * `debug_trace*`. Which accounts those are is known from a first run.
 */
import type { MerkleStateManager } from '@ethereumjs/statemanager'
import { Account } from '@ethereumjs/util'
import { type Address, addressFromBytes } from '../../primitives/address.ts'
import { bytesToUint, toHex, uintBytes } from '../../primitives/bytes.ts'
import { ethAddress } from '../../vm/worldView.ts'
import { type JsonObject, quantity, word } from '../wire.ts'
import type { Touched } from './touched.ts'
import type { Tracer } from './tracer.ts'

type AccountState = {
  readonly balance: bigint
  readonly nonce: bigint
  readonly code: string
  readonly storage: ReadonlyMap<bigint, bigint>
}

export function prestateTracer(touched: Touched, diffMode: boolean): Tracer {
  let before: ReadonlyMap<Address, AccountState> = new Map()
  const all: Touched = new Map(touched)

  return {
    before: async (tx, { state }) => {
      for (const named of [tx.getSenderAddress(), tx.to])
        if (named !== undefined) include(all, addressFromBytes(named.bytes))
      before = await readAll(state, all)
    },
    finish: async (_outcome, vm) => {
      if (!diffMode || vm === null) return showAll(before)
      return showDiff(before, await readAll(vm.state, all))
    },
  }
}

function include(touched: Touched, address: Address): void {
  if (!touched.has(address)) touched.set(address, new Set())
}

async function readAll(
  state: MerkleStateManager,
  touched: Touched,
): Promise<ReadonlyMap<Address, AccountState>> {
  const read = new Map<Address, AccountState>()
  for (const [address, slots] of touched) {
    const target = ethAddress(address)
    const account = (await state.getAccount(target)) ?? new Account()
    const storage = new Map<bigint, bigint>()
    for (const slot of slots)
      storage.set(slot, bytesToUint(await state.getStorage(target, uintBytes(slot, 32))))
    const code = toHex(await state.getCode(target))
    read.set(address, { balance: account.balance, nonce: account.nonce, code, storage })
  }
  return read
}

function isEmpty({ balance, nonce, code }: AccountState): boolean {
  return balance === 0n && nonce === 0n && code === '0x'
}

function showAll(accounts: ReadonlyMap<Address, AccountState>): JsonObject {
  return Object.fromEntries(
    [...accounts].map(([address, account]) => [address, show(account, account.storage)]),
  )
}

function show(
  { balance, nonce, code }: AccountState,
  storage: ReadonlyMap<bigint, bigint>,
): JsonObject {
  return {
    balance: quantity(balance),
    ...(nonce === 0n ? {} : { nonce: Number(nonce) }),
    ...(code === '0x' ? {} : { code }),
    ...showStorage(storage),
  }
}

function showStorage(storage: ReadonlyMap<bigint, bigint>): JsonObject {
  if (storage.size === 0) return {}
  const entries = [...storage].map(([slot, value]) => [word(slot), word(value)] as const)
  return { storage: Object.fromEntries(entries) }
}

/** Changed accounts in full before, and their changed fields after. */
function showDiff(
  before: ReadonlyMap<Address, AccountState>,
  after: ReadonlyMap<Address, AccountState>,
): JsonObject {
  const pre: Record<string, JsonObject> = {}
  const post: Record<string, JsonObject> = {}
  for (const [address, old] of before) {
    const now = after.get(address)!
    const slots = [...old.storage].filter(([slot, value]) => now.storage.get(slot) !== value)
    const changes = changedFields(old, now, slots)
    if (changes === null) continue
    const used = slots.filter(([, value]) => value !== 0n)
    if (!isEmpty(old)) pre[address] = show(old, new Map(used))
    if (!isEmpty(now)) post[address] = changes
  }
  return { pre, post }
}

function changedFields(
  old: AccountState,
  now: AccountState,
  slots: readonly (readonly [bigint, bigint])[],
): JsonObject | null {
  const left = slots
    .map(([slot]) => [slot, now.storage.get(slot)!] as const)
    .filter(([, value]) => value !== 0n)
  const fields: JsonObject = {
    ...(old.balance === now.balance ? {} : { balance: quantity(now.balance) }),
    ...(old.nonce === now.nonce ? {} : { nonce: Number(now.nonce) }),
    ...(old.code === now.code ? {} : { code: now.code }),
    ...showStorage(new Map(left)),
  }
  return Object.keys(fields).length === 0 && slots.length === 0 ? null : fields
}
