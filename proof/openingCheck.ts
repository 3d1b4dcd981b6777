/**
 * The opening, verifier's side: one combination of the rows of each class is the columns' values and
 * close to the code. Rules P-75 to P-79 of docs/spec/proof.md.
 */
import { hashFromBytes } from '../primitives/hash.ts'
import type { Opening } from './commitment.ts'
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
import type { Kernels } from './kernels.ts'
import {
  agreesAt,
  evaluateCombination,
  type OpenedRows,
  openedDigest,
  openedRows,
  rowWeights,
} from './ligero.ts'
import { eqTable } from './multilinear.ts'
import { type MultiproofPlan, planOf } from './multiproof.ts'
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
  kernels: Kernels,
  shape: ProofShape,
  proof: StepProof,
  digests: Readonly<Partial<Record<TreeName, Uint8Array>>>,
  point: Elements,
  transcript: Transcript,
): OpeningFault | null {
  const etas = drawEtas(shape, transcript)
  for (const [i, entry] of shape.classes.entries())
    if (!combines(kernels, entry, etas[i]!, classPoint(entry, point), proof, i))
      return { code: 'proof/combination', rowClass: i }
  transcript.enter('combinations').absorbElements('rows', join(proof.combinations))
  const positions = drawDistinct(shape, transcript)
  const opened: (readonly OpenedRows[])[] = []
  for (const [i, entry] of shape.classes.entries()) {
    const queried = positions[i]!
    const plan = planOf(queried, ceilLog2(entry.layout.code.length))
    const miscounted = countFault(entry, queried, plan, proof, i)
    if (miscounted !== null) return miscounted
    const openings = proof.openings[i]!
    const rows = openings.map((opening) => openedRows(kernels, opening, queried.length))
    const astray = pathFault(kernels, entry, queried.length, plan, openings, rows, digests)
    if (astray !== null) return astray
    opened.push(rows)
  }
  for (const [i, entry] of shape.classes.entries()) {
    const weights = rowWeights(entry, etas[i]!, classPoint(entry, point))
    const size = entry.layout.code.length
    if (!agreesAt(kernels, proof.combinations[i]!, positions[i]!, size, opened[i]!, weights))
      return { code: 'proof/proximity', rowClass: i }
  }
  return null
}

/** `Σ_pos eq(r_lo, pos)·u_pos = Σ_c eq(η, c)·ĉ(r*)·Π_missing (1 − r*_i)`. */
function combines(
  kernels: Kernels,
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
  const got = evaluateCombination(kernels, entry.layout, combinations[index]!, point)
  return equalElements(got, sumOf(expected))
}

/** Row numbers of a smaller column have zeros for the variables it lacks. */
function missing(point: Elements, variables: number): Element {
  const factors: Element[] = []
  for (let i = variables; i < count(point); i++) factors.push(complement(at(point, i)))
  return productOf(factors)
}

function countFault(
  { trees }: RowClass,
  positions: readonly number[],
  plan: MultiproofPlan,
  { openings }: StepProof,
  rowClass: number,
): OpeningFault | null {
  const rows = trees[0]!.columns.reduce((sum, { codeRows }) => sum + codeRows, 0)
  const { columns, siblings } = openings[rowClass]![0]!
  for (const [expected, got] of [
    [positions.length, columns.length / rows],
    [plan.siblings, siblings.length / 32],
  ] as const)
    if (expected !== got) return { code: 'proof/positions', rowClass, expected, got }
  return null
}

function pathFault(
  kernels: Kernels,
  { trees }: RowClass,
  amount: number,
  plan: MultiproofPlan,
  openings: readonly Opening[],
  opened: readonly OpenedRows[],
  digests: Readonly<Partial<Record<TreeName, Uint8Array>>>,
): OpeningFault | null {
  for (const [t, { name, columns }] of trees.entries()) {
    const got = openedDigest(kernels, columns, amount, plan, opened[t]!, openings[t]!.siblings)
    if (hashFromBytes(got) !== hashFromBytes(digests[name]!))
      return { code: 'proof/path', tree: name }
  }
  return null
}
