/**
 * Making a damaged database right again: what follows from blocks is written anew, and the head goes
 * back to the last block up to which all is there. A node takes the rest from its peers.
 */
import { concatBytes, uintBytes, utf8ToBytes } from '../primitives/bytes.ts'
import { type Hash, hashBytes } from '../primitives/hash.ts'
import type { KeyValue, Write } from '../storage/keyValue.ts'
import { readBlock } from './blockCodec.ts'
import { blockHistory } from './blockHistory.ts'
import { chainStore } from './chainStore.ts'
import { decodeEnvelope, envelopeHashOf } from './envelope.ts'
import type { Rules } from './rules.ts'
import { checkStore, type StoreCheck } from './storeCheck.ts'

/** Repair what `check` found; gives the check after it. */
export async function repairStore(
  store: KeyValue,
  rules: Rules,
  genesisHash: Hash,
  check: StoreCheck,
  breathe: (height: bigint) => Promise<void>,
): Promise<StoreCheck> {
  for (const height of new Set(check.faults.map((fault) => fault.height)))
    await store.batch(await indexesOf(store, rules, height), true)
  const indexed = await checkStore(store, rules, genesisHash, breathe)
  if (indexed.faults.length === 0 || indexed.sound === null) return indexed
  await store.batch([{ key: utf8ToBytes('h'), value: uintBytes(indexed.sound, 8) }], true)
  return checkStore(store, rules, genesisHash, breathe)
}

/** Names and indexes of a block whose envelope can be read. */
async function indexesOf(store: KeyValue, rules: Rules, height: bigint): Promise<readonly Write[]> {
  const bytes = await chainStore(store).envelope(height)
  const envelope = bytes === null ? null : decodeEnvelope(bytes)
  const block = envelope?.ok ? readBlock(rules, envelope.value.block) : null
  if (bytes === null || block?.ok !== true) return []
  const at = uintBytes(height, 8)
  const hash = block.value.hash()
  const receipts = await chainStore(store)
    .receipts(height)
    .catch(() => null)
  const { transactions } = block.value
  const history =
    receipts?.length === transactions.length ? blockHistory(height, transactions, receipts) : []
  const key = (tag: string, name: Uint8Array) => concatBytes(utf8ToBytes(tag), name)
  return [
    { key: key('k', at), value: concatBytes(hash, hashBytes(envelopeHashOf(bytes))) },
    { key: key('b', hash), value: at },
    ...history,
    ...transactions.map((tx, index) => ({
      key: key('t', tx.hash()),
      value: concatBytes(at, uintBytes(index, 4)),
    })),
  ]
}
