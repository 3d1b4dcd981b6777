/**
 * `waggle_` methods: about the chain as a whole.
 */
import { ok } from '../../primitives/result.ts'
import { type Methods, method } from '../method.ts'
import type { RpcModules } from '../modules.ts'
import { type Json, quantity, toWire } from '../wire.ts'

export function waggleMethods({ chain, network }: Pick<RpcModules, 'chain' | 'network'>): Methods {
  return {
    waggle_getNetwork: method({}, async () => {
      const genesis = await chain.header(0n)
      return ok({
        chainId: quantity(chain.chainId),
        genesisHash: genesis?.hash ?? null,
        params: toWire(network.params),
        // An ABI is JSON already, and its few numbers are not quantities.
        modules: network.modules as unknown as Json,
      })
    }),
  }
}
