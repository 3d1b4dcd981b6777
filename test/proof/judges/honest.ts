/** Honest accounts, and accounts whose products have a wrong cell that all later work follows. */
import type { Products } from '../../../compute/backend.ts'
import type { ModelState } from '../../../compute/modelState.ts'
import { referenceBackend } from '../../../compute/reference.ts'
import { type StepTrace, traceStep } from '../../../compute/step.ts'
import { familiesOf, splitOf } from '../../../registry/admission.ts'
import type { Job } from '../../../registry/job.ts'
import {
  type Account,
  type Assignment,
  type LayerAccount,
  type LayerWeights,
  numbersAt,
  type StepAccount,
  stepsOf,
} from './account.ts'

type Numbers = ReturnType<typeof numbersAt>

/** Computes what the assignment asks for, with these products. */
export async function accountOf(
  assignment: Assignment,
  products: Products = referenceBackend.products,
): Promise<Account> {
  const { claim, before, batches } = assignment
  const { job, range } = claim
  const states = [weightsOf(before)]
  const steps: StepAccount[] = []
  let state = before
  for (let i = 0; i < stepsOf(job, range); i++) {
    const rows = batches[i]!
    const trace = await traceStep(products, job, state, range * job.leaseSteps + i, rows)
    const numbers = numbersAt(assignment, i)
    const layers = trace.layers.map((_, l) => accountLayer(job, numbers, state, trace, l))
    steps.push({ rows, layers, loss: trace.report.loss })
    state = trace.state
    states.push(weightsOf(state))
  }
  return { claim, states, steps }
}

function weightsOf({ layers }: ModelState): readonly LayerWeights[] {
  return layers.map(({ width, inner, w, rho }) => ({
    width,
    inner,
    w: Int32Array.from(w),
    rho: Int32Array.from(rho),
  }))
}

/** Layer `l` (from 0) of a step from `old`, with the quotients nearest to 0. */
export function accountLayer(
  job: Job,
  { backward, update }: Numbers,
  old: ModelState,
  { layers, state }: StepTrace,
  l: number,
): LayerAccount {
  const { sums, output, errorSums, error, gradient } = layers[l]!
  const last = errorSums === null
  const splits = Object.fromEntries(familiesOf(job).map((family) => [family.name, splitOf(family)]))
  const quotients = (values: Int32Array, shift: number, kappa: number, low: number) =>
    values.map((value) => {
      const unit = 2 ** kappa
      const rounded = value + 2 ** (shift - 1)
      const [least, end] = [low - unit, 127 * 2 ** shift + unit]
      if (rounded >= end) return Math.ceil((rounded - end + 1) / unit)
      return rounded < least ? -Math.ceil((least - rounded) / unit) : 0
    })
  const s = job.forwardShifts[l]!
  const kappa = (last ? splits.output : splits.hidden)!.kappa
  const mask = last ? null : Int32Array.from(output, (a) => (a > 0 ? 1 : 0))
  const t = backward[l] ?? 0
  const errorQuotient = last
    ? null
    : quotients(errorSums, t, splits.backward!.kappa, -126 * 2 ** t).map((v, c) => v * mask![c]!)
  const scale = 2 ** job.fractionBits
  const { w, rho } = old.layers[l]!
  const excess = Int32Array.from(w, (value, c) => {
    const updated = scale * value + rho[c]! - 2 ** update[l]! * gradient[c]!
    return Math.floor(updated / scale) - state.layers[l]!.w[c]!
  })
  return {
    sums,
    quotient: quotients(sums, s, kappa, last ? -126 * 2 ** s : 0),
    output: Int32Array.from(output),
    mask,
    errorSums,
    errorQuotient,
    error: Int32Array.from(error),
    gradient,
    excess,
  }
}

/** The reference products, but the `call`-th result of one kind has one cell changed. */
export function wrongProducts(
  kind: keyof Products,
  call: number,
  change: (values: Int32Array) => void,
): Products {
  let calls = 0
  const wrong =
    <A extends readonly unknown[]>(
      name: keyof Products,
      run: (...args: A) => Promise<Int32Array>,
    ) =>
    async (...args: A) => {
      const values = await run(...args)
      if (name === kind && calls++ === call) change(values)
      return values
    }
  const { forward, backward, gradient } = referenceBackend.products
  return {
    forward: wrong('forward', forward),
    backward: wrong('backward', backward),
    gradient: wrong('gradient', gradient),
  }
}
