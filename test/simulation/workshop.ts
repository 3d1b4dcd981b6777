/**
 * Training, proving and judging in this process, as the children of a node do: what all nodes of a run
 * share. One tiny job of the genesis is worked on; its rows are drawn once.
 */
import type { Chain } from '../../chain/chain.ts'
import { datasetFromBytes, encodeHeader, encodeRow, rowLeaves } from '../../compute/dataset.ts'
import { referenceBackend } from '../../compute/reference.ts'
import { aggregate, sign } from '../../consensus/bls.ts'
import { custodySignBytes } from '../../node/custodyMessage.ts'
import { createInitialCommitments } from '../../node/initialCommitments.ts'
import type { ValidatorKeys } from '../../node/keys.ts'
import { createProofJudge } from '../../node/proofJudge.ts'
import {
  commit,
  type ProofTaskModules,
  type ProveTask,
  prove,
  type Trained,
  verify,
} from '../../node/proofTask.ts'
import { encodeCertify } from '../../node/statement.ts'
import type { Address } from '../../primitives/address.ts'
import { concatBytes, toHex } from '../../primitives/bytes.ts'
import { type Hash, hashOf, zeroHash } from '../../primitives/hash.ts'
import { merkleRoot } from '../../primitives/merkle.ts'
import { SeededRandom } from '../../primitives/random.ts'
import { invariant, ok } from '../../primitives/result.ts'
import type { StepStatement, VerifyStep } from '../../proof/stepVerifier.ts'
import { openWasmKernels } from '../../proof/wasmKernels.ts'
import { encodeJob } from '../../registry/job.ts'
import { encodeProofSidecar } from '../../registry/sidecar.ts'
import type { CertifyCall } from '../../vm/modules/jobs.ts'
import { nameOf } from '../consensus/fixtures.ts'
import { claimOfLease, type HeldLease } from './claim.ts'

export type Certified = { readonly call: CertifyCall; readonly sidecar: Uint8Array }

export type Workshop = {
  readonly verify: VerifyStep
  /** What an honest holder makes of its lease, all members vouching for the weights; once for each lease. */
  readonly work: (chain: Chain, lease: HeldLease, worker: Address) => Promise<Certified>
  /** Whether calldata claims what somebody's work has shown. */
  readonly isTrue: (certifying: Uint8Array) => boolean
}

const [features, classes, rows] = [6, 3, 24]
const blob = rowsOf(features, classes, rows)
const dataset = opened(blob)
const root = merkleRoot(rowLeaves(dataset))

/** Two steps a lease, so that both states within and between leases are proven. */
export function tinyFirstJob(owner: Address) {
  return {
    dataset: { name: 'tiny', root, blob: hashOf('rows', blob), rows, features, classes, owner },
    layers: [features, 5, classes],
    batch: 4,
    steps: 64,
    leaseSteps: 2,
    fractionBits: 12,
    forwardShifts: [5, 4],
    backwardShifts: [4],
    updateShifts: [2, 2],
    initBound: 32,
    pricePerMac: '100000000',
  }
}

export function createWorkshop(keys: readonly ValidatorKeys[]): Workshop {
  const kernels = openWasmKernels()
  const states = new Map<Hash, Uint8Array>()
  const made = new Map<Hash, Certified>()
  const calls = new Set<string>()

  function tools(trained: (what: Trained) => void = () => {}): ProofTaskModules {
    return {
      withBackend: (work) => work(referenceBackend),
      kernels,
      openDataset: () => ok(dataset),
      // Durations are for metrics.
      now: () => 0,
      trained,
      cancelled: async () => false,
    }
  }

  const judge = createProofJudge({
    pool: { verify: async (task) => verify({ ...task, kind: 'verify' }, tools()) },
    initial: createInitialCommitments({
      commit: async (task) => commit({ ...task, kind: 'commit' }, tools()),
    }),
    blobs: { path: () => 'rows' },
    ensureBlob: async () => ok(null),
    verified: () => {},
  })

  async function work(chain: Chain, lease: HeldLease, worker: Address): Promise<Certified> {
    const { record, range } = lease
    const { seed, weights } = record.state
    const name = hashOf('work', new TextEncoder().encode([record.id, range, worker].join()))
    const known = made.get(name)
    if (known !== undefined) return known
    const state = weights === zeroHash ? null : states.get(weights)!
    const { trained, proof } = await proven({
      kind: 'prove',
      job: encodeJob(record.job),
      ...{ seed, range, worker, state },
      dataset: { path: 'rows', root },
    })
    const vouched = {
      ...{ job: record.id, range },
      after: trained.commitment,
      weights: hashOf('weights', trained.state),
    }
    const message = custodySignBytes(chain.genesis.chainId, vouched)
    const custody = aggregate(keys.map(({ votingKey }) => sign(votingKey, message)))!
    const sidecar = encodeProofSidecar({ custody, proof })
    const claimed = claimOfLease(lease, { ...vouched, losses: trained.losses }, sidecar)
    // The chain does not know what the first range starts from.
    const call = { ...claimed, before: trained.before }
    const certified = { call, sidecar }
    states.set(vouched.weights, trained.state)
    made.set(name, certified)
    calls.add(encodeCertify(call))
    return certified
  }

  async function proven(task: ProveTask) {
    let trained: Trained | null = null
    const done = await prove(
      task,
      tools((what) => {
        trained = what
      }),
    )
    invariant(done.ok && trained !== null, 'workshop: the tiny job can be proven')
    return { trained: trained as Trained, proof: done.value.proof }
  }

  return {
    verify: (statement: StepStatement, sidecar, signal) => judge(statement, sidecar, signal),
    work,
    isTrue: (certifying) => calls.has(toHex(certifying)),
  }
}

function rowsOf(width: number, labels: number, count: number): Uint8Array {
  const random = new SeededRandom('rows of runs', nameOf('rows'))
  const row = (i: number) =>
    encodeRow(
      Int8Array.from({ length: width }, () => random.below(128)),
      i % labels,
    )
  const header = encodeHeader({ rows: count, features: width, classes: labels })
  return concatBytes(header, ...Array.from({ length: count }, (_, i) => row(i)))
}

function opened(bytes: Uint8Array) {
  const decoded = datasetFromBytes(bytes)
  invariant(decoded.ok, 'workshop: our own rows')
  return decoded.value
}
