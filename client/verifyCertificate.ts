/**
 * Verification of a certificate: that the chain settled it, what it claims, and that the claim is true.
 * Nothing that the node says is believed; the work itself is checked by its proof or by doing it again.
 */

import type { Rows } from '../compute/backend.ts'
import { batchPlan, batchRows } from '../compute/batch.ts'
import { type Dataset, datasetFromBytes, readRows, rowLeaves } from '../compute/dataset.ts'
import { joinRows } from '../compute/jointRows.ts'
import { initialState, type ModelState } from '../compute/modelState.ts'
import { referenceBackend } from '../compute/reference.ts'
import { parseAddress } from '../primitives/address.ts'
import { type Hex, parseHex } from '../primitives/bytes.ts'
import { type Hash, zeroHash } from '../primitives/hash.ts'
import { merkleRoot } from '../primitives/merkle.ts'
import { openPortableVerifier, type PortableVerifier } from '../proof/portable.ts'
import { type RowBlobs, readDataset, rowBlobsOf } from '../registry/datasets.ts'
import { isEvaluation, leaseSeed, leaseWork } from '../registry/evaluation.ts'
import { type Job, jobIdOf, ProofKind, rangeSteps, rowSpan } from '../registry/job.ts'
import { isFresh, type JobRecord, readJob } from '../registry/jobRecord.ts'
import { jointName } from '../registry/jointName.ts'
import { decodeProofSidecar, sidecarName } from '../registry/sidecar.ts'
import type { Source } from './ask.ts'
import { type Checker, createChecker, judge, Refused, refuseFault, type Verdict } from './checks.ts'
import { commitmentOf, fetchWeights } from './commitment.ts'
import type { Follower, Signed } from './follow.ts'
import { provenWorld } from './provenWorld.ts'
import { type CertifiedEvent, certifiedIn } from './receipts.ts'
import { checkedReceipts, checkSigned, followerOf, type VerifyOptions } from './verifyBlock.ts'
import type { CertificateWire } from './wire.ts'

export type CertificateOptions = VerifyOptions & {
  /** Bytes of `proof.wasm`; without them step proofs take several times longer. */
  readonly wasm?: Uint8Array<ArrayBuffer> | null | undefined
}

/** Rows that are fetched and hashed at most. */
const maxRowBytes = 268_435_456
const maxProofBytes = 16_777_216

/** Check the certificate of `range` of `job`; the answer lists every check. */
export async function verifyCertificate(
  job: Hash,
  range: number,
  options: CertificateOptions,
): Promise<Verdict> {
  const checker = createChecker(options.onCheck ?? (() => {}))
  const { source, wasm = null } = options
  const verifier = openPortableVerifier(wasm)
  return judge(checker, async () => {
    const where = await source.ask<CertificateWire | null>('train_getCertificate', job, range)
    const height = where === null ? null : BigInt(where.blockNumber)
    const follower = followerOf(options)
    const signed = await checkSigned(checker, follower, height ?? 1n)
    const event = await checkSettled(checker, source, signed, job, range, height)
    const claim = await checkState(checker, source, follower, verifier, signed, event)
    const batches = await checkRows(checker, source, claim)
    await checkWork(checker, source, verifier, claim, event, batches)
    await checkWeights(checker, source, verifier, claim, event)
  })
}

/** What was to be done, as the state before the certificate has it. */
type Claim = {
  readonly record: JobRecord
  /** The steps: of the job, or of its evaluation. */
  readonly work: { readonly job: Job; readonly range: number; readonly seed: Hash }
  readonly before: Hash
  readonly rows: RowBlobs
}

function checkSettled(
  checker: Checker,
  source: Source,
  { trusted }: Signed,
  job: Hash,
  range: number,
  height: bigint | null,
): Promise<CertifiedEvent> {
  return checker.check('receipt', async () => {
    if (height === null) throw new Refused('the node knows no such certificate')
    const receipts = await checkedReceipts(source, height, trusted.receiptsRoot)
    const event = certifiedIn(receipts).find((one) => one.jobId === job && one.range === range)
    if (event === undefined) throw new Refused(`block ${height} settles no such certificate`)
    return { value: event, detail: `settled in block ${height}, by ${event.worker}` }
  })
}

function checkState(
  checker: Checker,
  source: Source,
  follower: Follower,
  verifier: PortableVerifier,
  { trusted }: Signed,
  event: CertifiedEvent,
): Promise<Claim> {
  return checker.check('state', async () => {
    const parent = (await follower.to(trusted.height - 1n)).trusted
    const world = provenWorld(source.ask, parent.height, parent.stateRoot)
    const record = await readJob(world, event.jobId)
    if (record === null) throw new Refused('the chain had no such job')
    const { job, state } = record
    if (jobIdOf(job) !== event.jobId) throw new Refused('the job is another one')
    const seed = leaseSeed(job, state, state.range)
    if (state.range !== event.range || seed === zeroHash)
      throw new Refused(`range ${state.range} was running, not ${event.range}`)
    const work = { ...leaseWork(job, state.range), seed }
    const dataset = await readDataset(world, work.job.dataset)
    if (dataset === null) throw new Refused('the chain had no such dataset')
    const before = isFresh(state)
      ? commitmentOf(verifier, job, initialState(job, state.seed))
      : state.commitment
    const detail = `job, seed and weights before, proven under state root ${parent.stateRoot}`
    return { value: { record, work, before, rows: rowBlobsOf(dataset) }, detail }
  })
}

/** The rows of each step of the range. */
function checkRows(
  checker: Checker,
  source: Source,
  { work: { job, range, seed }, rows }: Claim,
): Promise<readonly Rows[]> {
  return checker.check('rows', async () => {
    const { dataset, root } = await fetchRows(source, rows)
    if (root !== job.dataset) throw new Refused(`the rows' Merkle root is ${root}`)
    const { count } = rangeSteps(job, range)
    if (rowSpan(job, dataset.rows).first < 0) throw new Refused('the rows are too few')
    return {
      value: rowsOfRange(job, seed, range, dataset),
      detail: `${count} batches of ${job.batch} out of ${dataset.rows} rows under ${root}`,
    }
  })
}

/** The rows, and the name that follows from them: of one dataset, or of several taken together. */
async function fetchRows(
  source: Source,
  { datasetBlob, joint }: RowBlobs,
): Promise<{ readonly dataset: Dataset; readonly root: Hash }> {
  const parts: Dataset[] = []
  for (const blob of joint?.parts.map((part) => part.blob) ?? [datasetBlob]) {
    const part = datasetFromBytes(await source.blob(blob, maxRowBytes))
    if (!part.ok) return refuseFault(part.fault)
    parts.push(part.value)
  }
  const dataset = joinRows(parts)
  if (!dataset.ok) return refuseFault(dataset.fault)
  const named = parts.map((part) => ({ root: merkleRoot(rowLeaves(part)), rows: part.rows }))
  const root = joint === undefined ? named[0]!.root : jointName(joint.salt, named)
  return { dataset: dataset.value, root }
}

function rowsOfRange(job: Job, seed: Hash, range: number, dataset: Dataset): readonly Rows[] {
  const { from, count } = rangeSteps(job, range)
  const plan = batchPlan(job, seed, dataset.rows)
  return Array.from({ length: count }, (_, i) => {
    const rows = readRows(dataset, batchRows(plan, from + i))
    return rows.ok ? rows.value : refuseFault(rows.fault)
  })
}

function checkWork(
  checker: Checker,
  source: Source,
  verifier: PortableVerifier,
  claim: Claim,
  event: CertifiedEvent,
  batches: readonly Rows[],
): Promise<null> {
  return checker.check('work', async () => {
    const detail =
      claim.record.job.proofKind === ProofKind.Replay
        ? await trainAgain(source, verifier, claim, event, batches)
        : await checkProof(source, verifier, claim, event, batches)
    return { value: null, detail }
  })
}

/** Replay certificates: the steps are done here, and must end in the same weights. */
async function trainAgain(
  source: Source,
  verifier: PortableVerifier,
  { record: { state }, work: { job, range }, before }: Claim,
  event: CertifiedEvent,
  batches: readonly Rows[],
): Promise<string> {
  const start = await weightsBefore(source, verifier, job, state, before)
  const session = await referenceBackend.open(job, start)
  const { from } = rangeSteps(job, range)
  for (const [i, rows] of batches.entries()) {
    const { loss } = await session.step(from + i, rows)
    if (loss !== event.losses[i])
      throw new Refused(`step ${from + i + 1} has loss ${loss}, claimed is ${event.losses[i]}`)
  }
  const after = commitmentOf(verifier, job, await session.state())
  if (after !== event.stateAfter)
    throw new Refused(`the weights after are ${after}, claimed are ${event.stateAfter}`)
  return `${batches.length} steps, trained again here, end in weights ${after}`
}

async function weightsBefore(
  source: Source,
  verifier: PortableVerifier,
  job: Job,
  state: JobRecord['state'],
  before: Hash,
): Promise<ModelState> {
  if (isFresh(state)) return initialState(job, state.seed)
  const weights = await fetchWeights(verifier, source, job, state.weights, before)
  return weights.ok ? weights.value : refuseFault(weights.fault)
}

/** Step proofs: the proof is named by the certificate and judged here. */
async function checkProof(
  { ask }: Source,
  verifier: PortableVerifier,
  { record: { id }, work, before }: Claim,
  event: CertifiedEvent,
  batches: readonly Rows[],
): Promise<string> {
  const hex = await ask<Hex | null>('train_getSidecar', id, event.range)
  if (hex === null) throw new Refused('the node does not keep the proof')
  const sidecar = parseHex(hex, maxProofBytes)
  if (!sidecar.ok) return refuseFault(sidecar.fault)
  if (sidecarName(sidecar.value) !== event.sidecar)
    throw new Refused('the proof is not the one that the certificate names')
  const decoded = decodeProofSidecar(sidecar.value)
  if (!decoded.ok) return refuseFault(decoded.fault)
  const worker = parseAddress(event.worker.toLowerCase())
  if (!worker.ok) return refuseFault(worker.fault)
  const { proof } = decoded.value
  const statement = {
    ...work,
    worker: worker.value,
    before,
    after: event.stateAfter,
    losses: event.losses,
  }
  const verdict = verifier.verifyProof(statement, batches, proof)
  if (!verdict.ok) return refuseFault(verdict.fault)
  return `a proof of ${proof.length.toLocaleString('en-US')} bytes shows ${batches.length} steps`
}

/** The published weights are the ones that the certificate commits to, or that it evaluates. */
function checkWeights(
  checker: Checker,
  source: Source,
  verifier: PortableVerifier,
  { record: { job }, before }: Claim,
  { weights, stateAfter, range }: CertifiedEvent,
): Promise<null> {
  return checker.check('weights', async () => {
    const expected = isEvaluation(job, range) ? before : stateAfter
    const found = await fetchWeights(verifier, source, job, weights, expected)
    if (!found.ok) return refuseFault(found.fault)
    return { value: null, detail: `the published weights give ${expected}` }
  })
}
