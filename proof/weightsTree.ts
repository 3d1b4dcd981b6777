/**
 * The tree over a job's weights that its commitment names, and single positions of it: whoever can open
 * a position drawn at random has the weights, since each word of it depends on a whole row of them.
 */
import { equalBytes } from '../primitives/bytes.ts'
import { type Hash, hashBytes } from '../primitives/hash.ts'
import { merkleLeaf, merkleNode } from '../primitives/merkle.ts'
import { encodeWords } from './babyBear.ts'
import type { Committed } from './commitment.ts'
import type { Kernels } from './kernels.ts'
import { codeWords, commitColumns, commitmentDigest } from './ligero.ts'
import { type PlacedColumn, placeColumn, type StateShape, stateColumns } from './parameters.ts'
import type { Weights } from './witness.ts'

/** One position: its words, little-endian, and the sibling digests from the leaf to the root. */
export type WeightsOpening = { readonly data: Uint8Array; readonly path: readonly Uint8Array[] }

/** Commit to `weights`, and use the tree while its memory is held. */
export function withWeightsTree<T>(
  job: StateShape,
  weights: Weights,
  kernels: Kernels,
  use: (tree: Committed) => T,
): T {
  const placed = placedColumns(job)
  const data = placed.map(({ role, layer }) => {
    const { width, inner, w, rho } = weights.layers[layer - 1]!
    const values = Int32Array.from(role === 'w' ? w : rho)
    return { rows: width, cols: inner, stride: inner, values }
  })
  const keep = codeWords(placed) <= kernels.budget.near
  return kernels.scope(() => use(commitColumns(placed, data, kernels, keep)))
}

/** Open position `index`, modulo their number, of the commitment to `weights`. */
export function openWeights(
  job: StateShape,
  weights: Weights,
  index: number,
  kernels: Kernels,
): WeightsOpening {
  const position = index % placedColumns(job)[0]!.layout.code.length
  return withWeightsTree(job, weights, kernels, (tree) => {
    const { columns, siblings } = tree.open([position])
    const path = Array.from({ length: siblings.length / 32 }, (_, i) =>
      siblings.slice(32 * i, 32 * (i + 1)),
    )
    return { data: encodeWords(columns), path }
  })
}

/** Whether `opening` is position `index`, modulo their number, of the weights with this commitment. */
export function checkWeightsOpening(
  job: StateShape,
  commitment: Hash,
  index: number,
  { data, path }: WeightsOpening,
): boolean {
  const placed = placedColumns(job)
  const { length } = placed[0]!.layout.code
  const rows = placed.reduce((sum, { codeRows }) => sum + codeRows, 0)
  if (data.length !== 4 * rows || 2 ** path.length !== length) return false
  const position = index % length
  const root = path.reduce(
    (digest, sibling, depth) =>
      (position >>> depth) & 1 ? merkleNode(sibling, digest) : merkleNode(digest, sibling),
    merkleLeaf(data),
  )
  return equalBytes(commitmentDigest(placed, root), hashBytes(commitment))
}

function placedColumns(job: StateShape): readonly PlacedColumn[] {
  const { layout, columns } = stateColumns(job, 0)
  return columns.map((column, i) => placeColumn(column, layout, i))
}
