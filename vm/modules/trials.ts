/**
 * The part of `Jobs` that is about trials: the jobs of a collection's valuation.
 */
import type { ChainParams } from '../../params/chainParams.ts'
import { type Hash, zeroHash } from '../../primitives/hash.ts'
import { costFault } from '../../proof/certificateCost.ts'
import { readCollection } from '../../registry/collections.ts'
import { openTrial, trialCost, trialsOf } from '../../registry/valuation.ts'
import type { NativeCall, NativeOutcome } from '../nativeModule.ts'
import { answer, type Handler } from './module.ts'

/** Handlers of `openTrial`, `quoteTrial` and `trials`. @param refuse - the module's own way to refuse. */
export function trialHandlers(
  params: ChainParams,
  refuse: (fault: { readonly code: string }) => NativeOutcome,
): Readonly<Record<string, Handler>> {
  async function open(call: NativeCall): Promise<NativeOutcome> {
    const [collection, subset, pricePerMac] = call.args as [Hash, number, bigint]
    const { world, caller: owner, value, block } = call
    const order = { collection, subset, owner, pricePerMac }
    const opened = await openTrial(world, params, order, value, block.height)
    if (!opened.ok) return refuse(opened.fault)
    const { id: jobId, job } = opened.value
    const dear = costFault(job, params)
    if (dear !== null) return refuse(dear)
    // An opened job has its cost to the wei.
    const escrow = value - params.openFee
    call.emit('JobOpened', { jobId, owner, dataset: job.dataset, steps: job.steps, escrow })
    call.emit('TrialOpened', { jobId, collection, subset })
    return answer(jobId)
  }

  async function known(
    { world, args }: NativeCall,
    tell: (collection: Hash) => Promise<NativeOutcome>,
  ): Promise<NativeOutcome> {
    const [collection] = args as [Hash]
    if ((await readCollection(world, collection)) === null)
      return refuse({ code: 'jobs/unknown', ...{ id: collection } })
    return tell(collection)
  }

  return {
    openTrial: open,
    quoteTrial: (call) =>
      known(call, async (collection) => {
        const [, pricePerMac] = call.args as [Hash, bigint]
        const cost = await trialCost(call.world, params, collection, pricePerMac)
        return answer(cost, params.openFee)
      }),
    trials: (call) =>
      known(call, async (collection) => {
        const list = await trialsOf(call.world, collection, call.block.height)
        return answer(
          list.map(({ subset, job, loss }) => ({
            subset,
            jobId: job ?? zeroHash,
            loss: loss ?? 0n,
          })),
        )
      }),
  }
}
