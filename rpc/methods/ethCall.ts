/**
 * `eth_call` and `eth_estimateGas`: transactions imagined on top of a block.
 */
import { toHex } from '../../primitives/bytes.ts'
import { ok, refuse } from '../../primitives/result.ts'
import { atBlock } from '../blocks.ts'
import { estimateGas, outcomeFault } from '../estimate.ts'
import { type Methods, method } from '../method.ts'
import type { RpcModules } from '../modules.ts'
import { blockOrLatestSchema, callSchema } from '../schemas.ts'
import { quantity } from '../wire.ts'

export type CallLimits = {
  /** Gas of one imagined transaction; asked for more, this much is given. */
  readonly maxCallGas: bigint
}

const shape = { transaction: callSchema, block: blockOrLatestSchema }

export function ethCallMethods(
  { maxCallGas }: CallLimits,
  { chain }: Pick<RpcModules, 'chain'>,
): Methods {
  const capOf = (gas: bigint | null) => (gas === null || gas > maxCallGas ? maxCallGas : gas)

  return {
    eth_call: method(shape, async ({ transaction, block }) => {
      const call = { ...transaction, gas: capOf(transaction.gas) }
      const outcome = await atBlock(chain, block, (number) => chain.call(call, number))
      if (!outcome.ok) return outcome
      return outcome.value.ok
        ? ok(toHex(outcome.value.returnData))
        : refuse(outcomeFault(outcome.value, null))
    }),
    eth_estimateGas: method(shape, async ({ transaction, block }) => {
      const header = await atBlock(chain, block, chain.header)
      if (!header.ok) return header
      const { number, gasLimit } = header.value
      const cap = capOf(transaction.gas ?? gasLimit)
      const estimate = await estimateGas(
        (gas) => chain.call({ ...transaction, gas }, number),
        cap < gasLimit ? cap : gasLimit,
      )
      return estimate.ok ? ok(quantity(estimate.value)) : estimate
    }),
  }
}
