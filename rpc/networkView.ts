/**
 * What a client must know to read this chain: its rules and the ABIs of its native modules.
 */
import type { Abi } from 'viem'
import type { Chain } from '../chain/chain.ts'
import type { ChainParams } from '../params/chainParams.ts'
import type { Address } from '../primitives/address.ts'

/** A contract that is part of the chain. */
export type ModuleView = { readonly name: string; readonly address: Address; readonly abi: Abi }

export type NetworkView = {
  readonly params: ChainParams
  readonly modules: readonly ModuleView[]
}

export function networkViewOf({ rules }: Pick<Chain, 'rules'>): NetworkView {
  const modules = [...rules.engine.modules.values()]
  return {
    params: rules.params,
    modules: modules.map(({ name, address, abi }) => ({ name, address, abi })),
  }
}
