/**
 * Reading the state after a block: accounts, code, storage, proofs and the registry's records.
 */
import { getMerkleStateProof } from '@ethereumjs/statemanager'
import { Account } from '@ethereumjs/util'
import type { Address } from '../primitives/address.ts'
import { bytesToUint, uintBytes } from '../primitives/bytes.ts'
import type { World } from '../registry/records.ts'
import type { Engine } from '../vm/engine.ts'
import { openState } from '../vm/stateStore.ts'
import { ethAddress, readWorld } from '../vm/worldView.ts'
import type { ChainState } from './chainState.ts'

/** EIP-1186's answer, as JSON-RPC has it. */
type StateProof = Awaited<ReturnType<typeof getMerkleStateProof>>

export type StateReader = {
  readonly height: bigint
  readonly world: World
  readonly account: (
    address: Address,
  ) => Promise<{ readonly nonce: bigint; readonly balance: bigint }>
  readonly code: (address: Address) => Promise<Uint8Array>
  readonly storage: (address: Address, slot: bigint) => Promise<bigint>
  /** Merkle proofs of an account and of slots of its storage. */
  readonly proof: (address: Address, slots: readonly bigint[]) => Promise<StateProof>
}

export async function openReader(engine: Engine, at: ChainState): Promise<StateReader> {
  const { state } = await openState(engine.common, at.states, at.stateRoot)

  return {
    height: at.height,
    world: readWorld(state),
    account: async (address) => {
      const { nonce, balance } = (await state.getAccount(ethAddress(address))) ?? new Account()
      return { nonce, balance }
    },
    code: (address) => state.getCode(ethAddress(address)),
    storage: async (address, slot) =>
      bytesToUint(await state.getStorage(ethAddress(address), uintBytes(slot, 32))),
    proof: (address, slots) =>
      getMerkleStateProof(
        state,
        ethAddress(address),
        slots.map((slot) => uintBytes(slot, 32)),
      ),
  }
}
