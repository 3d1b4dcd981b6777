/**
 * `waggle proof`: succinct proofs of training steps, as files.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Command } from 'commander'
import { jobOfWire } from '../../client/jobWire.ts'
import type { CertificateWire, DatasetWire, WeightsWire } from '../../client/wire.ts'
import { batchPlan, batchRows } from '../../compute/batch.ts'
import { type Dataset, readRows, rowLeaves } from '../../compute/dataset.ts'
import { openDataset } from '../../compute/datasetFile.ts'
import { decodeState, initialState, type ModelState } from '../../compute/modelState.ts'
import { openBackend } from '../../compute/selfTest.ts'
import { type LeaseTrace, traceLease } from '../../node/leaseTrace.ts'
import { type Address, zeroAddress } from '../../primitives/address.ts'
import { type Hash, parseHash } from '../../primitives/hash.ts'
import { merkleRoot } from '../../primitives/merkle.ts'
import { describeFault } from '../../primitives/result.ts'
import { soundnessInputs } from '../../proof/circuit.ts'
import { maxSaturated, shapeOf } from '../../proof/parameters.ts'
import { decodeMode, decodeProof } from '../../proof/proof.ts'
import { proveLease } from '../../proof/prover.ts'
import { soundnessBits } from '../../proof/security.ts'
import { verifyStepProof } from '../../proof/verifier.ts'
import { openWasmKernels } from '../../proof/wasmKernels.ts'
import { isEvaluation, leaseCount, leaseWork } from '../../registry/evaluation.ts'
import { type Job, rangeSteps, stepMacs } from '../../registry/job.ts'
import { addressArgument, hashArgument, wholeNumber } from '../arguments.ts'
import { openSource } from '../datasetSource.ts'
import { diskFailure, ExitCode, fail, orFail } from '../failure.ts'
import { bytesText, macsText } from '../format.ts'
import type { Io } from '../io.ts'
import { decodeProofFile, encodeProofFile, type ProofFile } from '../proofFile.ts'
import { createReport } from '../report.ts'
import { addRpcOptions, connect, type Node, type RpcFlags } from '../rpc.ts'
import { fields } from '../table.ts'
import { fetchRows } from './jobRows.ts'
import { findJob } from './model.ts'

type ProveFlags = RpcFlags & {
  readonly range: number
  readonly output: string
  readonly worker: Address
}
type VerifyFlags = { readonly rows?: string; readonly json?: true }
type InspectFlags = { readonly json?: true }

const proveExamples = `
Examples:
  $ waggle proof prove 0x5f…c3 -o first.proof
  $ waggle proof prove 0x5f…c3 --range 7 -o eighth.proof

Fetches weights and rows from the node, trains the range again here and proves it: what a validator
does for each of its leases. The evaluation is the range after the last.`

const verifyExamples = `
Examples:
  $ waggle proof verify first.proof
  $ waggle proof verify first.proof --rows mnist

Needs no weights and no node. With --rows the batches are checked against the dataset's root and the
job's order of rows as well. Exit code 0: valid; 1: refused, with the fault; 2: unreadable.`

export function addProof(program: Command, io: Io): void {
  const proof = program.command('proof').description('proofs of training steps')
  const prove = proof
    .command('prove')
    .description('train a range of a job again and prove it')
    .argument('<job>', 'name of the job', hashArgument)
    .option('--range <n>', 'which lease, from 0', wholeNumber(0, 2 ** 31), 0)
    .option('--worker <address>', 'whom the proof is bound to', addressArgument, zeroAddress)
    .requiredOption('-o, --output <file>', 'file to write')
  addRpcOptions(prove)
    .addHelpText('after', proveExamples)
    .action((job: Hash, flags: ProveFlags) => proveRange(job, flags, io))
  proof
    .command('verify')
    .description('judge a proof')
    .argument('<file>', 'file that waggle proof prove made')
    .option('--rows <source>', 'the dataset: mnist, or a CSV, NPY or dataset file')
    .option('--json', 'print a JSON line')
    .addHelpText('after', verifyExamples)
    .action((path: string, flags: VerifyFlags) => verifyFile(path, flags, io))
  proof
    .command('inspect')
    .description('show what a proof claims, its parts and its soundness')
    .argument('<file>', 'file that waggle proof prove made')
    .option('--json', 'print a JSON line')
    .addHelpText('after', '\nExamples:\n  $ waggle proof inspect first.proof')
    .action((path: string, flags: InspectFlags) => inspectFile(path, flags, io))
}

async function proveRange(id: Hash, flags: ProveFlags, io: Io): Promise<void> {
  const report = createReport(io, flags)
  const node = await connect(flags.rpc)
  const wire = await findJob(node, id)
  const job = jobOfWire(wire)
  const { range, worker } = flags
  if (range >= leaseCount(job))
    fail({
      what: `no range ${range}`,
      why: `the job has ${leaseCount(job)} leases, counted from 0`,
      next: 'name another with --range',
      exitCode: ExitCode.Usage,
    })
  const work = leaseWork(job, range)
  const seed = await seedOf(node, id, job, range, wire.seed)
  const folder = await mkdtemp(join(tmpdir(), 'waggle-proof-'))
  try {
    const before = await weightsBefore(node, id, job, range, seed)
    const rows = await downloadRows(node, work.job, join(folder, 'rows'), io)
    const trained = await trace(work.job, seed, work.range, before, rows)
    rows.close()
    report.note('proving')
    const began = io.clock.now()
    const claim = { ...work, seed, worker }
    const { steps: traces, batches } = trained
    const kernels = openWasmKernels()
    const { statement, proof } = proveLease(claim, before, traces, batches, kernels)
    const seconds = (io.clock.now() - began) / 1_000
    await writeFile(flags.output, encodeProofFile({ statement, batches, proof }))
    const steps = traces.length
    report.result({ job: id, range, steps, proofBytes: proof.length, seconds }, () =>
      fields(io, [
        ['proof', `${bytesText(proof.length)} for ${steps} steps, in ${seconds.toFixed(1)} s`],
        ['file', flags.output],
        ['next', `waggle proof verify ${flags.output}`],
      ]),
    )
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** What orders the rows of a lease: the job's seed, or the evaluation's from the beacon (W-73). */
async function seedOf(
  node: Node,
  id: Hash,
  job: Job,
  range: number,
  seed: string | null,
): Promise<Hash> {
  const evaluates = isEvaluation(job, range)
  const last = evaluates
    ? await node.call<CertificateWire | null>('train_getCertificate', id, range - 1)
    : null
  const drawnAt = last === null ? null : BigInt(last.blockNumber) + 2n
  const head = await node.client.getBlockNumber()
  const drawn =
    drawnAt === null || drawnAt > head
      ? ''
      : (await node.client.getBlock({ blockNumber: drawnAt })).mixHash
  const found = parseHash((evaluates ? drawn : seed) ?? '')
  if (found.ok) return found.value
  return fail({
    what: 'nothing to prove yet',
    why: evaluates
      ? 'its rows are drawn two blocks after the last range is certified'
      : 'the job has no seed; it gets one two blocks after it became active',
    next: 'wait a few seconds and try again',
  })
}

async function weightsBefore(
  node: Node,
  id: Hash,
  job: Job,
  range: number,
  seed: Hash,
): Promise<ModelState> {
  if (range === 0 && job.base === undefined) return initialState(job, seed)
  const next = 'wait for the certificate of the range before it, or ask another node with --rpc URL'
  const [of, after] = range === 0 ? [job.base, null] : [id, range - 1]
  const weights = await node.call<WeightsWire | null>('train_getWeights', of, after)
  const blob = weights?.blob ?? null
  const response = blob === null ? null : await fetch(`${node.url}/blob/${blob}`)
  if (response === null || !response.ok)
    return fail({ what: `no weights before range ${range}`, why: 'the node has none', next })
  const bytes = new Uint8Array(await response.arrayBuffer())
  return orFail(decodeState(job, bytes), 'the weights are damaged', next)
}

async function downloadRows(node: Node, job: Job, path: string, io: Io): Promise<Dataset> {
  const known = await node.call<DatasetWire | null>('data_getDataset', job.dataset)
  if (known === null)
    return fail({
      what: `no dataset ${job.dataset}`,
      why: 'the node does not know it',
      next: 'ask another node with --rpc URL',
    })
  return fetchRows(known, node, io, path)
}

async function trace(
  job: Job,
  seed: Hash,
  range: number,
  before: ModelState,
  dataset: Dataset,
): Promise<LeaseTrace> {
  const { backend } = await openBackend('wasm', 1)
  try {
    const traced = await traceLease(backend.products, job, seed, range, before, dataset)
    return orFail(traced, 'the rows are damaged', 'ask another node with --rpc URL')
  } finally {
    await backend.close()
  }
}

async function verifyFile(path: string, flags: VerifyFlags, io: Io): Promise<void> {
  const report = createReport(io, flags)
  const file = await readProof(path)
  if (flags.rows !== undefined) await checkRows(file, flags.rows)
  const kernels = openWasmKernels()
  const began = performance.now()
  const verdict = verifyStepProof(file.statement, file.batches, file.proof, kernels)
  const ms = performance.now() - began
  if (!verdict.ok)
    return fail({
      what: 'the proof is refused',
      why: describeFault(verdict.fault),
      next: 'do not trust what it claims',
      exitCode: ExitCode.Refused,
    })
  const { range, worker } = file.statement
  const rows = flags.rows === undefined ? 'not checked; say --rows DATASET' : 'those of the job'
  report.result({ valid: true, range, worker, verifyMs: Math.round(ms), rows }, () =>
    fields(io, [
      ['verdict', `valid, in ${ms.toFixed(0)} ms`],
      ['range', `${range}, ${file.batches.length} steps`],
      ['rows', rows],
    ]),
  )
}

/** Whether the batches are the rows that the job's seed orders, of a dataset with the job's root. */
async function checkRows({ statement, batches }: ProofFile, from: string): Promise<void> {
  const source = await openSource(from, {})
  try {
    const dataset = orFail(openDataset(source.path), `cannot read ${from}`, 'check --rows')
    const refuse = (why: string) =>
      fail({ what: 'the proof is refused', why, next: 'do not trust what it claims' })
    const { job, seed, range } = statement
    if (merkleRoot(rowLeaves(dataset)) !== job.dataset)
      refuse(`the job's dataset is ${job.dataset}, not ${from}`)
    const plan = batchPlan(job, seed, dataset.rows)
    for (const [i, batch] of batches.entries()) {
      const step = rangeSteps(job, range).from + i
      const rows = orFail(readRows(dataset, batchRows(plan, step)), `cannot read ${from}`, 'check')
      const same =
        rows.labels.every((label, at) => label === batch.labels[at]) &&
        rows.features.every((value, at) => value === batch.features[at])
      if (!same) refuse(`step ${step} is not on the rows that the job orders`)
    }
    dataset.close()
  } finally {
    await source.close()
  }
}

async function inspectFile(path: string, flags: InspectFlags, io: Io): Promise<void> {
  const { statement, batches, proof } = await readProof(path)
  const { job, range } = statement
  const next = 'the file is no proof of its job'
  const { dense } = orFail(decodeMode(proof), `cannot read ${path}`, next)
  const shape = shapeOf(job, range, dense)
  const parts = orFail(decodeProof(shape, proof), `cannot read ${path}`, next)
  const words = (...arrays: readonly { readonly length: number }[]) =>
    arrays.reduce((sum, { length }) => sum + 4 * length, 0)
  const sizes = {
    combinations: words(...parts.combinations),
    openings: parts.openings
      .flat()
      .reduce((sum, { columns, siblings }) => sum + words(columns) + siblings.length, 0),
    products: words(parts.productRounds, parts.endValues),
    reduction: words(parts.reductionRounds, parts.columnValues),
    leaves: words(parts.leafValues),
  }
  const known = Object.values(sizes).reduce((sum, size) => sum + size, 0)
  const bits = soundnessBits(soundnessInputs(shape, maxSaturated))
  const macs = stepMacs(job) * BigInt(batches.length)
  const result = {
    layers: job.layers,
    batch: job.batch,
    steps: batches.length,
    dense,
    macs,
    proofBytes: proof.length,
    parts: { ...sizes, lookups: proof.length - known },
    rowBytes: batches.reduce((sum, { features }) => sum + features.length, 0),
    soundnessBits: bits,
  }
  createReport(io, flags).result(result, () =>
    fields(io, [
      ['model', `${job.layers.join('-')}, batch ${job.batch}, ${batches.length} steps`],
      ['work', macsText(macs)],
      ['saturation', dense ? 'dense: every excess is committed' : 'sparse: a public list'],
      ['proof', `${bytesText(proof.length)}, rows of the batches ${bytesText(result.rowBytes)}`],
      ...Object.entries(result.parts).map(
        ([part, size]) => [`  ${part}`, bytesText(size)] as const,
      ),
      ['soundness', `${bits.toFixed(1)} bits, proven`],
    ]),
  )
}

async function readProof(path: string): Promise<ProofFile> {
  const bytes = await readFile(path).catch((error) => {
    throw diskFailure(error, `cannot read ${path}`, 'check the path')
  })
  const file = decodeProofFile(Uint8Array.from(bytes))
  if (file.ok) return file.value
  return fail({
    what: `${path} is unreadable`,
    why: describeFault(file.fault),
    next: 'make one with `waggle proof prove`',
    exitCode: ExitCode.Usage,
  })
}
