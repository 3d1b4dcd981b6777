/**
 * Proves a lease: that training took the weights before to the weights after, with these losses.
 * Follows sections 3 to 9 of docs/spec/proof.md in order.
 */
import type { Address } from '../primitives/address.ts'
import { type Hash, hashFromBytes } from '../primitives/hash.ts'
import { invariant } from '../primitives/result.ts'
import type { Job } from '../registry/job.ts'
import {
  chunkVariables,
  columnFinder,
  leafClaims,
  pointsOf,
  segmentTree,
  soundnessInputs,
} from './circuit.ts'
import { ColumnSums } from './columnSums.ts'
import type { Committed } from './commitment.ts'
import { addInto, degree, type Elements, join, span } from './extension.ts'
import type { Kernels } from './kernels.ts'
import { proveTree } from './layers.ts'
import { codeWords, commitColumns, rowWeights } from './ligero.ts'
import type { Matrix } from './linear.ts'
import { countLookups, leavesOf } from './lookups.ts'
import { evaluateMatrix } from './matrixEvaluation.ts'
import { classPoint, drawDistinct, drawEtas } from './opening.ts'
import { maxSaturated, type ProofShape, type StateShape, shapeOf } from './parameters.ts'
import { proveProducts } from './products.ts'
import { encodeProof } from './proof.ts'
import { claimsOf, proveReduction } from './reduction.ts'
import { referenceKernels } from './referenceKernels.ts'
import { minSoundnessBits, soundnessBits } from './security.ts'
import {
  absorbCommitments,
  type BatchRows,
  type Commitments,
  lossOf,
  openTranscript,
  type ProofStatement,
} from './statement.ts'
import { tuplePowers } from './tables.ts'
import type { Transcript } from './transcript.ts'
import { withWeightsTree } from './weightsTree.ts'
import {
  buildWitness,
  excessOf,
  type StepValues,
  saturationsOf,
  type Weights,
  type Witness,
} from './witness.ts'

/** What is proven, before the results are known. */
export type LeaseClaim = {
  readonly job: Job
  readonly seed: Hash
  readonly range: number
  readonly worker: Address
}

export type ProvenLease = { readonly statement: ProofStatement; readonly proof: Uint8Array }

/**
 * Prove all steps of a range.
 *
 * @param before - the weights before the first step.
 * @param steps - every intermediate value of each step, as training computed them.
 * @param batches - the rows of each step.
 */
export function proveLease(
  claim: LeaseClaim,
  before: Weights,
  steps: readonly StepValues[],
  batches: readonly BatchRows[],
  kernels: Kernels = referenceKernels,
): ProvenLease {
  const { job, range } = claim
  const sparse = shapeOf(job, range, false)
  let previous = before
  const excess = steps.map((step, i) => {
    const found = excessOf(sparse.steps[i]!, job.fractionBits, previous, step)
    previous = step.state
    return found
  })
  const dense = saturationsOf(excess, job.layers) === null
  const shape = dense ? shapeOf(job, range, true) : sparse
  const witness = buildWitness(shape, before, steps, batches, excess)
  return proveWitness(claim, shape, witness, batches, kernels)
}

/** Prove what the columns hold. They decide the statement's commitments and losses. */
export function proveWitness(
  claim: LeaseClaim,
  shape: ProofShape,
  uncounted: Witness,
  batches: readonly BatchRows[],
  kernels: Kernels = referenceKernels,
): ProvenLease {
  const bits = soundnessBits(soundnessInputs(shape, maxSaturated))
  invariant(bits >= minSoundnessBits, `proveWitness: ${bits} bits of soundness`)
  const tree = segmentTree(shape)
  return proveCounted(claim, shape, countLookups(shape, tree, uncounted, batches), batches, kernels)
}

/** {@link proveWitness} with multiplicities as they are. */
export function proveCounted(
  claim: LeaseClaim,
  shape: ProofShape,
  witness: Witness,
  batches: readonly BatchRows[],
  kernels: Kernels = referenceKernels,
): ProvenLease {
  return kernels.scope(() => proveIn(kernels, claim, shape, witness, batches))
}

function proveIn(
  kernels: Kernels,
  claim: LeaseClaim,
  shape: ProofShape,
  given: Witness,
  batches: readonly BatchRows[],
): ProvenLease {
  const witness = { ...given, columns: nearby(kernels, given.columns) }
  for (const { values } of witness.columns) kernels.holdElsewhere(values)
  const trees = commitTrees(kernels, shape, witness)
  const digestOf = (name: string) => trees.find((tree) => tree.name === name)?.committed.digest
  const statement: ProofStatement = {
    ...claim,
    before: hashFromBytes(digestOf('before')!),
    after: hashFromBytes(digestOf('after')!),
    losses: shape.steps.map((_, step) => lossOf(shape, witness.losses, step)),
  }
  const commitments: Commitments = {
    mid: digestOf('mid') ?? null,
    witness: digestOf('witness')!,
    excess: digestOf('excess') ?? null,
    saturated: witness.saturated,
    losses: witness.losses,
  }
  const transcript = openTranscript(statement, shape, batches, kernels.sha256)
  absorbCommitments(transcript, statement, shape, commitments)
  const argument = proveRelations(kernels, shape, witness, batches, transcript)
  const opened = openClasses(kernels, shape, trees, argument.point, transcript)
  const { point: _point, ...parts } = argument
  return {
    statement,
    proof: encodeProof(shape, { ...commitments, ...parts, ...opened }),
  }
}

/** The columns in the kernels' memory, if it has room: every part of the argument reads them. */
function nearby({ room, budget }: Kernels, columns: readonly Matrix[]): readonly Matrix[] {
  const words = columns.reduce((sum, { values }) => sum + values.length, 0)
  if (words > budget.near) return columns
  return columns.map((column) => {
    const { buffer, byteOffset, length } = room(column.values.length)
    const values = new Int32Array(buffer, byteOffset, length)
    values.set(column.values)
    return { ...column, values }
  })
}

/** The commitment to a job's weights: what statements and the chain hold. */
export function commitWeights(
  job: StateShape,
  weights: Weights,
  kernels: Kernels = referenceKernels,
): Hash {
  return withWeightsTree(job, weights, kernels, ({ digest }) => hashFromBytes(digest))
}

type NamedTree = { readonly name: string; readonly committed: Committed; readonly rows: number }

function commitTrees(kernels: Kernels, shape: ProofShape, witness: Witness): readonly NamedTree[] {
  let room = kernels.budget.near
  return shape.classes.flatMap(({ trees }) =>
    trees.map(({ name, columns }) => {
      const words = codeWords(columns)
      const keep = words <= room
      if (keep) room -= words
      const data = columns.map(({ index }) => witness.columns[index]!)
      return {
        name,
        committed: commitColumns(columns, data, kernels, keep),
        rows: columns.reduce((sum, { codeRows }) => sum + codeRows, 0),
      }
    }),
  )
}

/** Sections 5 to 7: fractions, products, reduction. */
function proveRelations(
  kernels: Kernels,
  shape: ProofShape,
  witness: Witness,
  batches: readonly BatchRows[],
  transcript: Transcript,
) {
  const tree = segmentTree(shape)
  const find = columnFinder(shape)
  const alpha = transcript.drawOne('alpha')
  const powers = tuplePowers(transcript.drawOne('beta'))
  const { proof, zeta } = kernels.scope(() => {
    const leaves = leavesOf(shape, witness, batches, alpha, powers)
    return proveTree(kernels, tree, leaves, transcript)
  })

  const sums = new ColumnSums(kernels, witness.columns)
  const leafValues = leafValuesOf(kernels, shape, witness, sums, zeta)
  transcript.enter('leaves').absorbElements('claims', leafValues)
  const gamma = transcript.drawOne('gamma')
  const chunks = transcript.draw('chunks', chunkVariables(shape))
  const products = proveProducts(
    kernels,
    { shape, find, sums, batches },
    zeta,
    gamma,
    chunks,
    (message) => transcript.enter('productRound').absorbElements('round', message).drawOne('sigma'),
  )

  transcript.enter('productEnd').absorbElements('claims', products.claims)
  const claims = claimsOf(
    shape,
    find,
    { zeta, sigma: products.point },
    leafValues,
    products.claims,
    witness.saturated,
  )
  const weight = transcript.drawOne('gamma')
  const reduction = kernels.scope(() =>
    proveReduction(kernels, shape, sums, claims, weight, (message) =>
      transcript.enter('reductionRound').absorbElements('round', message).drawOne('r'),
    ),
  )
  const columnValues = reduction.values
  transcript.enter('reductionEnd').absorbElements('columns', columnValues)
  return {
    tree: proof,
    leafValues,
    productRounds: products.messages,
    endValues: products.claims,
    reductionRounds: reduction.messages,
    columnValues,
    point: reduction.point,
  }
}

function leafValuesOf(
  kernels: Kernels,
  shape: ProofShape,
  witness: Witness,
  sums: ColumnSums,
  zeta: Elements,
): Elements {
  const { units } = pointsOf(shape, zeta)
  const values = leafClaims(shape).map((claim) => {
    if (claim.of === 'column') {
      const { column } = claim
      return sums.liveValue(column, span(zeta, 0, column.rowBits + column.colBits))
    }
    const matrix = witness[claim.of][claim.step]![claim.layer - 1]!
    return evaluateMatrix(kernels, matrix, { ...matrix, colBits: shape.beta }, units)
  })
  return join(values)
}

/** Section 8: one combination of each class, and the columns at the drawn positions. */
function openClasses(
  kernels: Kernels,
  shape: ProofShape,
  trees: readonly NamedTree[],
  point: Elements,
  transcript: Transcript,
) {
  const etas = drawEtas(shape, transcript)
  let first = 0
  const classes = shape.classes.map((entry, i) => {
    const own = trees.slice(first, first + entry.trees.length)
    first += own.length
    return { entry, own, eta: etas[i]! }
  })
  const combinations = classes.map(({ entry, own, eta }) => {
    const weights = rowWeights(entry, eta, classPoint(entry, point))
    const sums = kernels.rowSums(entry.layout.code.width)
    const sent: Elements[] = []
    let row = 0
    for (const { committed, rows } of own) {
      const elsewhere = committed.combineInto(sums, weights, row)
      if (elsewhere !== null) sent.push(elsewhere)
      row += rows
    }
    return sent.reduce((total, more) => plusAll(total, more), sums.total())
  })
  transcript.enter('combinations').absorbElements('rows', join(combinations))
  const positions = drawDistinct(shape, transcript)
  const openings = classes.map(({ own }, i) =>
    own.map(({ committed }) => committed.open(positions[i]!)),
  )
  return { combinations, openings }
}

/** Sums, element by element. */
function plusAll(a: Elements, b: Elements): Elements {
  const sums = new Uint32Array(a.length)
  for (let i = 0; i < a.length; i += degree) addInto(sums, i, a, i, b, i)
  return sums
}
