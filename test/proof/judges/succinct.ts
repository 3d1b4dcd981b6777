/**
 * The first judge: the verifier of `proof/`, asked about a proof that a prover made from the account as
 * it stands. The prover adapts: it commits to the wrong numbers, counts its lookups anew and may
 * compute the sums that follow from them.
 */

import { columnFinder } from '../../../proof/circuit.ts'
import type { Kernels } from '../../../proof/kernels.ts'
import type { Matrix } from '../../../proof/linear.ts'
import { type ProofShape, shapeOf } from '../../../proof/parameters.ts'
import { commitWeights, proveWitness } from '../../../proof/prover.ts'
import type { Saturation } from '../../../proof/statement.ts'
import { verifyStepProof } from '../../../proof/verifier.ts'
import { transposed, type Witness } from '../../../proof/witness.ts'
import { sumsOf } from '../support.ts'
import type { Account, Assignment, LayerAccount } from './account.ts'

export type ProverChoice = {
  /** Commit to excesses instead of listing them; must if they are too many to list. */
  readonly dense: boolean
  /** Compute `z` and `e` from the columns, or claim them as the account has them. */
  readonly freshSums: boolean
}

/** The verdict's code, `accepted` if there is none. */
export function succinct(
  { claim, before, batches }: Assignment,
  account: Account,
  { dense, freshSums }: ProverChoice,
  kernels: Kernels,
): string {
  const { job, range } = account.claim
  const listed = dense ? null : listOf(account)
  const shape = shapeOf(job, range, listed === null)
  const rows = account.steps.map((step) => step.rows)
  const columns = columnsOf(shape, account)
  const sums = freshSums ? sumsOf(shape, columns, rows) : claimedSums(account)
  const losses = Uint32Array.from(account.steps, ({ loss }) => Number(loss))
  const witness: Witness = { columns, ...sums, saturated: listed ?? [], losses }
  const { statement, proof } = proveWitness(account.claim, shape, witness, rows, kernels)
  const asked = { ...statement, ...claim, before: commitWeights(claim.job, before, kernels) }
  const verdict = verifyStepProof(asked, batches, proof, kernels)
  return verdict.ok ? 'accepted' : verdict.fault.code
}

/** `null` if a proof cannot list them all. */
function listOf({ states, steps }: Account): readonly Saturation[] | null {
  const found = steps.flatMap(({ layers }, step) =>
    layers.flatMap(({ excess }, l) => {
      const { inner } = states[0]![l]!
      return [...excess.entries()]
        .filter(([, value]) => value !== 0)
        .map(([cell, value]) => ({
          step,
          layer: l + 1,
          row: Math.floor(cell / inner),
          col: cell % inner,
          excess: value,
        }))
    }),
  )
  return found.length > 256 ? null : found
}

function columnsOf(shape: ProofShape, account: Account): Matrix[] {
  const columns = weightColumns(shape, account)
  const { states, steps } = account
  const find = columnFinder(shape)
  for (const [step, { layers }] of steps.entries())
    for (const [l, layer] of layers.entries()) {
      const { width, inner } = states[0]![l]!
      for (const [role, values] of unitColumns(layer))
        columns[find(role, step, l + 1).index] = transposed(values, shape.batch)
      if (!shape.dense) continue
      const matrix = { rows: width, cols: inner, stride: inner, values: layer.excess }
      columns[find('excess', step, l + 1).index] = matrix
    }
  // Counted by the prover before it commits.
  for (const { tag, rows } of shape.tables)
    columns[find('mu', 0, tag).index] = {
      rows: 1,
      cols: rows,
      stride: rows,
      values: new Int32Array(rows),
    }
  return columns
}

function weightColumns(shape: ProofShape, { states }: Account): Matrix[] {
  const columns: Matrix[] = []
  const find = columnFinder(shape)
  for (const [state, layers] of states.entries())
    for (const [l, { w, rho, width, inner }] of layers.entries()) {
      const size = { rows: width, cols: inner, stride: inner }
      columns[find('w', state, l + 1).index] = { ...size, values: w }
      columns[find('rho', state, l + 1).index] = { ...size, values: rho }
    }
  return columns
}

function unitColumns({ mask, output, quotient, error, errorQuotient }: LayerAccount) {
  const everywhere = [['h', quotient] as const, ['d', error] as const]
  if (mask === null || errorQuotient === null) return [['o', output] as const, ...everywhere]
  return [
    ['a', output] as const,
    ['m', mask] as const,
    ...everywhere,
    ['v', errorQuotient] as const,
  ]
}

function claimedSums({ steps }: Account): Pick<Witness, 'z' | 'e'> {
  const matrices = (name: 'sums' | 'errorSums') =>
    steps.map(({ layers, rows }) =>
      layers.flatMap((layer) => {
        const values = layer[name]
        return values === null ? [] : [transposed(values, rows.count)]
      }),
    )
  return { z: matrices('sums'), e: matrices('errorSums') }
}
