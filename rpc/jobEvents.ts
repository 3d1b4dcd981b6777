/**
 * Events of the `Jobs` module, read back from logs.
 */
import { decodeEventLog } from 'viem'
import { moduleAddresses } from '../params/protocol.ts'
import type { Address } from '../primitives/address.ts'
import type { Hash } from '../primitives/hash.ts'
import { jobsAbi } from '../vm/modules/jobsAbi.ts'
import type { BlockView, LogView, ReceiptView } from './views.ts'
import type { CertificateView, JobEvent } from './workViews.ts'

/** All events of `Jobs` in one block, in order. */
export function jobEventsOf(
  { header, transactionHashes }: Pick<BlockView, 'header' | 'transactionHashes'>,
  receipts: readonly ReceiptView[],
): readonly JobEvent[] {
  return receipts.flatMap(({ logs }, index) =>
    logs.flatMap((log) => {
      const read = log.address === moduleAddresses.jobs ? readEvent(log) : null
      if (read === null) return []
      const { jobId, ...details } = read.args
      const place = { blockNumber: header.number, transactionHash: transactionHashes[index]! }
      return [{ job: jobId as Hash, event: read.eventName, ...place, details }]
    }),
  )
}

type Read = { readonly eventName: string; readonly args: Readonly<Record<string, unknown>> }

/** Null: not an event of this ABI, which only a future version of the module could emit. */
function readEvent({ topics, data }: LogView): Read | null {
  try {
    const [signature, ...indexed] = topics
    return signature === undefined
      ? null
      : (decodeEventLog({ abi: jobsAbi, topics: [signature, ...indexed], data }) as Read)
  } catch {
    return null
  }
}

/** The certificate that an event announces; null for other events. */
export function certificateOf(event: JobEvent): CertificateView | null {
  if (event.event !== 'Certified') return null
  const { job, blockNumber, transactionHash, details } = event
  return {
    job,
    range: Number(details.range),
    steps: Number(details.steps),
    worker: String(details.worker).toLowerCase() as Address,
    stateAfter: details.stateAfter as Hash,
    weights: details.weights as Hash,
    losses: details.losses as readonly bigint[],
    fee: details.fee as bigint,
    sidecar: details.sidecar as Hash,
    blockNumber,
    transactionHash,
  }
}
