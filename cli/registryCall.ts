/**
 * Calls to the registry and the treasury from the command line: sent, awaited, and told by their event.
 */
import { type Abi, parseEventLogs } from 'viem'
import { type AccountFlags, openAccount } from './account.ts'
import { coinsText } from './format.ts'
import type { Io } from './io.ts'
import { createReport } from './report.ts'
import { connect, type RpcFlags } from './rpc.ts'
import { fields } from './table.ts'
import { type ModuleCall, sendCall } from './transaction.ts'

export type CallFlags = RpcFlags & AccountFlags

/** Fields of events that are amounts in wei. */
const amounts = new Set(['amount', 'price', 'rowPrice'])

/** Send `call` and tell what its events say, the last of each name. */
export async function callAndTell(flags: CallFlags, io: Io, call: ModuleCall): Promise<void> {
  const report = createReport(io, flags)
  const node = await connect(flags.rpc)
  const account = await openAccount(flags, report)
  const receipt = await sendCall(node, account, call)
  const events = parseEventLogs({ abi: call.abi as Abi, logs: receipt.logs })
  const details = Object.assign({}, ...events.map(({ args }) => args)) as Record<string, unknown>
  const result = {
    events: events.map(({ eventName }) => eventName),
    ...details,
    transaction: receipt.transactionHash,
  }
  report.result(result, () =>
    fields(io, [
      ...Object.entries(details).map(
        ([name, value]) => [name, detailText(name, value)] as readonly [string, string],
      ),
      ['in block', receipt.blockNumber.toString()],
    ]),
  )
}

function detailText(name: string, value: unknown): string {
  return amounts.has(name) ? coinsText(value as bigint) : String(value)
}
