/**
 * The opening, verifier's side: one combination of the rows of each class is the columns' values and
 * close to the code. Rules P-75 to P-79 of docs/spec/proof.md.
 */
import { hashFromBytes } from '../primitives/hash.ts'
import {
  at,
  complement,
  count,
  type Element,
  type Elements,
  equalElements,
  join,
  productOf,
  sumOf,
  times,
} from './extension.ts'
import { agreesAt, encodeElements, openedDigest, positionWeights, rowWeights } from './ligero.ts'
import { innerProduct } from './linear.ts'
import { eqTable } from './multilinear.ts'
import { siblingCount } from './multiproof.ts'
import { domainOf } from './ntt.ts'
import { classPoint, drawDistinct, drawEtas } from './opening.ts'
import type { ProofShape, RowClass, TreeName } from './parameters.ts'
import type { StepProof } from './proof.ts'
import { ceilLog2 } from './security.ts'
import type { Transcript } from './transcript.ts'

export type OpeningFault =
  | { readonly code: 'proof/combination'; readonly rowClass: number }
  | {
      readonly code: 'proof/positions'
      readonly rowClass: number
      readonly expected: number
      readonly got: number
    }
  | { readonly code: 'proof/path'; readonly tree: TreeName }
  | { readonly code: 'proof/proximity'; readonly rowClass: number }

/** @param digests - of every tree, from the statement or absorbed from the proof. */
export function checkOpening(
  shape: ProofShape,
  proof: StepProof,
  digests: Readonly<Partial<Record<TreeName, Uint8Array>>>,
  point: Elements,
  transcript: Transcript,
): OpeningFault | null {
  const etas = drawEtas(shape, transcript)
  for (const [i, entry] of shape.classes.entries())
    if (!combines(entry, etas[i]!, classPoint(entry, point), proof, i))
      return { code: 'proof/combination', rowClass: i }
  transcript.enter('combinations').absorbElements('rows', join(proof.combinations))
  const positions = drawDistinct(shape, transcript)
  for (const [i, entry] of shape.classes.entries()) {
    const fault =
      countFault(entry, positions[i]!, proof, i) ??
      pathFault(entry, positions[i]!, proof, i, digests)
    if (fault !== null) return fault
  }
  for (const [i, entry] of shape.classes.entries()) {
    const encoded = encodeElements(domainOf(entry.layout.code.length), proof.combinations[i]!)
    const weights = rowWeights(entry, etas[i]!, classPoint(entry, point))
    if (!agreesAt(encoded, positions[i]!, proof.openings[i]!, weights))
      return { code: 'proof/proximity', rowClass: i }
  }
  return null
}

/** `Σ_pos eq(r_lo, pos)·u_pos = Σ_c eq(η, c)·ĉ(r*)·Π_missing (1 − r*_i)`. */
function combines(
  entry: RowClass,
  eta: Elements,
  point: Elements,
  { combinations, columnValues }: StepProof,
  index: number,
): boolean {
  const columns = entry.trees.flatMap((tree) => tree.columns)
  const byColumn = eqTable(eta, columns.length)
  const expected = columns.map(({ index: column, variables }, c) =>
    times(times(at(byColumn, c), at(columnValues, column)), missing(point, variables)),
  )
  const got = innerProduct(positionWeights(entry.layout, point), combinations[index]!)
  return equalElements(got, sumOf(expected))
}

/** Row numbers of a smaller column have zeros for the variables it lacks. */
function missing(point: Elements, variables: number): Element {
  const factors: Element[] = []
  for (let i = variables; i < count(point); i++) factors.push(complement(at(point, i)))
  return productOf(factors)
}

function countFault(
  { layout, trees }: RowClass,
  positions: readonly number[],
  { openings }: StepProof,
  rowClass: number,
): OpeningFault | null {
  const rows = trees[0]!.columns.reduce((sum, { codeRows }) => sum + codeRows, 0)
  const { columns, siblings } = openings[rowClass]![0]!
  const wanted = siblingCount(positions, ceilLog2(layout.code.length))
  for (const [expected, got] of [
    [positions.length, columns.length / rows],
    [wanted, siblings.length / 32],
  ] as const)
    if (expected !== got) return { code: 'proof/positions', rowClass, expected, got }
  return null
}

function pathFault(
  { trees }: RowClass,
  positions: readonly number[],
  { openings }: StepProof,
  rowClass: number,
  digests: Readonly<Partial<Record<TreeName, Uint8Array>>>,
): OpeningFault | null {
  for (const [t, { name, columns }] of trees.entries()) {
    const got = openedDigest(columns, positions, openings[rowClass]![t]!)
    if (hashFromBytes(got) !== hashFromBytes(digests[name]!))
      return { code: 'proof/path', tree: name }
  }
  return null
}
