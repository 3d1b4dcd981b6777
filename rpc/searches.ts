/**
 * Finding a transaction by what it did to the state. Nonces only grow and code only appears, so the
 * block is found by halving: some thirty reads of old states.
 */
import type { Address } from '../primitives/address.ts'
import type { Hash } from '../primitives/hash.ts'
import { ok, type Result } from '../primitives/result.ts'
import type { RpcFault } from './errors.ts'
import type { RpcChain } from './modules.ts'
import { framesOf, tracedBlock } from './tracedBlock.ts'
import { callTracer } from './tracers/callTracer.ts'

/** First block after which `holds`, if it does after the head; it must not cease to. */
async function firstBlock(
  chain: RpcChain,
  holds: (number: bigint) => Promise<boolean>,
): Promise<bigint | null> {
  let high = chain.head()
  let low = chain.earliest()
  if (!(await holds(high))) return null
  while (low < high) {
    const middle = (low + high) / 2n
    if (await holds(middle)) high = middle
    else low = middle + 1n
  }
  return high
}

/** Hash of the transaction of `sender` with this nonce; null if there is none yet. */
export async function senderTransaction(
  chain: RpcChain,
  sender: Address,
  nonce: bigint,
): Promise<Hash | null> {
  const number = await firstBlock(
    chain,
    async (at) => ((await chain.account(sender, at))?.nonce ?? 0n) > nonce,
  )
  const block = number === null ? null : await chain.block(number)
  const found = block
    ?.transactions()
    .find((transaction) => transaction.from === sender && transaction.nonce === nonce)
  return found?.hash ?? null
}

/** Which transaction created the contract, and who; null for what is none, or was there from genesis on. */
export async function creationOf(
  chain: RpcChain,
  address: Address,
): Promise<Result<{ readonly hash: Hash; readonly creator: Address } | null, RpcFault>> {
  const number = await firstBlock(
    chain,
    async (at) => ((await chain.code(address, at))?.length ?? 0) > 0,
  )
  const block = number === null || number === 0n ? null : await chain.block(number)
  if (block === null) return ok(null)
  const traced = await tracedBlock(chain, block.header.number, () =>
    callTracer({ onlyTopCall: false, withLog: false }, null),
  )
  if (!traced.ok) return traced
  for (const [index, root] of traced.value) {
    const made = framesOf(root).find(
      ({ frame }) => frame.type.startsWith('CREATE') && frame.to === address,
    )
    const hash = block.transactionHashes[index]
    if (made !== undefined && hash !== undefined)
      return ok({ hash, creator: made.frame.from as Address })
  }
  return ok(null)
}
