/**
 * `eth_call` and `eth_estimateGas`: transactions imagined on top of a block.
 */
import { toHex } from '../../primitives/bytes.ts'
import { ok, refuse } from '../../primitives/result.ts'
import type { BlockOverrides, Overrides, StateOverrides } from '../../vm/overrides.ts'
import { atBlock } from '../blocks.ts'
import { estimateGas, outcomeFault } from '../estimate.ts'
import { type Methods, method } from '../method.ts'
import type { RpcModules } from '../modules.ts'
import { blockOverridesSchema, stateOverridesSchema } from '../overrideSchemas.ts'
import { blockOrLatestSchema, callSchema } from '../schemas.ts'
import { quantity } from '../wire.ts'

export type CallLimits = {
  /** Gas of one imagined transaction; asked for more, this much is given. */
  readonly maxCallGas: bigint
  /** What takes longer is answered with an error: a search for gas is not gone on with. */
  readonly callTimeoutMs: number
}

const shape = {
  transaction: callSchema,
  block: blockOrLatestSchema,
  stateOverrides: stateOverridesSchema,
  blockOverrides: blockOverridesSchema,
}

/** Undefined where nothing is pretended: then the state is read as it is. */
function overridesOf({
  stateOverrides: state,
  blockOverrides: block,
}: {
  readonly stateOverrides: StateOverrides
  readonly blockOverrides: BlockOverrides
}): Overrides | undefined {
  const plain = state.size === 0 && Object.values(block).every((value) => value === null)
  return plain ? undefined : { state, block }
}

export function ethCallMethods(
  { maxCallGas, callTimeoutMs }: CallLimits,
  { chain, clock }: Pick<RpcModules, 'chain' | 'clock'>,
): Methods {
  const capOf = (gas: bigint | null) => (gas === null || gas > maxCallGas ? maxCallGas : gas)

  return {
    eth_call: method(shape, async ({ transaction, block, ...overrides }) => {
      const pretended = overridesOf(overrides)
      const call = { ...transaction, gas: capOf(transaction.gas) }
      const outcome = await atBlock(chain, block, (number) => chain.call(call, number, pretended))
      if (!outcome.ok) return outcome
      return outcome.value.ok
        ? ok(toHex(outcome.value.returnData))
        : refuse(outcomeFault(outcome.value, null))
    }),
    eth_estimateGas: method(shape, async ({ transaction, block, ...overrides }) => {
      const pretended = overridesOf(overrides)
      const end = clock.now() + callTimeoutMs
      const header = await atBlock(chain, block, chain.header)
      if (!header.ok) return header
      const { number } = header.value
      const gasLimit = overrides.blockOverrides.gasLimit ?? header.value.gasLimit
      const cap = capOf(transaction.gas ?? gasLimit)
      const estimate = await estimateGas(
        (gas) => chain.call({ ...transaction, gas }, number, pretended),
        cap < gasLimit ? cap : gasLimit,
        () => (clock.now() < end ? null : { code: 'rpc/timeout', limitMs: callTimeoutMs }),
      )
      return estimate.ok ? ok(quantity(estimate.value)) : estimate
    }),
  }
}
