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
import type { FindSigners } from './signer.ts'

export type Engine = {
  readonly chainId: number
  readonly common: Common
  readonly crypto: NativeCrypto
  readonly modules: ReadonlyMap<Address, NativeModule>
  /** Finds signers beside the main thread. Absent: they are found where they are asked for. */
  readonly findSigners?: FindSigners | undefined
}

export async function openEngine(
  chainId: number,
  modules: readonly NativeModule[],
  findSigners?: FindSigners,
): Promise<Engine> {
  return {
    chainId,
    findSigners,
    common: fixRules(chainCommon(chainId)),
    crypto: await loadCrypto(),
    modules: new Map(modules.map((module) => [module.address, module])),
  }
}

/**
 * `common` with every parameter in place, for good: its fork never changes again.
 *
 * A fresh Common knows no parameter; each library merges its own, mostly into a copy, at every
 * transaction, header and machine made with it, which takes longer than running a transfer. Each
 * machine also listens for changes of forks, and would be kept in memory by that.
 */
export function fixRules(common: Common): Common {
  for (const params of [paramsEVM, paramsTx, paramsBlock, paramsVM]) common.updateParams(params)
  common.events.on = () => common.events
  return Object.assign(common, { copy: () => common, updateParams: () => {} })
}
