/**
 * The reference backend: the definition that every other backend must equal bit for bit. Plain loops,
 * no tricks.
 */
import { maxInnerDim } from '../params/protocol.ts'
import { invariant } from '../primitives/result.ts'
import type { Backend, ProductShape, Products, Rows, Session } from './backend.ts'
import { fitsShape, type ModelState } from './modelState.ts'
import { assertRecipe, type Recipe, shiftsAt } from './shifts.ts'
import { forwardOutputs, traceStep } from './step.ts'

/** `z[b,j] = Σ_k a[b,k]·w[j,k]`. `Math.imul` spares engines the case of −0; products fit int32. */
function forward(a: Int8Array, w: Int8Array, { rows, width, inner }: ProductShape): Int32Array {
  const z = new Int32Array(rows * width)
  for (let b = 0; b < rows; b++)
    for (let j = 0; j < width; j++) {
      let sum = 0
      for (let k = 0; k < inner; k++) sum += Math.imul(a[b * inner + k]!, w[j * inner + k]!)
      z[b * width + j] = sum
    }
  return z
}

/** `e[b,k] = Σ_j d[b,j]·w[j,k]`. */
function backward(d: Int8Array, w: Int8Array, { rows, width, inner }: ProductShape): Int32Array {
  const e = new Int32Array(rows * inner)
  for (let b = 0; b < rows; b++)
    for (let j = 0; j < width; j++) {
      const error = d[b * width + j]!
      for (let k = 0; k < inner; k++) e[b * inner + k]! += Math.imul(error, w[j * inner + k]!)
    }
  return e
}

/** `G[j,k] = Σ_b d[b,j]·a[b,k]`. */
function gradient(d: Int8Array, a: Int8Array, { rows, width, inner }: ProductShape): Int32Array {
  const sums = new Int32Array(width * inner)
  for (let b = 0; b < rows; b++)
    for (let j = 0; j < width; j++) {
      const error = d[b * width + j]!
      for (let k = 0; k < inner; k++) sums[j * inner + k]! += Math.imul(error, a[b * inner + k]!)
    }
  return sums
}

/** @see Jacob et al., arXiv:1712.05877, section 2.2 (integer-arithmetic-only matrix multiplication) */
const products: Products = {
  async forward(a, w, shape) {
    const { rows, width, inner } = shape
    checkShape(a, w, { rows, width: inner, inner: width }, inner)
    return forward(a, w, shape)
  },
  async backward(d, w, shape) {
    checkShape(d, w, shape, shape.width)
    return backward(d, w, shape)
  },
  async gradient(d, a, shape) {
    const { rows, width, inner } = shape
    checkShape(d, a, { rows: width, width: rows, inner }, rows)
    return gradient(d, a, shape)
  },
}

export const referenceBackend: Backend = {
  name: 'reference',
  detail: 'plain TypeScript',
  products,
  open: async (job, state) => openSession(job, state),
  close: async () => {},
}

function openSession(job: Recipe, initial: ModelState): Session {
  assertRecipe(job)
  invariant(fitsShape(job, initial), 'reference: state of another job')
  // A step makes new arrays and leaves the old ones as they are, so sharing them is safe after this.
  let state = copyState(initial)
  return {
    async step(step, rows) {
      const trace = await traceStep(products, job, state, step, rows)
      state = trace.state
      return trace.report
    },
    outputs: (rows: Rows) => forwardOutputs(products, state, shiftsAt(job, 0), rows),
    state: async () => copyState(state),
    close: async () => {},
  }
}

function copyState(state: ModelState): ModelState {
  return {
    layers: state.layers.map((layer) => ({
      ...layer,
      w: layer.w.slice(),
      rho: layer.rho.slice(),
    })),
  }
}

/** `left` is `[rows, width]` and `right` `[width, inner]` up to transposition; the sums stay in int32. */
function checkShape(
  left: Int8Array,
  right: Int8Array,
  { rows, width, inner }: ProductShape,
  contraction: number,
): void {
  invariant(
    left.length === rows * width && right.length === width * inner,
    `product: buffers of ${left.length} and ${right.length} do not fit ${rows}x${width}x${inner}`,
  )
  invariant(contraction <= maxInnerDim, `product: contraction of ${contraction} may leave int32`)
}
