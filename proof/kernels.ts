/**
 * The inner loops of the prover behind one door: `referenceKernels.ts` is what they mean, in plain
 * TypeScript; `wasmKernels.ts` does the same, bit for bit, four lanes at a time.
 */
import type { RowSums } from './commitment.ts'
import type { Element, Elements } from './extension.ts'
import type { Matrix } from './linear.ts'
import type { HashPairs, MerkleTree } from './multiproof.ts'
import type { Domain } from './ntt.ts'
import type { PlacedColumn } from './parameters.ts'
import type { Sha256 } from './sha256.ts'
import type { Budget } from './treePlan.ts'

/** Sums over quads: `Σ weight·h(0)` and the same of h's leading coefficient. */
export type QuadSums = { readonly atZero: Element; readonly leading: Element }

/** The live cells of a segment, row-major: one to three parts and a numerator. */
export type Lookups = {
  readonly parts: readonly Int32Array[]
  /** `null`: 1 everywhere. */
  readonly numerators: Int32Array | null
}

export type ColumnHasher = {
  /** @param rows - of this block, `stride` words apart; of all but the last a multiple of 16. */
  readonly add: (code: Uint32Array, rows: number, stride: number, last: boolean) => void
  /** After the last block. */
  readonly digests: () => Uint8Array
}

/** A code that is kept where it was made, until the scope ends. */
export type KeptCode = {
  /** The tree over its columns. */
  readonly tree: MerkleTree
  /** Entries of all rows at each position, position by position; `null`: the code is lost. */
  readonly pick: (positions: readonly number[]) => Uint32Array | null
  /** `Σ_row weights[row] · message(row)`; `null`: the code is lost. */
  readonly combine: (weights: Elements) => Elements | null
}

/** A column of a code, and its cells. */
export type CodeColumn = { readonly column: PlacedColumn; readonly data: Matrix }

/** Of one member of a group: what `fillUnits` takes. */
export type UnitCells = {
  readonly parts: readonly Int32Array[]
  readonly constants: Elements
}

/** Elements that are folded and summed where they were sent, until the scope ends. */
export type AwayVector = {
  /** As {@link Kernels.foldQuads} or {@link Kernels.foldLines}; this vector is no more. */
  readonly fold: (lines: number, length: number, r: Element, missing: Elements) => AwayVector
  /** As {@link Kernels.sumQuads}, or {@link Kernels.sumPairs} of all even and then all odd ones. */
  readonly sum: (
    lines: number,
    length: number,
    inLine: Elements,
    ofLine: Elements,
    missing: Elements,
  ) => QuadSums
  /** Whether it is better brought home. */
  readonly isShort: boolean
  /**
   * As {@link Kernels.combineQuads}, or {@link Kernels.combinePairs} of all even and then all odd ones:
   * quads of the level above. This vector stays.
   */
  readonly combine: (lines: number, length: number) => AwayVector
  /** As {@link Kernels.tiltQuads}. */
  readonly tilt: (lambda: Element) => void
  /** Brings it home; this vector is no more. */
  readonly home: () => Elements
  /** This vector is no more. */
  readonly forget: () => void
}

/** Vectors from {@link Kernels.words} are used where they lie; others are copied in. */
export type Kernels = {
  readonly name: 'reference' | 'wasm'
  /** What a proof may take of memory, in words. */
  readonly budget: Budget
  /** That many zeros. */
  readonly words: (length: number) => Uint32Array
  /** That many words of anything. */
  readonly room: (length: number) => Uint32Array
  /** Words that there is room for. */
  readonly left: () => number
  /** Takes back, after `action`, all memory that was handed out meanwhile. Results must be copies. */
  readonly scope: <T>(action: () => T) => T
  /** For the transcript. */
  readonly sha256: Sha256
  /** `eq(point, i)` for `i < length`. */
  readonly eqTable: (point: Elements, length: number) => Elements
  /**
   * Binds variable 0 of `lines × length` elements to `r`.
   *
   * @param missing - takes the place of a missing partner, usually 0.
   * @param into - memory that the result may overwrite.
   */
  readonly foldLines: (
    values: Elements,
    lines: number,
    length: number,
    r: Element,
    missing?: Element,
    into?: Elements | null,
  ) => Elements
  /** The same of quads `(p0, q0, p1, q1)`. */
  readonly foldQuads: (
    quads: Elements,
    lines: number,
    length: number,
    r: Element,
    missing: Elements,
    into?: Elements | null,
  ) => Elements
  /** `p1 += λ·q1` of each quad, in place. */
  readonly tiltQuads: (quads: Elements, lambda: Element) => void
  /**
   * Records `(numerator, base − c1 − β·c2 − β²·c3)` of `lines × length` cells; lines of records are
   * padded to an even length by what `nodes` holds.
   *
   * @param powers - of β, from 1 on.
   */
  readonly fillLeaves: (
    nodes: Elements,
    lines: number,
    length: number,
    lookups: Lookups,
    base: Element,
    powers: Elements,
  ) => void
  /**
   * `p = p0·q1 + p1·q0`, `q = q0·q1` of `lines × length` quads into lines of records, each line padded
   * to an even length by what `out` holds.
   */
  readonly combineQuads: (out: Elements, quads: Elements, lines: number, length: number) => void
  /**
   * `Σ_lines ofLine · Σ_pairs inLine · h` with `h = p0·q1 + p1·q0`.
   *
   * @param inLine - one weight for each pair of a line. @param ofLine - one for each line.
   */
  readonly sumQuads: (
    quads: Elements,
    lines: number,
    length: number,
    inLine: Elements,
    ofLine: Elements,
    missing: Elements,
  ) => QuadSums
  /** `base − Σ weight·part` of cells: even ones into `evens`, odd ones into `odds`; see `unitLeaves.ts`. */
  readonly fillUnits: (
    evens: Elements,
    odds: Elements,
    parts: readonly Int32Array[],
    constants: Elements,
  ) => void
  /** Records `(even + odd, even·odd)` of `lines × length` pairs, lines padded as by `combineQuads`. */
  readonly combinePairs: (
    out: Elements,
    evens: Elements,
    odds: Elements,
    lines: number,
    length: number,
  ) => void
  /** As {@link Kernels.sumQuads} with `h = even·odd`. */
  readonly sumPairs: (
    evens: Elements,
    odds: Elements,
    lines: number,
    length: number,
    inLine: Elements,
    ofLine: Elements,
    missing: Element,
  ) => QuadSums
  /** `Σ_pairs a(x)·b(x)` at x = 0, 2, …, degree (2 or 3); a missing last partner is 0. */
  readonly sumProducts: (
    a: Elements,
    b: Elements,
    lines: number,
    length: number,
    degree: number,
  ) => Elements
  /** Adds `factors[row] · vector` to the first elements of each row of a matrix. */
  readonly addOuter: (matrix: Elements, stride: number, factors: Elements, vector: Elements) => void
  /**
   * Writes the code words of messages of `width` coefficients of magnitude below p, `stride` words
   * apart.
   */
  readonly encoder: (
    domain: Domain,
    width: number,
    stride?: number,
  ) => (messages: Int32Array, out: Uint32Array) => void
  /**
   * `SHA256(0x00 ‖ column)` of each of `length` columns (a multiple of 16) of a matrix of words whose
   * rows lie `stride` words apart.
   */
  readonly hashColumns: (
    code: Uint32Array,
    rows: number,
    length: number,
    stride?: number,
  ) => Uint8Array
  /** The same of a matrix whose rows come in blocks, until the scope ends. */
  readonly columnHasher: (length: number) => ColumnHasher
  /** Encodes and hashes columns on another device; `null`: that is to be done here. */
  readonly codeElsewhere: (
    plan: { readonly rows: number; readonly width: number; readonly size: number },
    columns: readonly CodeColumn[],
  ) => KeptCode | null
  /**
   * Keeps a copy of integers on another device until the scope ends, where there is one: kernels that are
   * given them, or a part of them in the same memory, then work on that copy.
   */
  readonly holdElsewhere: (values: Int32Array) => void
  /** `SHA256(0x01 ‖ left ‖ right)` of each pair of digests, all end to end. */
  readonly hashPairs: HashPairs
  /** Sends quads to another device; `null`: they stay here. */
  readonly quadsElsewhere: (values: Elements) => AwayVector | null
  /**
   * Makes the leaves of some members of `cells` each on another device: even ones of all, then odd ones;
   * `null`: that is to be done here.
   */
  readonly unitsElsewhere: (
    members: number,
    cells: number,
    member: (index: number) => UnitCells,
  ) => AwayVector | null
  /** `Σ_r weights[r] · row r`: one element for each column. A copy. */
  readonly weightRows: (matrix: Matrix, weights: Elements) => Elements
  /** `Σ_c weights[c] · column c`: one element for each row. A copy. */
  readonly weightColumns: (matrix: Matrix, weights: Elements) => Elements
  /** `Σ_i a[i]·b[i]`. */
  readonly innerProduct: (a: Elements, b: Elements) => Element
  /** Sums of weighted rows of integers. */
  readonly rowSums: (width: number) => RowSums & { readonly total: () => Elements }
}
