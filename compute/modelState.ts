/**
 * The state of a model under training: for each weight an int8 `w`, which the matrix products use, and
 * a fraction `rho` of `F` bits below it. Together they mean `W = 2^F·w + rho − 2^(F−1)`, so `w` is
 * always `W / 2^F` rounded half up.
 */
import { concatBytes } from '../primitives/bytes.ts'
import { type Hash, hashOf } from '../primitives/hash.ts'
import { SeededRandom } from '../primitives/random.ts'
import { invariant, ok, type Result, refuse } from '../primitives/result.ts'
import type { Job } from '../registry/job.ts'
import { weightCount } from '../registry/job.ts'

/** Weights of one dense layer, both arrays `[width, inner]` row-major. */
export type LayerState = {
  /** `n_l`, units of the layer. */
  readonly width: number
  /** `n_{l−1}`, units below it. */
  readonly inner: number
  /** In [−127, 127]. */
  readonly w: Int8Array
  /** In [0, 2^F). */
  readonly rho: Uint32Array
}

/** Layers from the input up. */
export type ModelState = { readonly layers: readonly LayerState[] }

export type ModelStateFault =
  | { readonly code: 'state/length'; readonly expected: number; readonly got: number }
  | { readonly code: 'state/weight'; readonly offset: number; readonly got: number }
  | {
      readonly code: 'state/fraction'
      readonly offset: number
      readonly limit: number
      readonly got: number
    }

/** What the state's shape depends on. */
export type StateShape = Pick<Job, 'layers' | 'fractionBits'>

/**
 * The state before step 0: `w` uniform in ±initBound, every fraction in the middle (`W = 2^F·w`).
 *
 * Weights are drawn layer by layer, row by row, from the bytes of the generator's words, highest byte
 * first; a byte too high for a whole number of spans of `2·initBound + 1` is skipped.
 */
export function initialState(
  job: StateShape & Pick<Job, 'initBound' | 'layers'>,
  seed: Hash,
): ModelState {
  const draw = byteDraws(new SeededRandom('weights', seed), 2 * job.initBound + 1)
  const layers = emptyState(job).layers
  for (const { w, rho } of layers) {
    for (let i = 0; i < w.length; i++) w[i] = draw() - job.initBound
    rho.fill(2 ** (job.fractionBits - 1))
  }
  return { layers }
}

/** Uniform draws from [0, span), `span` ≤ 255, by rejection. */
function byteDraws(random: SeededRandom, span: number): () => number {
  const limit = 256 - (256 % span)
  let word = 0
  let left = 0
  return () => {
    for (;;) {
      if (left === 0) {
        word = random.uint32()
        left = 4
      }
      const byte = word >>> 24
      word <<= 8
      left--
      if (byte < limit) return byte % span
    }
  }
}

/** All zeros: buffers to fill. */
export function emptyState(job: StateShape): ModelState {
  const layers = job.layers.slice(1).map((width, i) => {
    const inner = job.layers[i]!
    return { width, inner, w: new Int8Array(width * inner), rho: new Uint32Array(width * inner) }
  })
  return { layers }
}

/** Bytes of the canonical encoding: one for `w`, whole bytes for the fraction. */
export function stateBytes(job: StateShape): number {
  return weightCount(job as Job) * (1 + fractionBytes(job))
}

/**
 * The canonical encoding: layer by layer all `w` (two's complement), then all `rho` (big-endian, the
 * fewest whole bytes that hold `F` bits). No header: the job gives every length.
 */
export function encodeState(job: StateShape, state: ModelState): Uint8Array {
  invariant(fitsShape(job, state), 'encodeState: state of another job')
  const width = fractionBytes(job)
  return concatBytes(
    ...state.layers.flatMap(({ w, rho }) => [
      new Uint8Array(w.buffer, w.byteOffset, w.length),
      packFractions(rho, width),
    ]),
  )
}

/** Read a canonical state. Refuses before it allocates when the length is wrong. */
export function decodeState(
  job: StateShape,
  bytes: Uint8Array,
): Result<ModelState, ModelStateFault> {
  const expected = stateBytes(job)
  if (bytes.length !== expected)
    return refuse({ code: 'state/length', expected, got: bytes.length })
  const state = emptyState(job)
  let offset = 0
  for (const layer of state.layers) {
    const fault = readLayer(bytes, offset, layer, job)
    if (fault !== null) return refuse(fault)
    offset += layer.w.length * (1 + fractionBytes(job))
  }
  return ok(state)
}

/** The commitment to a state: a function of the weights alone. */
export function commitState(job: StateShape, state: ModelState): Hash {
  return commitStateBytes(encodeState(job, state))
}

/** {@link commitState} of an encoding at hand. */
export function commitStateBytes(bytes: Uint8Array): Hash {
  return hashOf('waggle/state/v1', bytes)
}

/** Whether every buffer has the length that the job's layers ask for. */
export function fitsShape(job: StateShape, state: ModelState): boolean {
  return (
    state.layers.length === job.layers.length - 1 &&
    state.layers.every(({ width, inner, w, rho }, i) => {
      const fits = width === job.layers[i + 1] && inner === job.layers[i]
      return fits && w.length === width * inner && rho.length === width * inner
    })
  )
}

function fractionBytes({ fractionBits }: StateShape): number {
  return Math.ceil(fractionBits / 8)
}

function packFractions(rho: Uint32Array, width: number): Uint8Array {
  const bytes = new Uint8Array(rho.length * width)
  let at = 0
  for (let i = 0; i < rho.length; i++)
    for (let shift = 8 * (width - 1); shift >= 0; shift -= 8) bytes[at++] = rho[i]! >>> shift
  return bytes
}

/** Fills `layer` from `bytes`, or says which byte is wrong. */
function readLayer(
  bytes: Uint8Array,
  from: number,
  { w, rho }: LayerState,
  job: StateShape,
): ModelStateFault | null {
  w.set(new Int8Array(bytes.buffer, bytes.byteOffset + from, w.length))
  const lowest = w.indexOf(-128)
  if (lowest !== -1) return { code: 'state/weight', offset: from + lowest, got: -128 }
  const width = fractionBytes(job)
  const limit = 2 ** job.fractionBits
  let at = from + w.length
  for (let i = 0; i < rho.length; i++) {
    let value = 0
    for (let byte = 0; byte < width; byte++) value = value * 256 + bytes[at++]!
    if (value >= limit) return { code: 'state/fraction', offset: at - width, limit, got: value }
    rho[i] = value
  }
  return null
}
