/**
 * `debug_trace*`: committed transactions and imagined calls, run again and watched.
 */
import { z } from 'zod'
import { ok, type Result, refuse } from '../../primitives/result.ts'
import { tooLong } from '../../vm/simulate.ts'
import { atBlock } from '../blocks.ts'
import type { RpcFault } from '../errors.ts'
import { type Answer, type Methods, method } from '../method.ts'
import type { RpcChain, RpcModules } from '../modules.ts'
import { blockOverridesSchema, stateOverridesSchema } from '../overrideSchemas.ts'
import {
  type BlockRef,
  blockNumberSchema,
  blockOrLatestSchema,
  callSchema,
  hashSchema,
} from '../schemas.ts'
import { tracedBlock } from '../tracedBlock.ts'
import { callTracer } from '../tracers/callTracer.ts'
import { prestateTracer } from '../tracers/prestate.ts'
import { type Spent, structLogTracer } from '../tracers/structLog.ts'
import { type Touched, touchTracer } from '../tracers/touched.ts'
import { attach, type Tracer } from '../tracers/tracer.ts'
import { watched } from '../tracers/watched.ts'
import type { BlockView, CallOutcome } from '../views.ts'
import type { Json } from '../wire.ts'
import type { CallLimits } from './ethCall.ts'

const flag = z
  .boolean()
  .nullish()
  .transform((value) => value ?? false)

const tracerConfigSchema = z.looseObject({ onlyTopCall: flag, withLog: flag, diffMode: flag })

const configFields = {
  tracer: z.enum(['callTracer', 'prestateTracer']).nullish(),
  tracerConfig: tracerConfigSchema.nullish(),
  disableStack: flag,
  disableStorage: flag,
  enableMemory: flag,
  enableReturnData: flag,
}
const noConfig = z.looseObject(configFields).parse({})
const configSchema = z
  .looseObject(configFields)
  .nullish()
  .transform((config) => config ?? noConfig)
type Config = typeof noConfig

const callConfigSchema = z
  .looseObject({
    ...configFields,
    stateOverrides: stateOverridesSchema,
    blockOverrides: blockOverridesSchema,
  })
  .nullish()

export function traceMethods(
  { maxCallGas }: CallLimits,
  { chain }: Pick<RpcModules, 'chain'>,
): Methods {
  const ofBlock = (ref: z.ZodType<BlockRef>) =>
    method({ block: ref, config: configSchema }, async ({ block: wanted, config }) => {
      const block = await findBlock(chain, wanted)
      if (!block.ok) return block
      const traced = await traceAll(chain, block.value, config, null)
      if (!traced.ok) return traced
      const hashes = block.value.transactionHashes
      return ok(hashes.map((txHash, i) => ({ txHash, result: traced.value.get(i) ?? null })))
    })

  return {
    debug_traceBlockByNumber: ofBlock(blockNumberSchema),
    debug_traceBlockByHash: ofBlock(
      hashSchema.transform((hash): BlockRef => ({ by: 'hash', hash })),
    ),
    debug_traceTransaction: method(
      { hash: hashSchema, config: configSchema },
      async ({ hash, config }) => {
        const place = await chain.locate(hash)
        const block = place === null ? null : await chain.block(place.number)
        if (block === null) return refuse({ code: 'rpc/notFound', what: 'transaction' })
        const traced = await traceAll(chain, block, config, place!.index)
        return traced.ok ? ok(traced.value.get(place!.index) ?? null) : traced
      },
    ),
    debug_traceCall: method(
      { transaction: callSchema, block: blockOrLatestSchema, config: callConfigSchema },
      async ({ transaction, block, config }) => {
        if (config?.tracer === 'prestateTracer')
          return refuse({
            code: 'rpc/params',
            parameter: 'argument 2 (config.tracer)',
            why: 'the prestateTracer is for committed transactions',
          })
        const { gas } = transaction
        const call = { ...transaction, gas: gas === null || gas > maxCallGas ? maxCallGas : gas }
        const overrides =
          config === null || config === undefined
            ? undefined
            : { state: config.stateOverrides, block: config.blockOverrides }
        const tracer = tracerOf(config ?? noConfig, { steps: 0, words: 0 }, call.gas)
        const ran = await watched(
          (watch) => atBlock(chain, block, (number) => chain.call(call, number, overrides, watch)),
          (vm) => attach(vm, tracer),
        )
        if (!ran.ok) return ran
        return ran.value.ok ? finishCall(tracer, ran.value.value) : ran.value
      },
    ),
  }
}

async function finishCall(tracer: Tracer, outcome: CallOutcome): Promise<Answer> {
  const { returnData, gasUsed } = outcome
  if (!outcome.ok && outcome.reason === tooLong)
    return refuse({ code: 'rpc/execution', reason: tooLong })
  return ok(await tracer.finish({ failed: !outcome.ok, returnData, gasUsed }, null))
}

async function findBlock(chain: RpcChain, ref: BlockRef): Promise<Result<BlockView, RpcFault>> {
  const block = await atBlock(chain, ref, chain.block)
  if (!block.ok) return refuse({ code: 'rpc/notFound', what: 'block' })
  return block.value.header.number === 0n
    ? refuse({ code: 'rpc/execution', reason: 'genesis is not traceable' })
    : block
}

/** Traces by index. @param only - the one transaction that is wanted; null for all. */
async function traceAll(
  chain: RpcChain,
  block: BlockView,
  config: Config,
  only: number | null,
): Promise<Result<ReadonlyMap<number, Json>, RpcFault>> {
  const wanted = (index: number) => only === null || only === index
  const { number } = block.header
  if (config.tracer !== 'prestateTracer') {
    const spent: Spent = { steps: 0, words: 0 }
    return tracedBlock(chain, number, (index) =>
      wanted(index) ? tracerOf(config, spent, null) : null,
    )
  }
  // Twice: once to learn what is touched, once to read that before and after.
  const touched = new Map<number, Touched>()
  const first = await tracedBlock(chain, number, (index) => {
    if (!wanted(index)) return null
    const own: Touched = new Map([[block.header.miner, new Set()]])
    touched.set(index, own)
    return touchTracer(own)
  })
  if (!first.ok) return first
  const diffMode = config.tracerConfig?.diffMode ?? false
  return tracedBlock(chain, number, (index) =>
    wanted(index) ? prestateTracer(touched.get(index) ?? new Map(), diffMode) : null,
  )
}

function tracerOf(config: Config, spent: Spent, gasLimit: bigint | null): Tracer {
  if (config.tracer !== 'callTracer') return structLogTracer(config, spent)
  const { onlyTopCall = false, withLog = false } = config.tracerConfig ?? {}
  return callTracer({ onlyTopCall, withLog }, gasLimit)
}
