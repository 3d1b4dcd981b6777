/**
 * `eth_config` and `eth_capabilities`: the rules in force and what this node can answer.
 */
import { ok, refuse } from '../../primitives/result.ts'
import { type Methods, method } from '../method.ts'
import type { RpcModules } from '../modules.ts'
import { quantity } from '../wire.ts'

export function ethCapabilityMethods({ chain }: Pick<RpcModules, 'chain'>): Methods {
  return {
    eth_config: method({}, async () => {
      const { chainId, ...fork } = await chain.forks()
      return ok({ current: { ...fork, chainId: quantity(chainId) }, next: null, last: null })
    }),
    eth_capabilities: method({}, async () => {
      const header = await chain.header(chain.head())
      if (header === null) return refuse({ code: 'rpc/notFound', what: 'header' })
      const kept = { disabled: false, oldestBlock: quantity(chain.earliest()) }
      const states = { disabled: false, oldestBlock: quantity(chain.stateFloor()) }
      return ok({
        head: { number: quantity(header.number), hash: header.hash },
        state: states,
        tx: kept,
        logs: kept,
        receipts: kept,
        blocks: kept,
        stateproofs: states,
      })
    }),
  }
}
