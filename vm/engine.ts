/**
 * What every execution on one chain shares: its rules, its cryptography and its native modules.
 */
import { paramsBlock } from '@ethereumjs/block'
import type { Common } from '@ethereumjs/common'
import { paramsEVM } from '@ethereumjs/evm'
import { paramsTx } from '@ethereumjs/tx'
import { paramsVM } from '@ethereumjs/vm'
import type { Address } from '../primitives/address.ts'
import { chainCommon } from './common.ts'
import { loadCrypto, type NativeCrypto } from './crypto.ts'
import type { NativeModule } from './nativeModule.ts'

export type Engine = {
  readonly chainId: number
  readonly common: Common
  readonly crypto: NativeCrypto
  readonly modules: ReadonlyMap<Address, NativeModule>
}

export async function openEngine(
  chainId: number,
  modules: readonly NativeModule[],
): Promise<Engine> {
  const common = chainCommon(chainId)
  // A fresh Common knows no parameter; each library merges its own, mostly into a copy.
  common.updateParams(paramsEVM)
  common.updateParams(paramsTx)
  common.updateParams(paramsBlock)
  common.updateParams(paramsVM)
  return {
    chainId,
    common,
    crypto: await loadCrypto(),
    modules: new Map(modules.map((module) => [module.address, module])),
  }
}
