/**
 * What the argument asks of a commitment scheme for matrices of code rows. `ligero.ts` is the one that
 * exists; one with shorter proofs can take its place.
 */
import type { Elements } from './extension.ts'

/** The opened positions of one tree. */
export type Opening = {
  /** For each position, ascending: one word per code row. */
  readonly columns: Uint32Array
  /** Digests of the multiproof, end to end. */
  readonly siblings: Uint8Array
}

/** Committed columns, as their prover holds them. */
export type Committed = {
  /** 32 bytes; a function of layout and contents alone. */
  readonly digest: Uint8Array
  /**
   * `Σ_row weights[row] · message(row)` added up over all rows, from `weights[first]` on.
   *
   * @returns `null`, or what another device has added up instead.
   */
  readonly combineInto: (sums: RowSums, weights: Elements, first: number) => Elements | null
  /** @param positions - ascending and distinct. */
  readonly open: (positions: readonly number[]) => Opening
}

/** Receives weighted runs of integers; see `RowAccumulator`. */
export type RowSums = {
  readonly add: (
    weights: Elements,
    w: number,
    values: Int32Array,
    from: number,
    length: number,
    to: number,
  ) => void
}
