/**
 * `eth_` methods that advise on fees.
 */
import { z } from 'zod'
import { ok, refuse } from '../../primitives/result.ts'
import { blockNumber } from '../blocks.ts'
import { feeHistory, maxPercentiles, suggestGasPrice, suggestTip } from '../fees.ts'
import { type Methods, method } from '../method.ts'
import type { RpcModules } from '../modules.ts'
import { blockNumberSchema, countSchema } from '../schemas.ts'
import { quantity } from '../wire.ts'

const percentilesSchema = z
  .array(z.number().min(0).max(100))
  .max(maxPercentiles)
  .refine((list) => list.every((value, i) => i === 0 || value >= list[i - 1]!), {
    message: 'must ascend',
  })
  .nullish()
  .transform((list) => list ?? [])

export function ethFeeMethods({ chain }: Pick<RpcModules, 'chain'>): Methods {
  const headFees = async () => (await chain.header(chain.head()))?.fees

  return {
    eth_gasPrice: method({}, async () => ok(quantity(await suggestGasPrice(chain)))),
    eth_maxPriorityFeePerGas: method({}, async () => ok(quantity(await suggestTip(chain)))),
    eth_baseFee: method({}, async () => ok(quantity((await headFees())?.nextBaseFee ?? 0n))),
    eth_blobBaseFee: method({}, async () => ok(quantity((await headFees())?.blobBaseFee ?? 0n))),
    eth_feeHistory: method(
      {
        blockCount: countSchema(2 ** 31),
        newestBlock: blockNumberSchema,
        rewardPercentiles: percentilesSchema,
      },
      async ({ blockCount, newestBlock, rewardPercentiles }) => {
        const newest = await blockNumber(chain, newestBlock)
        if (newest === null) return refuse({ code: 'rpc/notFound', what: 'header' })
        return feeHistory(chain, blockCount, newest, rewardPercentiles)
      },
    ),
  }
}
