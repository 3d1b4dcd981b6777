/**
 * Transactions among peers. What this node was given first goes out by gossip, several in a message:
 * every message is signed, checked and passed on by everybody, which takes as long as all that is done
 * for a transaction itself. What came by gossip is passed on as it came.
 */
import type { TransactionPool } from '../mempool/transactionPool.ts'
import type { Host } from '../network/host.ts'
import { plainBytes } from '../primitives/bytes.ts'
import { decode, Writer } from '../primitives/codec.ts'
import { encodeTransaction } from '../vm/transaction.ts'

const topic = 'transactions'

/** A message is sent at this length, which leaves room for one transaction more of the usual size. */
const fullBytes = 49_152
const maxMessageBytes = 65_535
/** Transactions of one message: each costs its reader a decoding, and mostly a signature. */
const maxPerMessage = 512
/** How long the first of a message waits for others. */
const gatherMs = 20

/** Before the host starts. @returns a stop: what is gathered by then is sent. */
export function gossipTransactions(
  host: Pick<Host, 'publish' | 'subscribe'>,
  pool: Pick<TransactionPool, 'add' | 'onAdded'>,
): () => void {
  let gathered: Uint8Array[] = []
  let bytesGathered = 0
  let timer: NodeJS.Timeout | null = null

  function send(): void {
    if (timer !== null) clearTimeout(timer)
    timer = null
    if (gathered.length > 0) host.publish(topic, encodeBundle(gathered))
    gathered = []
    bytesGathered = 0
  }

  host.subscribe(topic, async (_peer, bytes) => {
    const bundle = decodeBundle(bytes)
    if (bundle === null) return 'punish'
    const added = await Promise.all(bundle.map((one) => pool.add(plainBytes(one), 'peer')))
    return added.some(({ ok }) => ok) ? 'relay' : 'drop'
  })

  const deafen = pool.onAdded(({ tx }, from) => {
    if (from === 'peer') return
    const bytes = encodeTransaction(tx)
    if (bytesGathered + bytes.length + 4 * (gathered.length + 2) > maxMessageBytes) send()
    gathered.push(bytes)
    bytesGathered += bytes.length
    if (bytesGathered >= fullBytes || gathered.length >= maxPerMessage) send()
    else timer ??= setTimeout(send, gatherMs)
  })

  return () => {
    deafen()
    send()
  }
}

/** Transactions as one message: a list of blobs. */
export function encodeBundle(transactions: readonly Uint8Array[]): Uint8Array {
  return new Writer().list(transactions, (bytes, writer) => writer.blob(bytes)).bytes()
}

/** Null for what no honest node sends. */
function decodeBundle(bytes: Uint8Array): readonly Uint8Array[] | null {
  const read = decode(bytes, (reader) =>
    reader.list(maxPerMessage, (from) => from.blob(maxMessageBytes)),
  )
  return read.ok && read.value.length > 0 ? read.value : null
}
