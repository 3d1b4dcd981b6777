/**
 * The node's workshop: children that train, prove and judge, the judges of each kind of proof, custody,
 * and the work loop.
 */
import { availableParallelism } from 'node:os'
import type { Chain } from '../chain/chain.ts'
import type { BackendChoice } from '../compute/backend.ts'
import { createTrainingPool, type TrainingPool } from '../compute/trainingPool.ts'
import { sign } from '../consensus/bls.ts'
import type { Address } from '../primitives/address.ts'
import type { Clock } from '../primitives/clock.ts'
import { zeroHash } from '../primitives/hash.ts'
import { invariant } from '../primitives/result.ts'
import type { VerifyStep } from '../proof/stepVerifier.ts'
import { custodyOf } from '../registry/custody.ts'
import { rowBlobsOf } from '../registry/datasets.ts'
import { ProofKind } from '../registry/job.ts'
import { isFresh, type JobRecord } from '../registry/jobRecord.ts'
import { sidecarName } from '../registry/sidecar.ts'
import type { BlobStore } from '../storage/blobStore.ts'
import { type Custodian, createCustodian } from './custodian.ts'
import { createCustodyRounds } from './custodyRound.ts'
import { createInitialCommitments } from './initialCommitments.ts'
import { createLeaseTraining, type EnsureBlob } from './leaseTraining.ts'
import { byProofKind, type LeaseOrder } from './leaseWork.ts'
import type { Logger } from './logger.ts'
import type { Metrics } from './metrics.ts'
import { createProofJudge } from './proofJudge.ts'
import { createProofPool, type ProofPool } from './proofPool.ts'
import { createProofWork } from './proofWork.ts'
import { createReplay } from './replay.ts'
import { createReplayWork } from './replayWork.ts'
import { blobsOf } from './rowFiles.ts'
import type { SidecarStore } from './sidecarStore.ts'
import { createWorkLoop, type WorkLoop, type WorkModules } from './workLoop.ts'

export type Seat = {
  readonly self: Address
  readonly votingKey: Uint8Array
}

export type WorkshopModules = {
  readonly chain: Chain
  readonly clock: Clock
  readonly blobs: BlobStore
  readonly ensureBlob: EnsureBlob
  readonly peers: () => readonly string[]
  /** Ask one peer to vouch for weights. */
  readonly askCustodian: (peer: string, request: Uint8Array) => Promise<Uint8Array | null>
  readonly sidecars: SidecarStore
  readonly metrics: Metrics
  readonly log: Logger
}

/** Parts that a test may replace to play a dishonest validator. */
export type WorkshopSeams = {
  readonly train?: ((honest: TrainingPool['train']) => TrainingPool['train']) | undefined
  readonly prove?: ((honest: ProofPool['prove']) => ProofPool['prove']) | undefined
}

export type Workshop = {
  readonly verify: VerifyStep
  /** A job runs or is about to: get ready to judge its first certificate. */
  readonly prepare: (record: JobRecord) => void
  /** Answers for the weights of others; null for a node without a validator's keys. */
  readonly custodian: Custodian | null
  readonly workLoop: (
    options: { readonly sitOut: number },
    calls: Pick<WorkModules, 'submit' | 'decline'>,
  ) => WorkLoop
  /** Finds parts of what is kept. */
  readonly show: ProofPool['show']
  readonly close: () => Promise<void>
}

/** Nice value of children whose verdicts votes wait for. */
const judgeNice = 5

export function createWorkshop(
  seat: Seat | null,
  backend: BackendChoice,
  modules: WorkshopModules,
  seams: WorkshopSeams = {},
): Workshop {
  const { chain, clock, blobs, ensureBlob, sidecars, metrics, log } = modules
  const { chainId } = chain.genesis
  const warn = (text: string) => log.warn({ text }, 'worker')
  const trainer = createTrainingPool({ backend }, { warn })
  const retrainer = createTrainingPool({ backend }, { warn })
  const prover = createProofPool({ backend, threads: availableParallelism() }, { warn })
  const judge = createProofPool({ backend, nice: judgeNice }, { warn })
  const initial = createInitialCommitments(judge)
  const training = (pool: Pick<TrainingPool, 'train'>) =>
    createLeaseTraining({ pool, blobs, ensureBlob })
  const headWorld = async () => {
    const reader = await chain.readAt(chain.head().height)
    invariant(reader !== null, 'workshop: the head can be read')
    return reader.world
  }

  const replay = createReplay({ train: training(retrainer), blobs })
  const proofs = createProofJudge({
    pool: judge,
    initial,
    blobs,
    ensureBlob,
    verified: (ms) => metrics.verifySeconds.observe(ms / 1_000),
  })
  const judges = { [ProofKind.Replay]: replay, [ProofKind.StepProof]: proofs }

  const verify: VerifyStep = async (statement, proof, signal) => {
    const began = clock.now()
    const verdict = await judges[statement.job.proofKind](statement, proof, signal)
    if (verdict.ok) sidecars.note(sidecarName(proof), { verifyMs: clock.now() - began })
    return verdict
  }

  async function hasData({ record, dataset }: LeaseOrder): Promise<boolean> {
    const { weights } = record.state
    const needed = [...blobsOf(rowBlobsOf(dataset)), ...(weights === zeroHash ? [] : [weights])]
    for (const blob of needed) if (!(await blobs.has(blob))) return false
    return true
  }

  function workLoop(
    { sitOut }: { readonly sitOut: number },
    calls: Pick<WorkModules, 'submit' | 'decline'>,
  ): WorkLoop {
    invariant(seat !== null, 'workshop: work needs a validator')
    const { self, votingKey } = seat
    const replayed = createReplayWork({
      self,
      train: training({ train: seams.train?.(trainer.train) ?? trainer.train }),
      blobs,
    })
    const proven = createProofWork({
      self,
      pool: { prove: seams.prove?.(prover.prove) ?? prover.prove },
      gather: createCustodyRounds({
        self,
        chainId,
        clock,
        sign: (message) => sign(votingKey, message),
        peers: modules.peers,
        ask: modules.askCustodian,
        head: () => chain.head().height,
      }),
      custodyOf: async ({ lease, record }) => {
        const { params } = chain.rules
        return custodyOf(await headWorld(), params, record.job, lease, chain.head().height)
      },
      blobs,
      ensureBlob,
    })
    return createWorkLoop(
      { self, sitOut, parallel: 1 },
      {
        params: chain.rules.params,
        work: byProofKind({ [ProofKind.Replay]: replayed, [ProofKind.StepProof]: proven }),
        made: (name, { proveMs }) => sidecars.note(name, { proveMs }),
        ...calls,
        hasData,
        clock,
        metrics,
        log,
      },
    )
  }

  return {
    verify,
    prepare: ({ id, job, state }) => {
      if (job.proofKind === ProofKind.StepProof && isFresh(state) && state.seed !== zeroHash)
        void initial(id, job, state.seed)
    },
    custodian:
      seat === null
        ? null
        : createCustodian({
            self: seat.self,
            chainId,
            sign: (message) => sign(seat.votingKey, message),
            params: chain.rules.params,
            head: () => chain.head().height,
            world: headWorld,
            pool: judge,
            blobs,
            ensureBlob,
            log,
          }),
    workLoop,
    show: judge.show,
    close: async () => {
      await Promise.all([trainer, retrainer, prover, judge].map((pool) => pool.close()))
    },
  }
}
