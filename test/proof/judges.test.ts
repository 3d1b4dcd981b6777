/**
 * Three judges of one trace: the succinct verifier, Freivalds' check with explicit tensors, and
 * re-execution. They must agree on every case.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { commitState } from '../../compute/modelState.ts'
import type { LayerTrace, StepTrace } from '../../compute/step.ts'
import { SeededRandom } from '../../primitives/random.ts'
import { order } from '../../proof/babyBear.ts'
import { proveLease } from '../../proof/prover.ts'
import { verifyStepProof } from '../../proof/verifier.ts'
import { openWasmKernels } from '../../proof/wasmKernels.ts'
import { seedOf } from '../compute/support.ts'
import { extremeState, type TrainedLease, tinyJob, trainLease } from './support.ts'

const kernels = openWasmKernels()
const job = tinyJob([6, 5, 4], { batch: 4 })

function succinct({ claim, before, steps, batches }: TrainedLease): boolean {
  const { statement, proof } = proveLease(claim, before, steps, batches, kernels)
  return verifyStepProof(statement, batches, proof, kernels).ok
}

async function reExecution(lease: TrainedLease, number: number): Promise<boolean> {
  const again = await trainLease(job, number, lease.before)
  const same = (a: StepTrace, b: StepTrace) =>
    commitState(job, a.state) === commitState(job, b.state) &&
    a.layers.every((layer, i) =>
      (['sums', 'output', 'errorSums', 'error'] as const).every((name) =>
        equal(layer[name], b.layers[i]![name]),
      ),
    )
  return again.steps.every((step, i) => same(step, lease.steps[i]!))
}

function equal(a: Int8Array | Int32Array | null, b: Int8Array | Int32Array | null): boolean {
  return a === null || b === null ? a === b : a.every((value, i) => value === b[i])
}

/** Products by random vectors modulo p, everything else cell by cell. */
function freivalds({ before, steps, batches }: TrainedLease): boolean {
  const random = new SeededRandom('freivalds', seedOf(1))
  const [step] = steps
  const [rows] = batches
  return step!.layers.every((layer, i) => {
    const { w, rho, width, inner } = before.layers[i]!
    const input = i === 0 ? rows!.features : step!.layers[i - 1]!.output
    const next = before.layers[i + 1]
    const above = step!.layers[i + 1]
    return (
      isProduct(layer.sums, input, flip(w, width, inner), [job.batch, inner, width], random) &&
      (next === undefined ||
        isProduct(
          layer.errorSums!,
          above!.error,
          next.w,
          [job.batch, next.width, width],
          random,
        )) &&
      cells(layer, i, rows!.labels) &&
      updates(step!, i, { w, rho }, input, width, inner)
    )
  })
}

type Dims = readonly [rows: number, inner: number, cols: number]

function isProduct(
  c: Int32Array,
  a: Int8Array,
  b: Int8Array,
  [rows, inner, cols]: Dims,
  random: SeededRandom,
): boolean {
  const p = BigInt(order)
  const r = Array.from({ length: cols }, () => BigInt(random.below(order)))
  const times = (m: ArrayLike<number>, v: readonly bigint[], height: number) =>
    Array.from({ length: height }, (_, i) =>
      v.reduce((sum, x, j) => sum + BigInt(m[i * v.length + j]!) * x, 0n),
    )
  const left = times(c, r, rows)
  const right = times(a, times(b, r, inner), rows)
  return left.every((value, i) => (value - right[i]!) % p === 0n)
}

function flip(values: Int8Array, rows: number, cols: number): Int8Array {
  return values.map((_, i) => values[(i % rows) * cols + Math.floor(i / rows)]!)
}

const clamp = (value: number, low: number) => Math.max(low, Math.min(127, value))
const shifted = (value: number, by: number) => Math.floor((value + 2 ** (by - 1)) / 2 ** by)

function cells(layer: LayerTrace, i: number, labels: Uint32Array): boolean {
  const last = layer.errorSums === null
  const shift = job.forwardShifts[i]!
  const outputs = layer.sums.every(
    (z, c) => layer.output[c] === clamp(shifted(z, shift), last ? -127 : 0),
  )
  const width = job.layers[i + 1]!
  const errors = layer.error.every((d, c) => {
    const o = layer.output[c]!
    if (last) {
      const hot = labels[Math.floor(c / width)] === c % width
      return d === clamp(o - (hot ? 64 : 0), -127)
    }
    const t = job.schedule[0]!.backwardShifts[i]!
    return d === (o > 0 ? clamp(shifted(layer.errorSums![c]!, t), -127) : 0)
  })
  return outputs && errors
}

/** The update, from the gradient of error and input. */
function updates(
  { layers, state }: StepTrace,
  i: number,
  old: { readonly w: Int8Array; readonly rho: Uint32Array },
  input: Int8Array,
  width: number,
  inner: number,
): boolean {
  const scale = 2 ** job.fractionBits
  const after = state.layers[i]!
  return old.w.every((w, c) => {
    const [j, k] = [Math.floor(c / inner), c % inner]
    let gradient = 0
    for (let b = 0; b < job.batch; b++)
      gradient += layers[i]!.error[b * width + j]! * input[b * inner + k]!
    const updated = scale * w + old.rho[c]! - 2 ** job.schedule[0]!.updateShifts[i]! * gradient
    const whole = Math.floor(updated / scale)
    return after.w[c] === clamp(whole, -127) && after.rho[c] === updated - whole * scale
  })
}

/** One number of the trace changed. */
function tampered(lease: TrainedLease, random: SeededRandom): TrainedLease {
  const names = ['sums', 'output', 'errorSums', 'error', 'w', 'rho'] as const
  const name = names[random.below(names.length)]!
  const at = random.below(name === 'errorSums' ? 1 : 2)
  const [step] = lease.steps
  const changed = <T extends Int8Array | Int32Array | Uint32Array>(values: T): T => {
    const copy = values.slice() as T
    const c = random.below(copy.length)
    copy[c] = copy[c]! + (copy[c]! > 0 ? -1 : 1)
    return copy
  }
  const replace = <T extends object>(list: readonly T[], field: keyof T): T[] =>
    list.map((entry, i) =>
      i === at ? { ...entry, [field]: changed(entry[field] as Int8Array) } : entry,
    )
  const weights = name === 'w' || name === 'rho'
  const other: StepTrace = weights
    ? { ...step!, state: { layers: replace(step!.state.layers, name) } }
    : { ...step!, layers: replace(step!.layers, name) }
  return { ...lease, steps: [other] }
}

describe('three judges agree', () => {
  it('on honest and on tampered traces', async () => {
    const random = new SeededRandom('judges', seedOf(4))
    let honest = 0
    for (let number = 1; number <= 36; number++) {
      const state = number % 4 === 0 ? extremeState(job, number) : undefined
      const trained = await trainLease(job, number, state)
      const lease = number % 3 === 0 ? trained : tampered(trained, random)
      const verdicts = [succinct(lease), freivalds(lease), await reExecution(lease, number)]
      assert.equal(new Set(verdicts).size, 1, `case ${number}: ${verdicts}`)
      assert.equal(verdicts[0], lease === trained)
      if (verdicts[0]) honest++
    }
    assert.equal(honest, 12)
  }, 120_000)
})
