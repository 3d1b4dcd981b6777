/**
 * How columns are cut into code rows. Rules P-30 to P-34 of docs/spec/proof.md. A public function of
 * the job that minimises proof bytes; the layout of weights depends on the job's layers and length of
 * leases alone, so that the commitment after one lease is the commitment before the next.
 */
import { invariant } from '../primitives/result.ts'
import { type Code, ceilLog2, queriesFor } from './security.ts'

/** Rows of one class: equal code, equal positions. */
export type Layout = {
  /** A row is `groups` runs of `stride` cells; runs are `2^strideBits` indices apart. */
  readonly groups: number
  readonly stride: number
  readonly strideBits: number
  /** Variables that name a position in a row: `strideBits + log2(groups)`. */
  readonly lowBits: number
  readonly code: Code
  readonly queries: number
}

/** Longest code: bounds the memory of a verifier. */
const maxLength = 2 ** 20
const hashSize = 32
const wordBytes = 4
const elementBytes = 20

/**
 * Code points for each symbol of a message, at least, in fifths: weights are many and their codes cost
 * the prover most; the witness is small, so a sparser code with fewer queries pays.
 */
const stateRatio = 16
const witnessRatio = 32

/** Weights: `g` neurons to a row, each of the widest inner dimension. */
export function stateLayout(layers: readonly number[], nu: number, leaseSteps: number): Layout {
  const stride = Math.max(...layers.slice(0, -1))
  const widths = layers.slice(1)
  const trees = leaseSteps > 1 ? 3 : 2
  const candidates = Array.from({ length: nu + 1 }, (_, bits) =>
    layoutOf(2 ** bits, stride, nu, stateRatio),
  )
  return cheapest(candidates, ({ groups, queries, code }) => {
    const rows = 2 * widths.reduce((sum, width) => sum + Math.ceil(width / groups), 0)
    return wordBytes * queries * rows * (leaseSteps + 1) + trees * pathBytes(queries, code)
  })
}

/** Witness columns: `2^λ` consecutive indices to a row. @param spans - stored indices of each column. */
export function witnessLayout(spans: readonly number[]): Layout {
  const most = ceilLog2(Math.max(...spans))
  const candidates = Array.from({ length: Math.min(most, 16) + 1 }, (_, bits) => bits)
    .filter((bits) => bits >= Math.min(most, 4))
    .map((bits) => layoutOf(1, 2 ** bits, bits, witnessRatio))
  return cheapest(candidates, ({ stride, queries, code }) => {
    const rows = spans.reduce((sum, cells) => sum + Math.ceil(cells / stride), 0)
    return wordBytes * queries * rows + pathBytes(queries, code)
  })
}

function layoutOf(
  groups: number,
  stride: number,
  strideBits: number,
  ratio: number,
): Layout | null {
  const width = groups * stride
  const length = codeLength(width, ratio)
  if (length > maxLength) return null
  const code = { width, length }
  const lowBits = strideBits + ceilLog2(groups)
  return { groups, stride, strideBits, lowBits, code, queries: queriesFor(code) }
}

/** Least power of two that is at least `ratio / 5` times the width, and at least 16. */
function codeLength(width: number, ratio: number): number {
  let length = 16
  while (5 * length < ratio * width) length *= 2
  return length
}

/** The siblings of a multiproof, about: below the level where every node is known. */
function pathBytes(queries: number, { length }: Code): number {
  const known = ceilLog2(queries + 1) - 1
  return hashSize * queries * Math.max(0, ceilLog2(length) - known)
}

/** Ties go to the narrower row. */
function cheapest(
  candidates: readonly (Layout | null)[],
  bytes: (layout: Layout) => number,
): Layout {
  let best: Layout | null = null
  let least = Number.POSITIVE_INFINITY
  for (const layout of candidates) {
    if (layout === null) continue
    const cost = elementBytes * layout.code.width + bytes(layout)
    if (cost < least) {
      best = layout
      least = cost
    }
  }
  invariant(best !== null, 'layout: no code is long enough')
  return best
}
