/**
 * How much gas a transaction needs: run it at the cap, then search for the least limit that succeeds.
 */

import { toHex } from '../primitives/bytes.ts'
import { ok, type Result, refuse } from '../primitives/result.ts'
import type { RpcFault } from './errors.ts'
import { describeRevert } from './revert.ts'
import type { CallOutcome } from './views.ts'

/** Run the call with `gas` as its limit; null: its state is not kept. */
export type RunAt = (gas: bigint) => Promise<CallOutcome | null>

/** The search ends when the bounds are closer than 1 part in this many. */
const precision = 64n

/**
 * Least sufficient gas limit, at most 1/64 above it and never below.
 *
 * Success is not quite monotonic in the limit (a contract may read it), so what is returned is always
 * a limit that was run and succeeded.
 *
 * @param late - asked between runs: why nobody waits for the answer any more.
 */
export async function estimateGas(
  run: RunAt,
  cap: bigint,
  late: () => RpcFault | null = () => null,
): Promise<Result<bigint, RpcFault>> {
  const most = await run(cap)
  if (most === null) return refuse({ code: 'rpc/notFound', what: 'state' })
  if (!most.ok) return refuse(outcomeFault(most, cap))
  if ((await run(most.gasUsed))?.ok === true) return ok(most.gasUsed)
  let low = most.gasUsed
  let high = cap
  // Refunds and the 1/64 that calls hold back are the usual reasons: try just above first.
  const likely = ((most.gasUsed + callStipend) * 64n) / 63n
  for (let middle = likely < cap ? likely : (low + high) / 2n; high - low > low / precision; ) {
    const fault = late()
    if (fault !== null) return refuse(fault)
    if ((await run(middle))?.ok === true) high = middle
    else low = middle
    middle = (low + high) / 2n
  }
  return ok(high)
}

/** Gas that a call with value hands to the callee for free. */
const callStipend = 2_300n

/** The refusal that says why a call did not succeed. */
export function outcomeFault(
  outcome: Extract<CallOutcome, { ok: false }>,
  cap: bigint | null,
): RpcFault {
  if (outcome.kind === 'revert')
    return {
      code: 'rpc/reverted',
      reason: describeRevert(outcome.returnData),
      data: toHex(outcome.returnData),
    }
  return { code: 'rpc/execution', reason: haltReason(outcome.reason, cap) }
}

/** The library's words, or those that wallets look for. */
function haltReason(reason: string, cap: bigint | null): string {
  if (/enough funds|insufficient balance/i.test(reason))
    return `insufficient funds for gas * price + value: ${reason}`
  if (cap !== null && /out of gas/i.test(reason)) return `gas required exceeds allowance (${cap})`
  return reason
}
