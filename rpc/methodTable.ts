/**
 * Every method the server knows, by name.
 */

import type { Filters } from './filters.ts'
import type { RpcLimits } from './limits.ts'
import { constant, type Methods } from './method.ts'
import { debugMethods } from './methods/debug.ts'
import { ethAccessListMethods } from './methods/ethAccessList.ts'
import { ethAccountMethods } from './methods/ethAccount.ts'
import { ethCallMethods } from './methods/ethCall.ts'
import { ethCapabilityMethods } from './methods/ethCapabilities.ts'
import { ethChainMethods } from './methods/ethChain.ts'
import { ethFeeMethods } from './methods/ethFee.ts'
import { ethLogMethods } from './methods/ethLogs.ts'
import { ethSimulateMethods } from './methods/ethSimulate.ts'
import { ethStateMethods } from './methods/ethState.ts'
import { ethTransactionMethods } from './methods/ethTransaction.ts'
import { netMethods, txpoolMethods } from './methods/node.ts'
import { otterscanMethods } from './methods/otterscan.ts'
import { dataMethods, repMethods, valMethods } from './methods/registry.ts'
import { subscribeMethods } from './methods/subscribe.ts'
import { testingMethods } from './methods/testing.ts'
import { traceMethods } from './methods/trace.ts'
import { trainMethods } from './methods/train.ts'
import { waggleMethods } from './methods/waggle.ts'
import type { RpcModules } from './modules.ts'
import { describeMethods } from './openRpc.ts'
import type { Subscriptions } from './subscriptions.ts'

export function createMethods(
  limits: RpcLimits,
  modules: RpcModules,
  filters: Filters,
  subscriptions: Subscriptions,
): Methods {
  const methods: Methods = {
    ...ethChainMethods(modules),
    ...ethStateMethods(modules),
    ...ethCallMethods(limits, modules),
    ...ethAccessListMethods(limits, modules),
    ...ethCapabilityMethods(modules),
    ...debugMethods(modules),
    ...traceMethods(limits, modules),
    ...ethSimulateMethods(limits, modules),
    ...ethAccountMethods(),
    ...ethTransactionMethods(modules),
    ...ethFeeMethods(modules),
    ...ethLogMethods(limits, modules, filters),
    ...subscribeMethods(subscriptions),
    ...otterscanMethods(modules),
    ...netMethods(modules),
    ...txpoolMethods(modules),
    ...testingMethods(modules),
    ...(modules.testing === undefined ? ownMethods(modules) : {}),
  }
  const namespaces = [...new Set(Object.keys(methods).map((name) => name.split('_')[0]!))]
  const versions = Object.fromEntries(namespaces.map((name) => [name, '1.0']))
  return {
    ...methods,
    rpc_modules: constant(() => versions),
    'rpc.discover': constant(() => describeMethods(methods)),
  }
}

/** What only our own chain can be asked. */
function ownMethods(modules: RpcModules): Methods {
  return {
    ...trainMethods(modules),
    ...dataMethods(modules),
    ...valMethods(modules),
    ...repMethods(modules),
    ...waggleMethods(modules),
  }
}
