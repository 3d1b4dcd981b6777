/**
 * `Jobs`, the native module of the work market: a thin door from calls to the rules of `registry/`.
 */
import type { ChainParams } from '../../params/chainParams.ts'
import { moduleAddresses } from '../../params/protocol.ts'
import { type Address, zeroAddress } from '../../primitives/address.ts'
import { toHex } from '../../primitives/bytes.ts'
import { type Hash, zeroHash } from '../../primitives/hash.ts'
import { certifyGas, costFault } from '../../proof/certificateCost.ts'
import { admitJob } from '../../registry/admission.ts'
import { concludeJob } from '../../registry/conclude.ts'
import type { DataShare } from '../../registry/dataShares.ts'
import { readEvaluation } from '../../registry/evaluation.ts'
import {
  encodeJob,
  type HeldOut,
  type Job,
  proofKinds,
  rangeCount,
  rangeSteps,
} from '../../registry/job.ts'
import { cancelJob, jobCost, nextJobNonce, openJob, totalFee } from '../../registry/jobBook.ts'
import { type PaidCharge, readCharges } from '../../registry/jobCharges.ts'
import {
  type JobRecord,
  JobStatus,
  jobAt,
  jobCount,
  jobStatuses,
  readJob,
} from '../../registry/jobRecord.ts'
import { hashOfWord, listItems } from '../../registry/layout.ts'
import { expireLease, type Miss } from '../../registry/misses.ts'
import { nextLease } from '../../registry/schedule.ts'
import { type Claim, certify, declineLease, type Settled } from '../../registry/settlement.ts'
import type { NativeCall, NativeModule, NativeOutcome } from '../nativeModule.ts'
import { jobsAbi } from './jobsAbi.ts'
import { answer, defineModule, refusal } from './module.ts'
import { trialHandlers } from './trials.ts'

/** Arguments of `open` and `quote` as the ABI decodes them. */
export type JobSpec = Omit<JobTerms, 'proofKind' | 'heldOut'> & {
  readonly proofKind: number
  /** No rows: the model is not evaluated. */
  readonly heldOut: HeldOut
}

/** What is chosen when a job is opened. */
type JobTerms = Omit<Job, 'chainId' | 'owner' | 'nonce' | 'lastRows' | 'base'>

/** What a spec says; null if it names a kind of proof that there is not. */
export function termsOf({ proofKind: code, heldOut, ...spec }: JobSpec): JobTerms | null {
  const proofKind = proofKinds[code]
  if (proofKind === undefined) return null
  return { ...spec, proofKind, ...(heldOut.rows === 0 ? {} : { heldOut }) }
}

/** The `Jobs` module of one chain. */
export function jobsModule(params: ChainParams, chainId: number): NativeModule {
  const refuse = (fault: { readonly code: string }) => refusal(jobsAbi, fault)

  /** @param base - the model to start from; zeros: none. */
  async function jobOf(call: NativeCall, spec: JobSpec, base: Hash): Promise<Job | NativeOutcome> {
    const terms = termsOf(spec)
    if (terms === null)
      return { ok: false, errorName: 'ProofKindUnavailable', args: [spec.proofKind] }
    const nonce = await nextJobNonce(call.world, call.caller)
    const job = { chainId, owner: call.caller, nonce, ...terms }
    return base === zeroHash ? job : { ...job, base }
  }

  async function open(call: NativeCall, spec: JobSpec, base: Hash): Promise<NativeOutcome> {
    const job = await jobOf(call, spec, base)
    if ('ok' in job) return job
    // An opened job has its cost to the wei.
    const escrow = call.value - params.openFee
    const opened = await openJob(call.world, params, job, call.value, call.block.height)
    if (!opened.ok) return refuse(opened.fault)
    // Only an admitted job has shapes to ask; the refusal undoes the opening.
    const dear = costFault(job, params)
    if (dear !== null) return refuse(dear)
    call.emit('JobOpened', {
      jobId: opened.value,
      owner: job.owner,
      dataset: job.dataset,
      steps: job.steps,
      escrow,
    })
    if (job.base !== undefined) call.emit('JobBased', { jobId: opened.value, base: job.base })
    return answer(opened.value)
  }

  async function quote(
    call: NativeCall,
    spec: JobSpec,
    base: Hash,
    tell: (escrow: bigint, fees: bigint) => NativeOutcome,
  ): Promise<NativeOutcome> {
    const job = await jobOf(call, spec, base)
    if ('ok' in job) return job
    // What no job may be has no cost that could be worked out.
    const admitted = admitJob(job, params)
    if (!admitted.ok) return refuse(admitted.fault)
    return tell(await jobCost(call.world, params, job), totalFee(job, params))
  }

  async function certifyCall(call: NativeCall): Promise<NativeOutcome> {
    if (!call.topLevel) return { ok: false, errorName: 'TopLevelOnly', args: [] }
    const claim = certifyCallOf(call.args)
    const record = await readJob(call.world, claim.job)
    if (record !== null) call.charge(certifyGas(record.job, claim.range))
    const { height, coinbase } = call.block
    const settled = await certify(call.world, params, claim, call.caller, coinbase, height)
    if (!settled.ok) return refuse(settled.fault)
    emitSettled(call, claim, settled.value)
    return answer()
  }

  function emitSettled(call: NativeCall, claim: CertifyCall, settled: Settled): void {
    const { fee, charge, shares, steps, misses, ended, refund, evaluation } = settled
    emitMisses(call, claim.job, claim.range, misses)
    call.emit('Certified', {
      jobId: claim.job,
      worker: call.caller,
      range: claim.range,
      steps,
      stateAfter: claim.after,
      weights: claim.weights,
      losses: claim.losses,
      fee,
      custodians: claim.custodians,
      sidecar: claim.sidecar,
    })
    emitShares(call, claim.job, shares)
    emitCharge(call, claim.job, charge)
    if (evaluation !== null)
      call.emit('Evaluated', {
        jobId: claim.job,
        worker: call.caller,
        dataset: evaluation.dataset,
        rows: evaluation.rows,
        loss: evaluation.loss,
      })
    if (ended === JobStatus.Finished)
      call.emit('JobFinished', { jobId: claim.job, weights: claim.weights, refund })
    if (ended === JobStatus.Cancelled) call.emit('JobCancelled', { jobId: claim.job, refund })
  }

  async function expire(call: NativeCall): Promise<NativeOutcome> {
    const [id] = call.args as [Hash]
    const range = (await readJob(call.world, id))?.state.range ?? 0
    const missed = await expireLease(call.world, params, id, call.caller, call.block.height)
    if (!missed.ok) return refuse(missed.fault)
    emitMisses(call, id, range, missed.value)
    return answer(missed.value.reduce((sum, { reward }) => sum + reward, 0n))
  }

  async function decline(call: NativeCall): Promise<NativeOutcome> {
    const [id] = call.args as [Hash]
    const declined = await declineLease(call.world, params, id, call.caller, call.block.height)
    if (!declined.ok) return refuse(declined.fault)
    call.emit('LeaseDeclined', { jobId: id, holder: call.caller, range: declined.value.range })
    return answer()
  }

  async function conclude(call: NativeCall): Promise<NativeOutcome> {
    const [id] = call.args as [Hash]
    const record = await readJob(call.world, id)
    const ended = await concludeJob(call.world, params, id, call.caller, call.block.height)
    if (!ended.ok) return refuse(ended.fault)
    const { range, weights } = record!.state
    const { misses, refund } = ended.value
    emitMisses(call, id, range, misses)
    call.emit('JobFinished', { jobId: id, weights, refund })
    return answer(refund)
  }

  async function cancel(call: NativeCall): Promise<NativeOutcome> {
    const [id] = call.args as [Hash]
    const range = (await readJob(call.world, id))?.state.range ?? 0
    const ended = await cancelJob(call.world, params, id, call.caller, call.block.height)
    if (!ended.ok) return refuse(ended.fault)
    if (ended.value === null) return answer(false, 0n)
    const { refund, misses } = ended.value
    emitMisses(call, id, range, misses)
    call.emit('JobCancelled', { jobId: id, refund })
    return answer(true, refund)
  }

  async function withJob(
    call: NativeCall,
    then: (record: JobRecord) => Promise<NativeOutcome> | NativeOutcome,
  ): Promise<NativeOutcome> {
    const [id] = call.args as [Hash]
    const record = await readJob(call.world, id)
    return record === null ? refuse({ code: 'jobs/unknown', id } as never) : then(record)
  }

  async function lease(call: NativeCall, record: JobRecord): Promise<NativeOutcome> {
    const found = await nextLease(call.world, params, record, call.block.height)
    if (found === null) {
      const start = record.state.rangeSince + 2n
      const { height } = call.block
      return refuse({ code: 'jobs/tooEarly', start, height } as never)
    }
    return answer({ ...found, holder: found.holder ?? noHolder })
  }

  return defineModule('Jobs', moduleAddresses.jobs, jobsAbi, {
    open: (call) => open(call, call.args[0] as JobSpec, zeroHash),
    openFrom: (call) => open(call, call.args[1] as JobSpec, call.args[0] as Hash),
    quote: (call) =>
      quote(call, call.args[0] as JobSpec, zeroHash, (escrow) => answer(escrow, params.openFee)),
    quoteFrom: (call) =>
      quote(call, call.args[1] as JobSpec, call.args[0] as Hash, (escrow, fees) =>
        answer(escrow, params.openFee, escrow - fees),
      ),
    charges: (call) =>
      withJob(call, async ({ id, job }) =>
        answer({ ...(await readCharges(call.world, id)), base: job.base ?? zeroHash }),
      ),
    certify: certifyCall,
    expire,
    decline,
    conclude,
    cancel,
    job: (call) => withJob(call, (record) => answer(viewOf(record))),
    encoded: (call) => withJob(call, (record) => answer(toHex(encodeJob(record.job)))),
    lease: (call) => withJob(call, (record) => lease(call, record)),
    evaluation: (call) =>
      withJob(call, async ({ id }) =>
        answer((await readEvaluation(call.world, id)) ?? noEvaluation),
      ),
    jobCount: async (call) => answer(BigInt(await jobCount(call.world))),
    jobAt: async (call) => {
      const [index] = call.args as [bigint]
      const count = BigInt(await jobCount(call.world))
      if (index >= count) return refuse({ code: 'jobs/unknown', id: zeroHash } as never)
      return answer(await jobAt(call.world, Number(index)))
    },
    ...trialHandlers(params, refuse),
    activeJobs: async (call) =>
      answer((await listItems(call.world.jobs, 'active')).map(hashOfWord)),
  })
}

const noHolder: Address = zeroAddress
const noEvaluation = { dataset: zeroHash, rows: 0, loss: 0n, worker: zeroAddress, height: 0n }

/** A claim with the name of the sidecar that proves it. */
export type CertifyCall = Claim & { readonly sidecar: Hash }

/** The arguments of `certify`, as the ABI decodes them. */
export function certifyCallOf(args: readonly unknown[]): CertifyCall {
  const [job, range, before, after, weights, losses, custodians, sidecar] = args as [
    Hash,
    number,
    Hash,
    Hash,
    Hash,
    readonly bigint[],
    bigint,
    Hash,
  ]
  return { job, range, before, after, weights, losses, custodians, sidecar }
}

function viewOf({ job, state }: JobRecord) {
  const ranges = rangeCount(job)
  return {
    ...state,
    status: jobStatuses.indexOf(state.status),
    owner: job.owner,
    dataset: job.dataset,
    ranges,
    stepsDone: state.range < ranges ? rangeSteps(job, state.range).from : job.steps,
    steps: job.steps,
  }
}

/** Several datasets share the datasets' part; the owner of one has it by the event that tells the fee. */
function emitShares(call: NativeCall, jobId: Hash, shares: readonly DataShare[]): void {
  for (const { dataset, owner, wei: amount } of shares.length > 1 ? shares : [])
    if (amount > 0n) call.emit('DataShared', { jobId, dataset, owner, amount })
}

function emitCharge(call: NativeCall, jobId: Hash, { data, royalties }: PaidCharge): void {
  for (const { dataset, owner, rows, wei: amount } of data)
    if (amount > 0n) call.emit('RowsPaid', { jobId, dataset, owner, rows: BigInt(rows), amount })
  for (const { model, owner, wei: amount } of royalties)
    if (amount > 0n) call.emit('RoyaltyPaid', { jobId, model, owner, amount })
}

function emitMisses(call: NativeCall, jobId: Hash, range: number, misses: readonly Miss[]): void {
  for (const { attempt, holder, penalty } of misses)
    call.emit('LeaseMissed', { jobId, holder, range, attempt, penalty })
}
