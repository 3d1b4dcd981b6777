/**
 * Logs by block, address and topics: headers' blooms rule out most blocks before receipts are read.
 */
import { type Address, addressBytes } from '../primitives/address.ts'
import { type Hash, hashBytes } from '../primitives/hash.ts'
import type { Engine } from '../vm/engine.ts'
import { bloomMayHold, type Log, type Receipt } from '../vm/receipts.ts'

export type LogFilter = {
  /** Any of these; empty: any at all. */
  readonly addresses: readonly Address[]
  /** By position: any of these, or null for any at all. */
  readonly topics: readonly (readonly Hash[] | null)[]
}

/** A log with its place in its block. */
export type FoundLog = {
  readonly log: Log
  readonly transactionIndex: number
  /** Among all logs of the block. */
  readonly logIndex: number
}

/** Whether a block with this bloom may have a log that fits; false is certain. */
export function bloomFits(engine: Engine, bloom: Uint8Array, filter: LogFilter): boolean {
  const holds = (item: Uint8Array) => bloomMayHold(engine, bloom, item)
  const { addresses, topics } = filter
  if (addresses.length > 0 && !addresses.some((address) => holds(addressBytes(address))))
    return false
  return topics.every((any) => any === null || any.some((topic) => holds(hashBytes(topic))))
}

function logFits(log: Log, { addresses, topics }: LogFilter): boolean {
  if (addresses.length > 0 && !addresses.includes(log.address)) return false
  return topics.every(
    (any, i) => any === null || (log.topics[i] !== undefined && any.includes(log.topics[i])),
  )
}

/** The logs of a block's receipts that fit, in order. */
export function findLogs(receipts: readonly Receipt[], filter: LogFilter): readonly FoundLog[] {
  const found: FoundLog[] = []
  let logIndex = 0
  for (const [transactionIndex, { logs }] of receipts.entries())
    for (const log of logs) {
      if (logFits(log, filter)) found.push({ log, transactionIndex, logIndex })
      logIndex += 1
    }
  return found
}
