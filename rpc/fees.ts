/**
 * Fee advice: what the next block will ask, and what recent blocks were paid.
 */
import { ok, type Result, refuse } from '../primitives/result.ts'
import type { RpcFault } from './errors.ts'
import { gasPriceOf } from './format.ts'
import type { RpcChain } from './modules.ts'
import type { BlockView, HeaderView, ReceiptView } from './views.ts'
import { type Json, type JsonObject, quantity } from './wire.ts'

/** Blocks looked back at for a tip, and the tip where none of them shows one: 1 gwei. */
const sampledBlocks = 8
const defaultTip = 1_000_000_000n
const maxTip = 500_000_000_000n

/** Most blocks of one fee history. */
const maxHistory = 1_024
export const maxPercentiles = 100

/** Wei per gas on top of the base fee: the median of the lowest tips of recent blocks with transactions. */
export async function suggestTip(chain: RpcChain): Promise<bigint> {
  const head = chain.head()
  const lowest: bigint[] = []
  for (let back = 0n; back < BigInt(sampledBlocks) && back <= head; back++) {
    const header = await chain.header(head - back)
    if (header === null || header.gasUsed === 0n) continue
    const block = await chain.block(head - back)
    const tips = block === null ? [] : tipsOf(block)
    if (tips.length > 0) lowest.push(tips.reduce((a, b) => (a < b ? a : b)))
  }
  lowest.sort(compare)
  const tip = lowest[lowest.length >> 1] ?? defaultTip
  return tip < maxTip ? tip : maxTip
}

/** A price that a legacy transaction can use in the next block. */
export async function suggestGasPrice(chain: RpcChain): Promise<bigint> {
  const head = await chain.header(chain.head())
  return (head?.fees.nextBaseFee ?? 0n) + (await suggestTip(chain))
}

function tipsOf(block: BlockView): readonly bigint[] {
  const { baseFeePerGas } = block.header
  return block
    .transactions()
    .map((transaction) => gasPriceOf(transaction, baseFeePerGas) - (baseFeePerGas ?? 0n))
}

/** `eth_feeHistory` of `count` blocks up to `newest`. @see EIP-1559, EIP-4844 */
export async function feeHistory(
  chain: RpcChain,
  count: number,
  newest: bigint,
  percentiles: readonly number[],
): Promise<Result<JsonObject, RpcFault>> {
  const blocks = BigInt(Math.min(count, maxHistory))
  const oldest = newest + 1n < blocks ? 0n : newest + 1n - blocks
  const headers: HeaderView[] = []
  const rewards: Json[] = []
  for (let number = oldest; number <= newest && blocks > 0n; number++) {
    const header = await chain.header(number)
    if (header === null) return refuse({ code: 'rpc/notFound', what: 'header' })
    headers.push(header)
    if (percentiles.length > 0) rewards.push(await rewardsOf(chain, number, percentiles))
  }
  return ok({
    oldestBlock: quantity(oldest),
    ...(headers.length === 0 ? { gasUsedRatio: null } : ratios(headers)),
    ...(percentiles.length > 0 && headers.length > 0 ? { reward: rewards } : {}),
  })
}

function ratios(headers: readonly HeaderView[]): JsonObject {
  const { fees } = headers.at(-1)!
  const perBlock = headers.map(({ baseFeePerGas }) => quantity(baseFeePerGas ?? 0n))
  const perBlobBlock = headers.map((header) => quantity(header.fees.blobBaseFee ?? 0n))
  return {
    baseFeePerGas: [...perBlock, quantity(fees.nextBaseFee)],
    gasUsedRatio: headers.map(({ gasUsed, gasLimit }) => ratio(gasUsed, gasLimit)),
    baseFeePerBlobGas: [...perBlobBlock, quantity(fees.nextBlobBaseFee ?? 0n)],
    blobGasUsedRatio: headers.map((header) =>
      ratio(header.blobGasUsed ?? 0n, header.fees.maxBlobGas ?? 0n),
    ),
  }
}

/** Tips at the given percentiles of a block's gas. */
async function rewardsOf(
  chain: RpcChain,
  number: bigint,
  percentiles: readonly number[],
): Promise<Json> {
  const [block, receipts] = await Promise.all([chain.block(number), chain.receipts(number)])
  const paid = block === null || receipts === null ? [] : gasByTip(block, receipts)
  const total = paid.reduce((sum, { gas }) => sum + gas, 0n)
  return percentiles.map((percentile) => {
    const threshold = (total * BigInt(Math.round(percentile * 1e6))) / 100_000_000n
    let passed = 0n
    const at = paid.find(({ gas }) => {
      passed += gas
      return passed >= threshold
    })
    return quantity(at?.tip ?? paid.at(-1)?.tip ?? 0n)
  })
}

/** Gas used by each transaction, cheapest tip first. */
function gasByTip(block: BlockView, receipts: readonly ReceiptView[]) {
  let before = 0n
  const tips = tipsOf(block)
  return receipts
    .map(({ cumulativeGasUsed }, i) => {
      const gas = cumulativeGasUsed - before
      before = cumulativeGasUsed
      return { tip: tips[i]!, gas }
    })
    .sort((a, b) => compare(a.tip, b.tip))
}

/** A JSON number, as the specification wants it. */
function ratio(part: bigint, whole: bigint): number {
  return whole === 0n ? 0 : Number(part) / Number(whole)
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0
}
