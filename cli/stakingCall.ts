/**
 * Calls to the staking module from the command line: sent, awaited, and told by their event.
 */
import { type Abi, type ContractEventName, parseEventLogs } from 'viem'
import { moduleAddresses } from '../params/protocol.ts'
import { stakingAbi } from '../vm/modules/stakingAbi.ts'
import { type AccountFlags, openAccount } from './account.ts'
import { coinsText } from './format.ts'
import type { Io } from './io.ts'
import { createReport } from './report.ts'
import { connect, explain, type RpcFlags } from './rpc.ts'
import { fields } from './table.ts'
import { sendCall } from './transaction.ts'

export type StakingFlags = RpcFlags & AccountFlags

/** A call, and the event that tells its outcome. */
export type StakingCall = {
  readonly functionName: string
  readonly args?: readonly unknown[]
  /** Wei that go with it. */
  readonly value?: bigint
  readonly event: ContractEventName<typeof stakingAbi>
}

/** Fields of events that are amounts in wei. */
const amounts = new Set(['amount'])

export async function callStaking(flags: StakingFlags, io: Io, call: StakingCall): Promise<void> {
  const report = createReport(io, flags)
  const node = await connect(flags.rpc)
  const account = await openAccount(flags, report)
  const receipt = await sendCall(node, account, {
    address: moduleAddresses.staking,
    abi: stakingAbi as Abi,
    functionName: call.functionName,
    args: call.args ?? [],
    value: call.value,
  })
  const [event] = parseEventLogs({ abi: stakingAbi, eventName: call.event, logs: receipt.logs })
  const details: Readonly<Record<string, unknown>> = event?.args ?? {}
  const result = { event: call.event, ...details, transaction: receipt.transactionHash }
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

/** Ask a view of the staking module. */
export async function readStaking<T>(
  flags: RpcFlags,
  functionName: string,
  args: readonly unknown[],
): Promise<T> {
  const node = await connect(flags.rpc)
  const address = moduleAddresses.staking
  const request = { address, abi: stakingAbi as Abi, functionName, args }
  return explain(node.url, () => node.client.readContract(request) as Promise<T>)
}
