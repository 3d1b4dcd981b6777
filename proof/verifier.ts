/**
 * The verifier of step proofs. Total: any bytes give a verdict, in bounded time and memory; it needs
 * the batch rows but no weights. Follows sections 3 to 9 of docs/spec/proof.md in order.
 */
import { hashBytes } from '../primitives/hash.ts'
import { ok, type Result, refuse } from '../primitives/result.ts'
import { rangeCount } from '../registry/job.ts'
import { chunkVariables, columnFinder, segmentTree, soundnessInputs } from './circuit.ts'
import { valueAtEnd } from './claimsCheck.ts'
import { type Elements, equalElements } from './extension.ts'
import type { Kernels } from './kernels.ts'
import { checkOpening, type OpeningFault } from './openingCheck.ts'
import { maxSaturated, type ProofShape, shapeOf, type TreeName } from './parameters.ts'
import { productClaim, productEnd } from './productCheck.ts'
import { type CodecFault, decodeMode, decodeProof, type StepProof } from './proof.ts'
import { checkBatches, checkLosses, checkSaturated, type PublicFault } from './publicChecks.ts'
import { claimsOf, combinedClaim } from './reduction.ts'
import { referenceKernels } from './referenceKernels.ts'
import { leafAt, leafValuesBy } from './relations.ts'
import { minSoundnessBits, soundnessBits } from './security.ts'
import {
  absorbCommitments,
  type BatchRows,
  openTranscript,
  type ProofStatement,
} from './statement.ts'
import { followRounds } from './sumcheck.ts'
import { tuplePowers } from './tables.ts'
import type { Transcript } from './transcript.ts'
import { checkTree, type TreeFault } from './treeCheck.ts'

export type ProofFault =
  | CodecFault
  | PublicFault
  | TreeFault
  | OpeningFault
  | { readonly code: 'proof/range'; readonly ranges: number; readonly got: number }
  | { readonly code: 'proof/soundness'; readonly min: number; readonly got: number }
  | { readonly code: 'proof/relation'; readonly relation: 'leaves' | 'products' | 'claims' }

/**
 * Judge a proof of a lease of an admitted job.
 *
 * @param batches - the rows of each step, which the caller has checked against the dataset and the
 * job's batch order.
 */
export function verifyStepProof(
  statement: ProofStatement,
  batches: readonly BatchRows[],
  bytes: Uint8Array,
  kernels: Kernels = referenceKernels,
): Result<'valid', ProofFault> {
  const { job, range } = statement
  const ranges = rangeCount(job)
  if (!Number.isInteger(range) || range < 0 || range >= ranges)
    return refuse({ code: 'proof/range', ranges, got: range })
  const mode = decodeMode(bytes)
  if (!mode.ok) return mode
  const shape = shapeOf(job, range, mode.value.dense)
  const got = soundnessBits(soundnessInputs(shape, maxSaturated))
  if (got < minSoundnessBits) return refuse({ code: 'proof/soundness', min: minSoundnessBits, got })
  const decoded = decodeProof(shape, bytes)
  if (!decoded.ok) return decoded
  const proof = decoded.value
  const fault =
    checkBatches(shape, batches) ??
    checkLosses(shape, statement, proof.losses) ??
    checkSaturated(shape, proof.saturated)
  if (fault !== null) return refuse(fault)
  const transcript = openTranscript(statement, shape, batches, kernels.sha256)
  absorbCommitments(transcript, statement, shape, proof)
  const related = checkRelations(kernels, shape, proof, batches, transcript)
  if (!related.ok) return related
  const digests = digestsOf(statement, proof)
  const unopened = kernels.scope(() =>
    checkOpening(kernels, shape, proof, digests, related.value.point, transcript),
  )
  return unopened === null ? ok('valid') : refuse(unopened)
}

function digestsOf(
  { before, after }: ProofStatement,
  { mid, witness, excess }: StepProof,
): Readonly<Partial<Record<TreeName, Uint8Array>>> {
  return {
    before: hashBytes(before),
    after: hashBytes(after),
    witness,
    ...(mid === null ? {} : { mid }),
    ...(excess === null ? {} : { excess }),
  }
}

/** Sections 5 to 7: fractions, products, reduction. What is left is the columns' values at a point. */
function checkRelations(
  kernels: Kernels,
  shape: ProofShape,
  proof: StepProof,
  batches: readonly BatchRows[],
  transcript: Transcript,
): Result<{ readonly point: Elements }, ProofFault> {
  const alpha = transcript.drawOne('alpha')
  const powers = tuplePowers(transcript.drawOne('beta'))
  const tree = checkTree(proof.tree, transcript)
  if (!tree.ok) return tree
  const { zeta, p, q } = tree.value
  transcript.enter('leaves').absorbElements('claims', proof.leafValues)
  const values = leafValuesBy(shape, proof.leafValues)
  const leaf = leafAt(shape, segmentTree(shape), batches, values, zeta, alpha, powers)
  if (!equalElements(leaf.p, p) || !equalElements(leaf.q, q))
    return refuse({ code: 'proof/relation', relation: 'leaves' })

  const gamma = transcript.drawOne('gamma')
  const chunks = transcript.draw('chunks', chunkVariables(shape))
  const { saturated, losses, endValues } = proof
  const check = { kernels, shape, values, saturated, losses, batches, zeta, gamma, chunks }
  const products = followRounds(productClaim(check), proof.productRounds, 3, (message) =>
    transcript.enter('productRound').absorbElements('round', message).drawOne('sigma'),
  )
  const sigma = products.point
  if (!equalElements(productEnd(check, sigma, endValues), products.claim))
    return refuse({ code: 'proof/relation', relation: 'products' })

  transcript.enter('productEnd').absorbElements('claims', endValues)
  const find = columnFinder(shape)
  const points = { zeta, sigma }
  const claims = claimsOf(shape, find, points, proof.leafValues, endValues, saturated)
  const weight = transcript.drawOne('gamma')
  const reduced = followRounds(combinedClaim(claims, weight), proof.reductionRounds, 2, (message) =>
    transcript.enter('reductionRound').absorbElements('round', message).drawOne('r'),
  )
  const { columnValues } = proof
  const { point } = reduced
  if (!equalElements(valueAtEnd(shape, claims, weight, point, columnValues), reduced.claim))
    return refuse({ code: 'proof/relation', relation: 'claims' })
  transcript.enter('reductionEnd').absorbElements('columns', columnValues)
  return ok({ point })
}
