/**
 * The second judge: every relation of docs/spec/proof.md, P-6 to P-10 and P-21 to P-24, on explicit
 * tensors. No commitment, no field, no sumcheck, and no code of `proof/`: products are checked with
 * random vectors (Freivalds 1977) modulo 2^61 − 1, everything else cell by cell against tables that
 * are built from the specification's wording.
 */
import { jobIdOf } from '../../../registry/job.ts'
import {
  type Account,
  type Assignment,
  type LayerAccount,
  type LayerWeights,
  numbersAt,
  type StepAccount,
  stepsOf,
} from './account.ts'

const modulus = 2n ** 61n - 1n

/** @param draw - uniform below its argument; the account must not know it. */
export function freivalds(
  assignment: Assignment,
  account: Account,
  draw: (bound: number) => number,
): boolean {
  const { claim, before, batches } = assignment
  const { job, range } = claim
  const steps = stepsOf(job, range)
  const bound =
    jobIdOf(account.claim.job) === jobIdOf(job) &&
    account.claim.seed === claim.seed &&
    account.claim.range === range &&
    account.claim.worker === claim.worker &&
    account.steps.length === steps &&
    account.states.length === steps + 1
  if (!bound) return false
  const first = account.states[0]!.every(
    ({ w, rho }, i) => equal(w, before.layers[i]!.w) && equal(rho, before.layers[i]!.rho),
  )
  return first && account.steps.every((step, i) => checkStep(i, step, batches[i]!))

  function checkStep(number: number, step: StepAccount, rows: Assignment['batches'][number]) {
    const old = account.states[number]!
    const fresh = account.states[number + 1]!
    const sameRows =
      equal(step.rows.features, rows.features) && equal(step.rows.labels, rows.labels)
    return (
      sameRows &&
      step.loss === lossOf(step.layers.at(-1)!, rows.labels, job.batch) &&
      step.layers.every((_, i) => checkLayer(number, step, i, old, fresh))
    )
  }

  function checkLayer(
    number: number,
    { layers, rows }: StepAccount,
    i: number,
    old: readonly LayerWeights[],
    fresh: readonly LayerWeights[],
  ): boolean {
    const layer = layers[i]!
    const { w, width, inner } = old[i]!
    const input = i === 0 ? rows.features : layers[i - 1]!.output
    const { batch } = job
    const above = old[i + 1]
    const products =
      isProduct(layer.sums, [input, batch, inner], transposed(w, width, inner), width, draw) &&
      isProduct(
        layer.gradient,
        [transposed(layer.error, batch, width), width, batch],
        input,
        inner,
        draw,
      ) &&
      (above === undefined ||
        isProduct(
          layer.errorSums!,
          [layers[i + 1]!.error, batch, above.width],
          above.w,
          width,
          draw,
        ))
    if (!products) return false
    const cells =
      above === undefined
        ? outputCells(layer, rows.labels, width)
        : hiddenCells(layer, i, numbersAt(assignment, number).backward[i]!)
    return cells && updates(layer, old[i]!, fresh[i]!, numbersAt(assignment, number).update[i]!)
  }

  /** `ACT`, `SA`, `ERR`, `SE`. */
  function hiddenCells(layer: LayerAccount, i: number, t: number): boolean {
    const s = job.forwardShifts[i]!
    const forward = splitOf(job.layers.slice(0, -2), job.forwardShifts.slice(0, -1))
    const backward = splitOf(
      job.layers.slice(2),
      job.schedule.flatMap(({ backwardShifts }) => backwardShifts),
    )
    return layer.sums.every((z, c) => {
      const [a, m, d] = [layer.output[c]!, layer.mask![c]!, layer.error[c]!]
      const [h, v] = [layer.quotient[c]!, layer.errorQuotient![c]!]
      const g = z + 2 ** (s - 1) - 2 ** forward.kappa * h
      const f = layer.errorSums![c]! + 2 ** (t - 1) - 2 ** backward.kappa * v
      const act = inRange(g, -(2 ** forward.kappa), 127 * 2 ** s + 2 ** forward.kappa)
      const err = inRange(
        f,
        -126 * 2 ** t - 2 ** backward.kappa,
        127 * 2 ** t + 2 ** backward.kappa,
      )
      return (
        act &&
        a === between(Math.floor(g / 2 ** s), 0, 127) &&
        m === (a > 0 ? 1 : 0) &&
        excessPair(h, a, forward.bound, 0) &&
        (m === 1
          ? err &&
            d === between(Math.floor(f / 2 ** t), -127, 127) &&
            excessPair(v, d, backward.bound, -127)
          : v === 0 && d === 0)
      )
    })
  }

  /** `OUT`, `SO`, `TG`. */
  function outputCells(layer: LayerAccount, labels: Uint32Array, width: number): boolean {
    const s = job.forwardShifts.at(-1)!
    const { kappa, bound: most } = splitOf(job.layers.slice(-2, -1), [s])
    return layer.sums.every((z, c) => {
      const [o, h, d] = [layer.output[c]!, layer.quotient[c]!, layer.error[c]!]
      const g = z + 2 ** (s - 1) - 2 ** kappa * h
      const y = labels[Math.floor(c / width)] === c % width ? 1 : 0
      return (
        inRange(g, -126 * 2 ** s - 2 ** kappa, 127 * 2 ** s + 2 ** kappa) &&
        o === between(Math.floor(g / 2 ** s), -127, 127) &&
        excessPair(h, o, most, -127) &&
        d === between(o - 64 * y, -127, 127)
      )
    })
  }

  /** R1, R8 and R9: `2^F·(w' + ξ) + ρ' = 2^F·w + ρ − 2^u·G`, in ranges, `ξ` at the bound alone. */
  function updates(
    { gradient, excess }: LayerAccount,
    old: LayerWeights,
    fresh: LayerWeights,
    u: number,
  ): boolean {
    const scale = 2 ** job.fractionBits
    return old.w.every((w, c) => {
      const [next, rho, beyond] = [fresh.w[c]!, fresh.rho[c]!, excess[c]!]
      const left = scale * (next + beyond) + rho
      return (
        left === scale * w + old.rho[c]! - 2 ** u * gradient[c]! &&
        inRange(next, -127, 128) &&
        inRange(rho, 0, scale) &&
        (beyond === 0 || next === (beyond > 0 ? 127 : -127))
      )
    })
  }
}

/** `κ` and `H` of a family, W-22. */
function splitOf(inner: readonly number[], shifts: readonly number[]) {
  const K = Math.max(...inner)
  const s = Math.max(...shifts)
  let best = { kappa: 0, bound: 0, cost: Number.POSITIVE_INFINITY }
  for (let kappa = s; kappa < 32; kappa++) {
    const bound = Math.ceil((127 ** 2 * K + 2 ** s) / 2 ** kappa) + 1
    const cost = 2 ** (kappa + 1) + 2 * bound
    if (cost < best.cost) best = { kappa, bound, cost }
  }
  return best
}

/** A quotient other than 0 goes with a value at its bound: 127 above, `low` below. */
function excessPair(quotient: number, value: number, most: number, low: number): boolean {
  if (quotient === 0) return true
  return Math.abs(quotient) <= most && value === (quotient > 0 ? 127 : low)
}

function lossOf({ output }: LayerAccount, labels: Uint32Array, batch: number): bigint {
  const width = output.length / batch
  return output.reduce((sum, o, c) => {
    const miss = o - (labels[Math.floor(c / width)] === c % width ? 64 : 0)
    return sum + BigInt(miss * miss)
  }, 0n)
}

/** Whether `c = a·b`, with `a` of `rows × inner` and `b` of `inner × cols`; wrong with chance 2^−30. */
function isProduct(
  c: ArrayLike<number>,
  [a, rows, inner]: readonly [ArrayLike<number>, number, number],
  b: ArrayLike<number>,
  cols: number,
  draw: (bound: number) => number,
): boolean {
  const random = Array.from({ length: cols }, () => BigInt(draw(2 ** 30)))
  const times = (matrix: ArrayLike<number>, vector: readonly bigint[], height: number) =>
    Array.from({ length: height }, (_, i) =>
      vector.reduce(
        (sum, x, j) => (sum + BigInt(matrix[i * vector.length + j]!) * x) % modulus,
        0n,
      ),
    )
  const left = times(c, random, rows)
  const right = times(a, times(b, random, inner), rows)
  return left.every((value, i) => (value - right[i]!) % modulus === 0n)
}

function transposed(values: ArrayLike<number>, rows: number, cols: number): Int32Array {
  const flipped = new Int32Array(rows * cols)
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < cols; j++) flipped[j * rows + i] = values[i * cols + j]!
  return flipped
}

function equal(a: ArrayLike<number>, b: ArrayLike<number>): boolean {
  return a.length === b.length && Array.prototype.every.call(a, (value, i) => value === b[i])
}

function inRange(value: number, from: number, end: number): boolean {
  return value >= from && value < end
}

function between(value: number, low: number, high: number): number {
  return Math.max(low, Math.min(high, value))
}
