/**
 * Finding logs: the index says which blocks are worth opening or, where it would say nearly all, the
 * bloom filter of each header.
 */

import type { LogFilter as IndexFilter } from '../chain/historyIndex.ts'
import { ok, type Result, refuse } from '../primitives/result.ts'
import { mayContain } from './bloom.ts'
import type { RpcFault } from './errors.ts'
import { formatLog } from './format.ts'
import type { RpcChain } from './modules.ts'
import type { LogFilter } from './schemas.ts'
import type { BlockView, LogView, ReceiptView } from './views.ts'
import type { JsonObject } from './wire.ts'

export type LogLimits = {
  /** Blocks of one query: of its range or, if it asks for addresses or topics, that may have them. */
  readonly maxLogBlocks: number
  /** Logs of one answer. */
  readonly maxLogs: number
}

/** Blocks passed over between two turns given to the rest of the node. */
const blocksPerTurn = 64

/** Logs of blocks `from..to` that pass `filter`, in chain order; a wide query is refused. */
export async function queryLogs(
  chain: RpcChain,
  filter: LogFilter,
  range: { readonly from: bigint; readonly to: bigint },
  { maxLogBlocks, maxLogs }: LogLimits,
): Promise<Result<readonly JsonObject[], RpcFault>> {
  const { from, to } = range
  const indexed = await chain.history.logBlocks(indexFilter(filter), from, to, maxLogBlocks)
  if (indexed === null && to - from >= BigInt(maxLogBlocks))
    return tooMany('blocks in a log query', maxLogBlocks)
  const found: JsonObject[] = []
  for await (const number of indexed ?? blocksByBloom(chain, filter, range)) {
    for (const log of await openBlock(chain, number, filter)) found.push(log)
    // Reading one block's receipts takes long enough.
    await nextTurn()
    if (found.length > maxLogs) return tooMany('logs in an answer', maxLogs)
  }
  return ok(found)
}

/** Blocks of the range whose headers do not rule the filter out. */
async function* blocksByBloom(
  chain: RpcChain,
  filter: LogFilter,
  { from, to }: { readonly from: bigint; readonly to: bigint },
): AsyncIterable<bigint> {
  for (let number = from; number <= to; number++) {
    if (number % BigInt(blocksPerTurn) === 0n) await nextTurn()
    const header = await chain.header(number)
    if (header !== null && mayContain(header.logsBloom, filter)) yield number
  }
}

/** As the index takes it: nothing asked for in a place is null there, and an empty list of addresses. */
function indexFilter({ addresses, topics }: LogFilter): IndexFilter {
  return {
    addresses: addresses ?? [],
    topics: topics.map((choices) => (choices?.length === 0 ? null : choices)),
  }
}

async function openBlock(
  chain: RpcChain,
  number: bigint,
  filter: LogFilter,
): Promise<readonly JsonObject[]> {
  const [block, receipts] = await Promise.all([chain.block(number), chain.receipts(number)])
  return block === null || receipts === null ? [] : matchingLogs(block, receipts, filter)
}

/** Logs of one block that pass `filter`. */
export function matchingLogs(
  { header, transactionHashes }: Pick<BlockView, 'header' | 'transactionHashes'>,
  receipts: readonly ReceiptView[],
  filter: LogFilter,
): readonly JsonObject[] {
  let next = 0
  return receipts.flatMap(({ logs }, index) => {
    const first = next
    next += logs.length
    const transactionHash = transactionHashes[index]!
    return logs.flatMap((log, i) =>
      matches(log, filter)
        ? [formatLog(log, { header, index, transactionHash, logIndex: first + i })]
        : [],
    )
  })
}

/** Whether `log` passes: its address is named, and each position's topic is among the choices. */
function matches(log: LogView, { addresses, topics }: LogFilter): boolean {
  if (addresses !== null && addresses.length > 0 && !addresses.includes(log.address)) return false
  if (topics.length > log.topics.length) return false
  return topics.every((choice, i) => choice === null || choice.includes(log.topics[i]!))
}

function tooMany(what: string, limit: number): Result<never, RpcFault> {
  return refuse({ code: 'rpc/limit', what, limit })
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}
