/**
 * `eth_` methods about logs: one query, or a filter that is polled.
 */
import { z } from 'zod'
import { ok, type Result, refuse } from '../../primitives/result.ts'
import { tagNumber } from '../blocks.ts'
import type { RpcFault } from '../errors.ts'
import type { Filters } from '../filters.ts'
import { type LogLimits, queryLogs } from '../logs.ts'
import { type Methods, method } from '../method.ts'
import type { RpcChain, RpcModules } from '../modules.ts'
import { type BlockRef, type LogQuery, logQuerySchema } from '../schemas.ts'

const filterIdSchema = z.string().regex(/^0x[0-9a-fA-F]{1,64}$/, 'must be a filter id')

export function ethLogMethods(
  limits: LogLimits,
  { chain }: Pick<RpcModules, 'chain'>,
  filters: Filters,
): Methods {
  return {
    eth_getLogs: method({ filter: logQuerySchema }, async ({ filter: query }) => {
      const range =
        query.blockHash === null ? rangeOf(chain, query) : await rangeOfHash(chain, query)
      return range.ok ? queryLogs(chain, query.filter, range.value, limits) : range
    }),
    eth_newFilter: method({ filter: logQuerySchema }, async ({ filter: query }, { client }) => {
      const range = rangeOf(chain, query)
      if (!range.ok && range.fault.code === 'rpc/params' && query.toBlock === null) return range
      const { filter, fromBlock, toBlock } = query
      const watch = {
        filter,
        from: fromBlock === null ? null : numberOf(chain, fromBlock),
        to: toBlock === null || toBlock.by === 'tag' ? null : numberOf(chain, toBlock),
      }
      return filters.watchLogs(watch, client)
    }),
    eth_newBlockFilter: method({}, async (_, { client }) => filters.watchBlocks(client)),
    eth_newPendingTransactionFilter: method({}, async (_, { client }) =>
      filters.watchPending(client),
    ),
    eth_getFilterChanges: method({ id: filterIdSchema }, ({ id }) => filters.changes(id)),
    eth_getFilterLogs: method({ id: filterIdSchema }, ({ id }) => filters.logs(id)),
    eth_uninstallFilter: method({ id: filterIdSchema }, async ({ id }) => ok(filters.remove(id))),
  }
}

type BlockRange = { readonly from: bigint; readonly to: bigint }

function rangeOf(chain: RpcChain, { fromBlock, toBlock }: LogQuery): Result<BlockRange, RpcFault> {
  const head = chain.head()
  const from = fromBlock === null ? head : numberOf(chain, fromBlock)
  const to = toBlock === null ? head : numberOf(chain, toBlock)
  if (to > head) return badRange('block range extends beyond current head block')
  return from > to ? badRange('invalid block range params') : ok({ from, to })
}

async function rangeOfHash(
  chain: RpcChain,
  { blockHash }: LogQuery,
): Promise<Result<BlockRange, RpcFault>> {
  const number = await chain.numberOf(blockHash!)
  return number === null
    ? refuse({ code: 'rpc/notFound', what: 'block' })
    : ok({ from: number, to: number })
}

function numberOf(chain: RpcChain, ref: BlockRef): bigint {
  if (ref.by === 'number') return ref.number
  return tagNumber(chain, ref.by === 'tag' ? ref.tag : 'latest')
}

function badRange(why: string): Result<never, RpcFault> {
  return refuse({ code: 'rpc/params', parameter: 'filter', why })
}
