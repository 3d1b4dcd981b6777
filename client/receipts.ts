/**
 * Receipts as their trie holds them, and the events inside.
 */
import { decodeEventLog } from 'viem'
import { moduleAddresses } from '../params/protocol.ts'
import { type Hex, parseHex, toHex } from '../primitives/bytes.ts'
import type { Hash } from '../primitives/hash.ts'
import { jobsAbi } from '../vm/modules/jobsAbi.ts'
import { Refused } from './checks.ts'
import { decodeItem } from './trie.ts'

/** What the chain says that a worker did. */
export type CertifiedEvent = {
  readonly jobId: Hash
  readonly range: number
  readonly steps: number
  readonly worker: Hex
  readonly stateAfter: Hash
  readonly weights: Hash
  readonly losses: readonly bigint[]
  readonly sidecar: Hash
}

const maxItem = 16_777_216

/** @throws {Refused} unless all are hex. */
export function bytesOf(items: readonly Hex[]): readonly Uint8Array[] {
  return items.map((item) => {
    const bytes = parseHex(item, maxItem)
    if (!bytes.ok) throw new Refused('the node sent something that is no hex')
    return bytes.value
  })
}

/** Certificates that the receipts of one block tell of, in order. */
export function certifiedIn(receipts: readonly Uint8Array[]): readonly CertifiedEvent[] {
  return receipts.flatMap((receipt) => logsOf(receipt).flatMap((log) => certifiedOf(log) ?? []))
}

type Log = { readonly address: Hex; readonly topics: readonly Hex[]; readonly data: Hex }

/** @see EIP-2718: a receipt of another type than the first begins with the type's byte */
function logsOf(receipt: Uint8Array): readonly Log[] {
  const fields = decodeItem((receipt[0] ?? 0) < 0xc0 ? receipt.subarray(1) : receipt)
  const logs = fields === null || fields instanceof Uint8Array ? undefined : fields[3]
  if (logs === undefined || logs instanceof Uint8Array) return []
  return logs.flatMap((log) => {
    if (log instanceof Uint8Array) return []
    const [address, topics, data] = log
    const isLog = address instanceof Uint8Array && data instanceof Uint8Array
    if (!isLog || topics === undefined || topics instanceof Uint8Array) return []
    const words = topics.filter((topic) => topic instanceof Uint8Array)
    return [{ address: toHex(address), topics: words.map(toHex), data: toHex(data) }]
  })
}

function certifiedOf({ address, topics, data }: Log): CertifiedEvent | null {
  if (address !== moduleAddresses.jobs) return null
  try {
    const event = decodeEventLog({ abi: jobsAbi, topics: topics as [Hex, ...Hex[]], data })
    return event.eventName === 'Certified' ? (event.args as unknown as CertifiedEvent) : null
  } catch {
    return null
  }
}
