/**
 * Verification of a block: who signed it, and that what the node shows is what they signed.
 */
import { type Hex, toHex } from '../primitives/bytes.ts'
import { type Hash, keccakHash } from '../primitives/hash.ts'
import type { Source } from './ask.ts'
import {
  type Checker,
  createChecker,
  judge,
  type OnCheck,
  Refused,
  type Verdict,
} from './checks.ts'
import { type Anchor, createFollower, type Follower, type Signed } from './follow.ts'
import { bytesOf } from './receipts.ts'
import { decodeItem, orderedRoot } from './trie.ts'

export type VerifyOptions = {
  readonly source: Source
  readonly anchor: Anchor
  readonly onCheck?: OnCheck | undefined
  /** Unix seconds. @default the clock */
  readonly now?: (() => bigint) | undefined
}

/** Check block `height`; the answer lists every check, the last of which may have failed. */
export async function verifyBlock(height: bigint, options: VerifyOptions): Promise<Verdict> {
  const checker = createChecker(options.onCheck ?? (() => {}))
  const { ask } = options.source
  return judge(checker, async () => {
    const { trusted } = await checkSigned(checker, followerOf(options), height)
    const where = quantity(height)
    const { root, transactions } = await checker.check('header', async () => {
      const block = await ask<ShownBlock | null>('eth_getBlockByNumber', where, false)
      if (block === null) throw new Refused(`the node shows no block ${height}`)
      if (block.hash !== trusted.hash)
        throw new Refused(`the node shows block ${block.hash}, signed is ${trusted.hash}`)
      const root = transactionsRootIn(await ask<Hex>('debug_getRawHeader', where), trusted.hash)
      return {
        value: { root, transactions: block.transactions },
        detail: `its Keccak-256 is ${trusted.hash}`,
      }
    })
    await checker.check('transactions', async () => {
      const raw = await Promise.all(
        transactions.map((hash) => ask<Hex>('eth_getRawTransactionByHash', hash)),
      )
      const bytes = bytesOf(raw)
      const wrong = bytes.findIndex((one, i) => keccakHash(one) !== transactions[i])
      if (wrong >= 0) throw new Refused(`transaction ${wrong} has another hash`)
      sameRoot(orderedRoot(bytes), root)
      return { value: null, detail: `${bytes.length} transactions under ${root}` }
    })
    await checker.check('receipt', async () => {
      const count = (await checkedReceipts(options.source, height, trusted.receiptsRoot)).length
      return { value: null, detail: `${count} receipts under ${trusted.receiptsRoot}` }
    })
  })
}

type ShownBlock = { readonly hash: Hex; readonly transactions: readonly Hex[] }

/** Place of the transactions' root in a header. */
const transactionsField = 4

/** The root in the header of this hash. @throws {Refused} if `header` is another. */
function transactionsRootIn(header: Hex, hash: Hash): Hex {
  const [bytes] = bytesOf([header])
  const got = keccakHash(bytes!)
  if (got !== hash) throw new Refused(`the header's Keccak-256 is ${got}, signed is ${hash}`)
  const fields = decodeItem(bytes!)
  const root = fields instanceof Uint8Array ? undefined : fields?.[transactionsField]
  if (!(root instanceof Uint8Array)) throw new Refused('the header names no transactions')
  return toHex(root)
}

export function followerOf({ source, anchor, now }: VerifyOptions): Follower {
  const clock = now ?? (() => BigInt(Math.floor(Date.now() / 1_000)))
  return createFollower(source.ask, anchor, clock)
}

/** The check of commit signatures from the anchor up to `height`. */
export function checkSigned(checker: Checker, follower: Follower, height: bigint): Promise<Signed> {
  return checker.check('signatures', async () => {
    const signed = await follower.to(height)
    const { signers, members, share } = signed
    const power = `${(100 * share).toFixed(1)} % of the power`
    return { value: signed, detail: `${signers} of ${members} validators, ${power}, signed it` }
  })
}

/** The encoded receipts of block `height`. @throws {Refused} if they are not those under `root`. */
export async function checkedReceipts(
  { ask }: Source,
  height: bigint,
  root: Hex,
): Promise<readonly Uint8Array[]> {
  const receipts = bytesOf(await ask<readonly Hex[]>('debug_getRawReceipts', quantity(height)))
  sameRoot(orderedRoot(receipts), root)
  return receipts
}

function sameRoot(got: Hex, expected: Hex): void {
  if (got !== expected) throw new Refused(`their Merkle root is ${got}, signed is ${expected}`)
}

export function quantity(value: bigint): Hex {
  return `0x${value.toString(16)}`
}
