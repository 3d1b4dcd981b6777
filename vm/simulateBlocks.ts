/**
 * Chains of imagined blocks on top of a real one: `eth_simulateV1`. Blocks are built as a real chain
 * of the same rules would build them, so that hashes and roots are those of real blocks.
 *
 * @see the public execution-apis specification, docs "eth_simulate"
 */
import type { Block, BlockHeader } from '@ethereumjs/block'
import type { MerkleStateManager } from '@ethereumjs/statemanager'
import type { Withdrawal } from '@ethereumjs/util'
import type { Hash } from '../primitives/hash.ts'
import { ok, type Result, refuse } from '../primitives/result.ts'
import { type Deadline, Expired, type KnownHash } from './chainVm.ts'
import type { Engine } from './engine.ts'
import { type ImaginedBlockFault, runImaginedBlock } from './imaginedBlock.ts'
import type { ImaginedCall } from './imaginedTransaction.ts'
import type { BlockOverrides, StateOverrides } from './overrides.ts'
import type { Log } from './receipts.ts'

export type ImaginedBlock = {
  readonly overrides: BlockOverrides & {
    readonly beaconRoot: Hash | null
    readonly withdrawals: readonly Withdrawal[]
  }
  readonly state: StateOverrides
  readonly calls: readonly ImaginedCall[]
}

export type SimulateRequest = {
  readonly blocks: readonly ImaginedBlock[]
  /** Whether transfers of coin appear among the logs. */
  readonly traceTransfers: boolean
  /** Whether nonces and fees are judged as for real transactions. */
  readonly validation: boolean
  /** Gas of all calls together. */
  readonly gasCap: bigint
  /** Most heights between the base and the last block. */
  readonly maxBlocks: number
}

/** `gasUsed` is after refunds, `maxUsedGas` before. */
export type ImaginedOutcome = {
  readonly kind: 'success' | 'revert' | 'halt'
  readonly reason: string
  readonly returnData: Uint8Array
  readonly gasUsed: bigint
  readonly maxUsedGas: bigint
  readonly logs: readonly Log[]
}

/** Its transactions know their senders. */
export type SimulatedBlock = { readonly block: Block; readonly calls: readonly ImaginedOutcome[] }

export type SimulateFault =
  | ImaginedBlockFault
  | { readonly code: 'simulate/number'; readonly above: bigint; readonly got: bigint }
  | { readonly code: 'simulate/timestamp'; readonly above: bigint; readonly got: bigint }
  | { readonly code: 'simulate/blocks'; readonly max: number; readonly got: bigint }
  | { readonly code: 'simulate/slow' }

/** What an imagined chain stands on. */
export type SimulateBase = {
  readonly header: BlockHeader
  /** After the base block; spoiled afterwards. */
  readonly state: MerkleStateManager
  /** The rules at a place of the chain. */
  readonly engineAt: (number: bigint, timestamp: bigint) => Engine
  /** Hashes of blocks up to the base, where the state does not have them. */
  readonly known?: KnownHash | undefined
}

/** Seconds from one imagined block to the next. */
const interval = 12n

/** Run the blocks of `request`; the first refusal ends it all. */
export async function simulateBlocks(
  base: SimulateBase,
  request: SimulateRequest,
  expired: Deadline,
): Promise<Result<readonly SimulatedBlock[], SimulateFault>> {
  const planned = fillGaps(base.header, request)
  if (!planned.ok) return planned
  const hashes = new Map<bigint, Uint8Array>()
  const known: KnownHash = async (height) =>
    hashes.get(height) ?? (await base.known?.(height)) ?? null
  const done: SimulatedBlock[] = []
  let parent = base.header
  let gasLeft = request.gasCap
  try {
    for (const plan of planned.value) {
      if (expired()) return refuse({ code: 'simulate/slow' })
      hashes.set(parent.number, parent.hash())
      const engine = base.engineAt(plan.overrides.number, plan.overrides.time)
      const context = { ...base, engine, parent, known, expired, gasLeft }
      const ran = await runImaginedBlock(context, plan, request)
      if (!ran.ok) return ran
      done.push(ran.value)
      parent = ran.value.block.header
      gasLeft -= parent.gasUsed
    }
    return ok(done)
  } catch (error) {
    if (error instanceof Expired) return refuse({ code: 'simulate/slow' })
    throw error
  }
}

/** An imagined block whose place is settled. */
export type PlannedBlock = ImaginedBlock & {
  readonly overrides: { readonly number: bigint; readonly time: bigint }
}

const nothing: ImaginedBlock['overrides'] = {
  number: null,
  time: null,
  gasLimit: null,
  feeRecipient: null,
  prevRandao: null,
  baseFeePerGas: null,
  blobBaseFee: null,
  beaconRoot: null,
  withdrawals: [],
}

/** Numbers and times for all, in order; numbers left out become empty blocks. */
function fillGaps(
  base: BlockHeader,
  { blocks, maxBlocks }: SimulateRequest,
): Result<readonly PlannedBlock[], SimulateFault> {
  const planned: PlannedBlock[] = []
  let { number, timestamp } = base
  for (const block of blocks) {
    const wanted = block.overrides.number ?? number + 1n
    if (wanted <= number) return refuse({ code: 'simulate/number', above: number, got: wanted })
    if (wanted - base.number > BigInt(maxBlocks))
      return refuse({ code: 'simulate/blocks', max: maxBlocks, got: wanted - base.number })
    for (number += 1n; number < wanted; number += 1n) {
      timestamp += interval
      const overrides = { ...nothing, number, time: timestamp }
      planned.push({ overrides, state: new Map(), calls: [] })
    }
    const time = block.overrides.time ?? timestamp + interval
    if (time <= timestamp)
      return refuse({ code: 'simulate/timestamp', above: timestamp, got: time })
    timestamp = time
    planned.push({ ...block, overrides: { ...block.overrides, number, time } })
  }
  return ok(planned)
}
