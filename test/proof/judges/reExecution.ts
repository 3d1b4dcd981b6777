/**
 * The third judge: train the lease again and compare every number, bit for bit. Only the quotients
 * leave a choice (P-24): one that splits the sum into a pair of the tables is as good as another.
 */
import { referenceBackend } from '../../../compute/reference.ts'
import { traceStep } from '../../../compute/step.ts'
import { familiesOf, splitOf } from '../../../registry/admission.ts'
import { jobIdOf } from '../../../registry/job.ts'
import { type Account, type Assignment, type LayerAccount, numbersAt, stepsOf } from './account.ts'
import { accountLayer } from './honest.ts'

export async function reExecution(assignment: Assignment, account: Account): Promise<boolean> {
  const { claim, before, batches } = assignment
  const { job, range } = claim
  const same =
    jobIdOf(account.claim.job) === jobIdOf(job) &&
    account.claim.seed === claim.seed &&
    account.claim.range === range &&
    account.claim.worker === claim.worker &&
    account.steps.length === stepsOf(job, range) &&
    account.states.length === account.steps.length + 1 &&
    sameWeights(account.states[0]!, before.layers)
  if (!same) return false
  let state = before
  for (const [i, step] of account.steps.entries()) {
    const rows = batches[i]!
    const trace = await traceStep(
      referenceBackend.products,
      job,
      state,
      range * job.leaseSteps + i,
      rows,
    )
    const numbers = numbersAt(assignment, i)
    const agrees =
      step.loss === trace.report.loss &&
      sameNumbers(step.rows.features, rows.features) &&
      sameNumbers(step.rows.labels, rows.labels) &&
      sameWeights(account.states[i + 1]!, trace.state.layers) &&
      step.layers.every((layer, l) => {
        const expected = accountLayer(job, numbers, state, trace, l)
        return sameTensors(layer, expected) && sameSplits(layer, l, numbers.backward[l] ?? 0)
      })
    if (!agrees) return false
    state = trace.state
  }
  return true

  function sameSplits(layer: LayerAccount, l: number, t: number): boolean {
    const splits = Object.fromEntries(familiesOf(job).map((f) => [f.name, splitOf(f)]))
    const last = layer.mask === null
    const s = job.forwardShifts[l]!
    const forward = layer.sums.every((z, c) =>
      isSplit(z, layer.quotient[c]!, s, splits[last ? 'output' : 'hidden']!, last ? -127 : 0),
    )
    if (last) return forward
    return (
      forward &&
      layer.errorSums!.every((e, c) => {
        const v = layer.errorQuotient![c]!
        return layer.mask![c] === 0 ? v === 0 : isSplit(e, v, t, splits.backward!, -127)
      })
    )
  }
}

/** Whether `sum + 2^(shift−1) − 2^κ·quotient` and the quotient are in the tables of `sum`'s value. */
function isSplit(
  sum: number,
  quotient: number,
  shift: number,
  { kappa, bound }: { readonly kappa: number; readonly bound: bigint },
  low: number,
): boolean {
  const unit = 2 ** kappa
  const rounded = sum + 2 ** (shift - 1)
  const rest = rounded - unit * quotient
  const lowest = (low === 0 ? 0 : -126 * 2 ** shift) - unit
  if (rest < lowest || rest >= 127 * 2 ** shift + unit) return false
  if (quotient === 0) return true
  const edge = quotient > 0 ? rest >= 127 * 2 ** shift : Math.floor(rest / 2 ** shift) <= low
  return edge && BigInt(Math.abs(quotient)) <= bound
}

function sameTensors(a: LayerAccount, b: LayerAccount): boolean {
  const names = [
    'sums',
    'output',
    'mask',
    'errorSums',
    'error',
    'gradient',
    'excess',
  ] as const satisfies readonly (keyof LayerAccount)[]
  return names.every((name) => {
    const [x, y] = [a[name], b[name]]
    return x === null || y === null ? x === y : sameNumbers(x, y)
  })
}

type Columns = { readonly w: ArrayLike<number>; readonly rho: ArrayLike<number> }

function sameWeights(a: readonly Columns[], b: readonly Columns[]): boolean {
  return a.every(({ w, rho }, i) => sameNumbers(w, b[i]!.w) && sameNumbers(rho, b[i]!.rho))
}

function sameNumbers(a: ArrayLike<number>, b: ArrayLike<number>): boolean {
  return a.length === b.length && Array.prototype.every.call(a, (value, i) => value === b[i])
}
