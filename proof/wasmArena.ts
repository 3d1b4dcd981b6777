/**
 * The compiled kernels of `assembly/proof` and the memory they work on: a stack of vectors.
 */
import { invariant } from '../primitives/result.ts'

/** The exports; pointers are byte addresses. */
export type ProofExports = {
  readonly setScratch: (address: number) => void
  readonly expand: (table: number, half: number, length: number, r: number) => void
  readonly fold: (
    out: number,
    values: number,
    lines: number,
    length: number,
    r: number,
    missing: number,
  ) => void
  readonly foldQuads: (
    out: number,
    quads: number,
    lines: number,
    length: number,
    r: number,
    missing: number,
  ) => void
  readonly tiltQuads: (quads: number, length: number, lambda: number) => void
  readonly fillUnits: (
    evens: number,
    odds: number,
    cells: number,
    c1: number,
    c2: number,
    c3: number,
    constants: number,
  ) => void
  readonly combinePairs: (
    out: number,
    evens: number,
    odds: number,
    lines: number,
    length: number,
  ) => void
  readonly sumPairs: (
    out: number,
    evens: number,
    odds: number,
    lines: number,
    length: number,
    inLine: number,
    ofLine: number,
    missing: number,
  ) => void
  readonly combine: (out: number, quads: number, lines: number, length: number) => void
  readonly sumQuads: (
    out: number,
    quads: number,
    lines: number,
    length: number,
    inLine: number,
    ofLine: number,
    missing: number,
  ) => void
  readonly sumProducts: (
    out: number,
    a: number,
    b: number,
    lines: number,
    length: number,
    degree: number,
  ) => void
  readonly addOuter: (
    matrix: number,
    rows: number,
    cols: number,
    stride: number,
    factors: number,
    vector: number,
  ) => void
  readonly leaves: (
    out: number,
    lines: number,
    length: number,
    c1: number,
    c2: number,
    c3: number,
    numerators: number,
    constants: number,
  ) => void
  readonly encodeRows: (
    out: number,
    size: number,
    rows: number,
    messages: number,
    width: number,
    run: number,
    order: number,
    twiddles: number,
    stride: number,
  ) => void
  readonly addWeighted: (
    planes: number,
    width: number,
    to: number,
    values: number,
    length: number,
    weights: number,
  ) => void
  readonly weighRows: (
    out: number,
    values: number,
    rows: number,
    cols: number,
    stride: number,
    weights: number,
  ) => void
  readonly weighColumns: (
    out: number,
    values: number,
    rows: number,
    cols: number,
    stride: number,
    planes: number,
  ) => void
  readonly toPlanes: (out: number, elements: number, length: number) => void
  readonly innerProduct: (out: number, a: number, b: number, length: number) => void
  readonly hashColumns: (
    out: number,
    code: number,
    rows: number,
    length: number,
    stride: number,
    held: number,
    done: number,
  ) => void
  readonly hashMessage: (out: number, from: number, length: number) => void
  readonly hashPairs: (out: number, digests: number, pairs: number) => void
}

const pageBytes = 65_536
const maxPages = 65_536
/** Below lie the module's tables and a team's words; then scratch of each thread; then the stack. */
const scratchAt = 32_768
const scratchBytes = 2048
export const maxThreads: number = (65_536 - scratchAt) / scratchBytes
const stackAt: number = pageBytes
const alignment = 64

export type Arena = {
  readonly exports: ProofExports
  /** Words that hold anything. @throws {Error} if 4 GiB are not enough. */
  readonly place: (length: number) => Uint32Array
  /** Words that there is room for in the 4 GiB. */
  readonly left: () => number
  readonly scope: <T>(action: () => T) => T
  /** Where a vector lies; vectors of other memory are copied in, until the scope ends. */
  readonly addressOf: (vector: Uint32Array | Int32Array) => number
  /** Whether a vector lies in this memory. */
  readonly holds: (vector: Uint32Array | Int32Array) => boolean
  readonly vectorAt: (address: number, length: number) => Uint32Array
}

/** Memory for one instance of the module. */
export function arenaMemory(): WebAssembly.Memory {
  return new WebAssembly.Memory({ initial: 16, maximum: maxPages, shared: true })
}

/** The kernels of an instance on that memory, as thread number `thread` of at most {@link maxThreads}. */
export function exportsOf(instance: WebAssembly.Instance, thread = 0): ProofExports {
  const exports = instance.exports as ProofExports
  exports.setScratch(scratchAt + thread * scratchBytes)
  return exports
}

export function openArena(memory: WebAssembly.Memory, exports: ProofExports): Arena {
  let next = stackAt
  let view = memory.buffer
  /** Every buffer object the memory has had: growing makes a new one of the same bytes. */
  const own = new Set<ArrayBufferLike>([view])

  function place(length: number): Uint32Array {
    const from = next
    next = from + Math.ceil((4 * length) / alignment) * alignment
    // Kernels may read a little past a vector's end.
    const missing = Math.ceil((next + alignment * 4 - view.byteLength) / pageBytes)
    if (missing > 0) grow(missing)
    return new Uint32Array(view, from, length)
  }

  function left(): number {
    return Math.floor((maxPages * pageBytes - next - 2 * pageBytes) / 4)
  }

  function grow(missing: number): void {
    // In steps of an eighth, so that growing is rare.
    const held = view.byteLength / pageBytes
    try {
      memory.grow(Math.max(missing, Math.min(held >> 3, maxPages - held)))
    } catch (cause) {
      throw new Error('the proof needs more memory than the 4 GiB of WebAssembly', { cause })
    }
    view = memory.buffer
    own.add(view)
  }

  function scope<T>(action: () => T): T {
    const mark = next
    try {
      return action()
    } finally {
      invariant(next >= mark, 'arena: scopes end in order')
      next = mark
    }
  }

  function holds(vector: Uint32Array | Int32Array): boolean {
    return own.has(vector.buffer)
  }

  function vectorAt(address: number, length: number): Uint32Array {
    return new Uint32Array(view, address, length)
  }

  function addressOf(vector: Uint32Array | Int32Array): number {
    if (holds(vector)) return vector.byteOffset
    const copy = place(vector.length)
    copy.set(vector)
    return copy.byteOffset
  }

  return { exports, place, left, scope, addressOf, holds, vectorAt }
}
