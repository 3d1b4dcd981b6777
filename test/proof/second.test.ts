/**
 * A verifier written from docs/spec/proof.md alone (`second/`) against the verifier of `proof/`: on the
 * whole proofs of docs/spec/vectors, on random leases, and on proofs with changed bytes and statements.
 */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { env } from 'node:process'
import { describe, it } from 'vitest'
import { fromHex, toHex } from '../../primitives/bytes.ts'
import { SeededRandom } from '../../primitives/random.ts'
import { soundnessInputs } from '../../proof/circuit.ts'
import { maxSaturated, shapeOf } from '../../proof/parameters.ts'
import { type ProvenLease, proveWitness } from '../../proof/prover.ts'
import { soundnessBits } from '../../proof/security.ts'
import type { ProofStatement } from '../../proof/statement.ts'
import { verifyStepProof } from '../../proof/verifier.ts'
import { openWasmKernels } from '../../proof/wasmKernels.ts'
import { buildWitness, excessOf } from '../../proof/witness.ts'
import { decodeJob, encodeJob } from '../../registry/job.ts'
import { jobOf, seedOf } from '../compute/support.ts'
import { readJob, shapeOf as secondShape } from './second/shape.ts'
import { bitsOfSoundness, termsOf } from './second/soundness.ts'
import type { ProofVector } from './second/vectors.ts'
import { type Batch, type Statement, verify } from './second/verify.ts'
import { extremeState, type TrainedLease, tinyJob, trainLease } from './support.ts'

const file = join(import.meta.dirname, '../../docs/spec/vectors/wholeProofs.json')
const kernels = openWasmKernels()
/** `WAGGLE_SECOND_CASES=200` compares on as many random leases. */
const cases = Number(env.WAGGLE_SECOND_CASES ?? 4)

function prove({ claim, before, steps, batches }: TrainedLease, dense: boolean): ProvenLease {
  const shape = shapeOf(claim.job, claim.range, dense)
  let previous = before
  const excess = steps.map((step, i) => {
    const found = excessOf(shape.steps[i]!, claim.job.fractionBits, previous, step)
    previous = step.state
    return found
  })
  const witness = buildWitness(shape, before, steps, batches, excess)
  return proveWitness(claim, shape, witness, batches, kernels)
}

function statementOf({ statement }: ProvenLease): Statement {
  const { job, seed, range, worker, before, after, losses } = statement
  const encoded = toHex(encodeJob(job))
  return { job: encoded, seed, range, worker, before, after, losses: losses.map(String) }
}

function batchesOf({ batches }: TrainedLease): readonly Batch[] {
  return batches.map(({ features, labels }) => ({ features: [...features], labels: [...labels] }))
}

/** Both verdicts; they must be one. */
function bothAccept(
  lease: Pick<TrainedLease, 'batches'>,
  proven: ProvenLease,
  proof = proven.proof,
): boolean {
  const first = verifyStepProof(proven.statement, lease.batches, proof, kernels)
  const second = verify(statementOf(proven), batchesOf(lease as TrainedLease), proof)
  const why = first.ok ? 'accepted' : first.fault.code
  assert.equal(second === 'valid', first.ok, `${why}, but the second verifier says ${second}`)
  return first.ok
}

describe('whole proofs', () => {
  const small = {
    batch: 2,
    fractionBits: 7,
    forwardShifts: [1, 1],
    schedule: [{ fromStep: 0, updateShifts: [0, 1], backwardShifts: [1] }],
  }
  const made = async (): Promise<readonly ProofVector[]> => {
    const wanted = [
      ['one step, saturations listed', tinyJob([3, 2, 2], small), false],
      ['two steps', tinyJob([3, 2, 2], { ...small, leaseSteps: 2 }), false],
      ['one step, saturations committed; one class of rows', tinyJob([4, 2, 2], small), true],
    ] as const
    return Promise.all(
      wanted.map(async ([name, job, dense]) => {
        const lease = await trainLease(job, 1, extremeState(job, 2))
        const proven = prove(lease, dense)
        return {
          name,
          statement: statementOf(proven),
          batches: batchesOf(lease),
          proof: base64(proven.proof),
        }
      }),
    )
  }

  it('are made to the byte', async () => {
    const vectors = await made()
    if (env.WAGGLE_WRITE_VECTORS === '1') writeFileSync(file, `${JSON.stringify(vectors)}\n`)
    assert.deepEqual(vectors, JSON.parse(readFileSync(file, 'utf8')))
  })

  it('are accepted by both verifiers, and by neither after a change', () => {
    const vectors: readonly ProofVector[] = JSON.parse(readFileSync(file, 'utf8'))
    const random = new SeededRandom('second', seedOf(1))
    for (const { name, statement, batches, proof } of vectors) {
      const bytes = Uint8Array.from(atob(proof), (character) => character.charCodeAt(0))
      assert.equal(verify(statement, batches, bytes), 'valid', name)
      const { job, losses, ...others } = statement
      const decoded = decodeJob(fromHex(job))
      assert.ok(decoded.ok)
      const claim = {
        ...others,
        job: decoded.value,
        losses: losses.map(BigInt),
      } as unknown as ProofStatement
      const lease = {
        batches: batches.map(({ features, labels }) => ({
          count: labels.length,
          features: Int8Array.from(features),
          labels: Uint32Array.from(labels),
        })),
      }
      const proven = { statement: claim, proof: bytes }
      assert.ok(bothAccept(lease, proven))
      for (let i = 0; i < 2; i++) {
        const changed = bytes.slice()
        changed[random.below(bytes.length)]! ^= 1 << random.below(8)
        assert.equal(bothAccept(lease, proven, changed), false)
      }
      const worker = `0x${'12'.repeat(20)}` as ProofStatement['worker']
      assert.equal(bothAccept(lease, { proof: bytes, statement: { ...claim, worker } }), false)
    }
  }, 60_000)
})

describe('a second verifier', () => {
  it(`agrees on ${cases} random leases, and on changed proofs of them`, async () => {
    for (let number = 1; number <= cases; number++) {
      const random = new SeededRandom('leases', seedOf(number))
      const depth = 1 + random.below(3)
      const job = tinyJob(
        Array.from({ length: depth + 1 }, () => 1 + random.below(6)),
        {
          batch: 1 + random.below(5),
          leaseSteps: 1 + random.below(3),
          fractionBits: 5 + random.below(3),
          forwardShifts: Array.from({ length: depth }, () => 1 + random.below(2)),
          schedule: [0, 1].map((fromStep) => ({
            fromStep,
            updateShifts: Array.from({ length: depth }, () => random.below(2)),
            backwardShifts: Array.from({ length: depth - 1 }, () => 1 + random.below(2)),
          })),
        },
      )
      const extreme = random.below(2) === 0 ? extremeState(job, number) : undefined
      const lease = await trainLease(job, number, extreme)
      const proven = prove(lease, random.below(2) === 0)
      assert.ok(bothAccept(lease, proven), `lease ${number}`)
      const changed = proven.proof.slice()
      changed[random.below(changed.length)]! ^= 1 << random.below(8)
      assert.equal(bothAccept(lease, proven, changed), false, `lease ${number}`)
    }
  }, 36_000_000)

  it('agrees on layouts, tables and proven bits of real models', () => {
    const wide = Array.from({ length: 9 }, () => 1120)
    for (const layers of [[784, 128, 64, 10], [784, 128, 128, 128, 10], wide])
      for (const leaseSteps of [1, 4])
        for (const dense of [false, true]) {
          const job = jobOf(layers, { batch: 64, leaseSteps })
          const shape = shapeOf(job, 0, dense)
          const second = secondShape(readJob(encodeJob(job)), 0, dense)
          assert.deepEqual(
            second.classes.map(({ layout: { g, stride, strideBits, lowBits, l, N, q } }) => ({
              groups: g,
              stride,
              strideBits,
              lowBits,
              code: { width: l, length: N },
              queries: q,
            })),
            shape.classes.map(({ layout }) => layout),
          )
          assert.deepEqual(
            second.tables.map(({ name, rows }) => [name, rows.length]),
            shape.tables.map(({ name, rows }) => [name, rows]),
          )
          const inputs = soundnessInputs(shape, maxSaturated)
          assert.ok(Math.abs(bitsOfSoundness(second) - soundnessBits(inputs)) < 1e-6)
        }
  })

  it('counts the events that a hand counts, for the small model at batch 64', () => {
    // 784-128-64-10, B = 64, s = 6, t = 5, F = 16, u = 0: one step, sparse.
    const job = jobOf([784, 128, 64, 10], {
      batch: 64,
      leaseSteps: 1,
      schedule: [{ fromStep: 0, updateShifts: [0, 0, 0], backwardShifts: [5, 5] }],
    })
    const terms = termsOf(secondShape(readJob(encodeJob(job)), 0, false))
    const T = 255 + 65_536 + 16_320 + 6_306 + 10_144 + 2_276 + 18_240 + 2_275 + 510
    const M = 2 * (784 * 128 + 128 * 64 + 64 * 10) + 4 * 64 * (128 + 64) + 3 * 64 * 10
    assert.deepEqual([T, M], [121_862, 269_440])
    // Leaves: 6 boxes of 2^20, 11 of 2^16, tables of 2^8, 2^16, 2^14, 2^13, 2^14, 2^12, 2^15, 2^12,
    // 2^9 end at 7,199,488, so D = 23.
    assert.deepEqual(terms, {
      'beta folds tuples': 3 * (121_862 + 64 * (128 + 64)),
      'alpha meets a pole': 269_440 + 121_862,
      'tree layers': 23 * 22 + 2 * 23,
      'update identity': 20,
      'loss chunks': 1,
      'gamma of products': 9 - 1,
      'product rounds': 48,
      // Columns: 12 of weights, 13 of units, 9 of counts. Ends: 5 forward, 4 backward, 5 update, 1.
      'gamma of claims': 34 + 15 + 256 - 1,
      'reduction rounds': 40,
      eta: 4 + 5,
    })
    const events = 402_450 + 391_302 + 552 + 20 + 1 + 8 + 48 + 304 + 40 + 9
    const sum = Object.values(terms).reduce((a, b) => a + b, 0)
    assert.equal(sum, events)
    const bits = 5 * Math.log2(2_013_265_921) - Math.log2(events)
    assert.ok(Math.abs(bits - 134.9343) < 1e-4, `${bits}`)
  })
})

function base64(bytes: Uint8Array): string {
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''))
}
