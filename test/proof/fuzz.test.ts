/**
 * Bytes that no honest prover made. Whatever they are, the verifier and every parser around it give a
 * verdict: no exception, no acceptance, no work that the shape does not bound.
 *
 * `WAGGLE_FUZZ=50000 npx vitest run test/proof/fuzz.test.ts` tries as many (`WAGGLE_FUZZ_FROM` for
 * another start; a number is an input). `WAGGLE_EVERY_BYTE=1` flips a bit of every byte of a proof,
 * `WAGGLE_EVERY_BYTE=4` of every fourth from `WAGGLE_FUZZ_FROM` on.
 */
import assert from 'node:assert/strict'
import { env, stdout } from 'node:process'
import { describe, it } from 'vitest'
import { decodeProofFile, encodeProofFile } from '../../cli/proofFile.ts'
import { utf8ToBytes } from '../../primitives/bytes.ts'
import { SeededRandom } from '../../primitives/random.ts'
import { type ProofShape, shapeOf } from '../../proof/parameters.ts'
import { decodeMode, decodeProof, encodeProof } from '../../proof/proof.ts'
import { proveLease } from '../../proof/prover.ts'
import { referenceKernels } from '../../proof/referenceKernels.ts'
import type { BatchRows, ProofStatement } from '../../proof/statement.ts'
import { verifyStepProof } from '../../proof/verifier.ts'
import { openWasmKernels } from '../../proof/wasmKernels.ts'
import { admitJob } from '../../registry/admission.ts'
import type { Job } from '../../registry/job.ts'
import {
  decodeProofSidecar,
  decodeReplaySidecar,
  encodeProofSidecar,
  encodeReplaySidecar,
} from '../../registry/sidecar.ts'
import { seedOf } from '../compute/support.ts'
import { testParams } from '../registry/world.ts'
import { bytewise, headBytes, mutations, type Sample } from './fuzz/mutations.ts'
import { extremeState, tinyJob, trainLease } from './support.ts'

const usual = 10 * mutations.length
const first = Number(env.WAGGLE_FUZZ_FROM ?? 1)
const amount = Number(env.WAGGLE_FUZZ ?? usual)
const kernels = openWasmKernels()

type Honest = Sample & {
  readonly statement: ProofStatement
  readonly batches: readonly BatchRows[]
}

async function honest(job: Job, number: number): Promise<Honest> {
  const lease = await trainLease(job, number, extremeState(job, number))
  const { claim, before, steps, batches } = lease
  const { statement, proof } = proveLease(claim, before, steps, batches, kernels)
  return { statement, batches, bytes: proof, shape: shapeOf(job, 0, proof[0] === 1) }
}

const small = {
  batch: 2,
  fractionBits: 4,
  forwardShifts: [1, 1],
  schedule: [{ fromStep: 0, updateShifts: [0, 1], backwardShifts: [1] }],
}
const samples = [
  await honest(tinyJob([3, 2, 2], small), 2),
  await honest(tinyJob([3, 2, 2], small), 3),
  await honest(tinyJob([3, 2, 3], { ...small, leaseSteps: 2 }), 4),
  await honest(tinyJob([4, 2, 2], small), 5),
  await honest(tinyJob([20, 17], { batch: 2, fractionBits: 4, forwardShifts: [2] }), 3),
]
const same = (a: Uint8Array, b: Uint8Array) =>
  a.length === b.length && a.every((byte, i) => byte === b[i])

/** Input number `number`, and what it was made from. */
function inputOf(number: number) {
  const random = new SeededRandom('fuzz', seedOf(number))
  const sample = samples[number % samples.length]!
  const { name, apply } = mutations[Math.floor(number / samples.length) % mutations.length]!
  const again = random.below(4) === 0 ? mutations[random.below(bytewise)]! : null
  const once = apply(sample, random, samples[random.below(samples.length)]!)
  const bytes =
    again === null || once.length < 64
      ? once
      : again.apply({ ...sample, bytes: once }, random, sample)
  return { sample, name: again === null ? name : `${name}, ${again.name}`, bytes }
}

function assertCanonical(shape: ProofShape, bytes: Uint8Array, about: string): void {
  const decoded = decodeProof(shape, bytes)
  if (decoded.ok) assert.ok(same(encodeProof(shape, decoded.value), bytes), about)
}

describe('changed proofs', () => {
  it('start from proofs that are accepted, of both modes', () => {
    const modes = samples.map(({ statement, batches, bytes }) => {
      assert.equal(verifyStepProof(statement, batches, bytes, kernels).ok, true)
      return bytes[0]
    })
    assert.deepEqual(new Set(modes), new Set([0, 1]))
  })

  it(`get a verdict, and never "valid": ${amount} of them from number ${first} on`, () => {
    const codes = new Map<string, number>()
    const worst = { ms: 0, number: 0 }
    for (let number = first; number < first + amount; number++) {
      const { sample, name, bytes } = inputOf(number)
      const about = `WAGGLE_FUZZ_FROM=${number} WAGGLE_FUZZ=1 (${name})`
      const began = performance.now()
      const verdict = verdictOf(sample, bytes, about)
      const ms = performance.now() - began
      if (ms > worst.ms) Object.assign(worst, { ms, number })
      assert.equal(verdict === 'accepted', same(bytes, sample.bytes), about)
      codes.set(verdict, (codes.get(verdict) ?? 0) + 1)
      const mode = decodeMode(bytes)
      if (mode.ok && mode.value.dense === sample.shape.dense)
        assertCanonical(sample.shape, bytes, about)
    }
    if (amount > usual) {
      const found = [...codes].map(([code, n]) => `${code} ${n}`).join(', ')
      stdout.write(`${amount} inputs: ${found}; slowest ${worst.ms.toFixed(0)} ms\n`)
    }
  }, 36_000_000)

  it('are refused with a bit of any section flipped', () => {
    const stride = Number(env.WAGGLE_EVERY_BYTE ?? 0)
    const every = stride > 0
    const random = new SeededRandom('sections', seedOf(1))
    for (const sample of every ? samples.slice(0, 1) : samples.slice(0, 4)) {
      const { bytes, shape } = sample
      const ends = sectionEnds(shape, bytes)
      assert.equal(ends.at(-1), bytes.length)
      const places = every
        ? Array.from(bytes, (_, i) => i).filter((i) => i % stride === first % stride)
        : ends.flatMap((end, i) => {
            const from = ends[i - 1] ?? 0
            return end === from ? [] : [from, from + random.below(end - from), end - 1]
          })
      for (const at of places) {
        const changed = bytes.slice()
        changed[at]! ^= 1 << random.below(8)
        assert.notEqual(verdictOf(sample, changed, `byte ${at}`), 'accepted', `byte ${at}`)
      }
    }
  }, 36_000_000)

  it('are judged alike by the reference and the quick kernels', () => {
    for (let number = 1; number <= 25; number++) {
      const { sample, bytes } = inputOf(7 * number)
      const { statement, batches } = sample
      const verdicts = [referenceKernels, kernels].map((own) =>
        verifyStepProof(statement, batches, bytes, own),
      )
      assert.deepEqual(verdicts[0], verdicts[1])
    }
  })
})

/** The verdict's code. */
function verdictOf({ statement, batches }: Honest, bytes: Uint8Array, about: string): string {
  try {
    const verdict = verifyStepProof(statement, batches, bytes, kernels)
    return verdict.ok ? 'accepted' : verdict.fault.code
  } catch (error) {
    throw new Error(`an exception: ${about}`, { cause: error })
  }
}

/** Ends of the sections of an encoded proof, P-90. */
function sectionEnds(shape: ProofShape, bytes: Uint8Array): readonly number[] {
  const decoded = decodeProof(shape, bytes)
  assert.ok(decoded.ok)
  const { saturated, mid, witness, excess, openings, losses, tree, ...rest } = decoded.value
  const lengths = [
    1,
    headBytes(shape) - 1,
    15 * saturated.length,
    ...[mid, witness, excess].map((name) => name?.length ?? 0),
    ...openings.flat().map(({ siblings }) => siblings.length),
  ]
  const words = [
    losses,
    tree.root,
    ...tree.layers.flatMap(({ rounds, values }) => [rounds, values]),
    ...[
      rest.leafValues,
      rest.productRounds,
      rest.endValues,
      rest.reductionRounds,
      rest.columnValues,
      ...rest.combinations,
      ...openings.flat().map(({ columns }) => columns),
    ],
  ].map((part) => part.length)
  const head = endsOf(lengths)
  return [...head, ...endsOf(words).map((end) => head.at(-1)! + Math.ceil((31 * end) / 8))]
}

function endsOf(lengths: readonly number[]): readonly number[] {
  let end = 0
  return lengths.map((length) => {
    end += length
    return end
  })
}

describe('statements and jobs that nobody proved', () => {
  it('get a verdict from any bytes, however large the job', () => {
    const random = new SeededRandom('jobs', seedOf(1))
    const [sample] = samples
    let admitted = 0
    for (let i = 0; i < 60; i++) {
      const job = anyJob(random)
      if (!admitJob(job, { ...testParams, replayMacsCap: 1n << 80n, macsPerBlock: 1n << 80n }).ok)
        continue
      admitted++
      const range = [0, 1, Math.ceil(job.steps / job.leaseSteps) - 1, 2 ** 31][random.below(4)]!
      const statement = { ...sample!.statement, job, range }
      const mode = Uint8Array.of(random.below(2))
      const bytes = random.below(2) === 0 ? mode : sample!.bytes
      const verdict = verifyStepProof(statement, sample!.batches, bytes, kernels)
      assert.equal(verdict.ok, false)
    }
    assert.ok(admitted > 10, `${admitted} admitted`)
  }, 60_000)

  function anyJob(random: SeededRandom): Job {
    const pick = (...values: readonly number[]) => values[random.below(values.length)]!
    const depth = pick(1, 1, 2, 3, 32)
    const list = (length: number, ...values: readonly number[]) =>
      Array.from({ length }, () => pick(...values))
    return tinyJob(list(depth + 1, 1, 2, 16, 17, 1_000, 61_440), {
      batch: pick(1, 2, 3, 64, 1_024, 61_440),
      steps: pick(1, 7, 2 ** 31),
      pricePerMac: testParams.basePrice,
      leaseSteps: pick(1, 2, 64),
      fractionBits: pick(1, 8, 16, 20),
      forwardShifts: list(depth, 1, 6, 8, 10),
      schedule: [
        {
          fromStep: 0,
          updateShifts: list(depth, 0, 1, 4, 20),
          backwardShifts: list(depth - 1, 1, 5, 10),
        },
      ],
    })
  }
})

describe('files and sidecars', () => {
  const custody = new Uint8Array(96).fill(7)
  const [{ statement, batches, bytes: proof }] = samples as [Honest]
  const parsers = [
    {
      name: 'proof files',
      bytes: encodeProofFile({ statement, batches, proof }),
      again: (bytes: Uint8Array) => {
        const read = decodeProofFile(bytes)
        return read.ok ? encodeProofFile(read.value) : null
      },
    },
    {
      name: 'sidecars of proofs',
      bytes: encodeProofSidecar({ custody, proof }),
      again: (bytes: Uint8Array) => {
        const read = decodeProofSidecar(bytes)
        return read.ok ? encodeProofSidecar(read.value) : null
      },
    },
    {
      name: 'sidecars of replay',
      bytes: encodeReplaySidecar({ worker: statement.worker, after: statement.after }),
      again: (bytes: Uint8Array) => {
        const read = decodeReplaySidecar(bytes)
        return read.ok ? encodeReplaySidecar(read.value) : null
      },
    },
  ]

  for (const { name, bytes, again } of parsers)
    it(`${name}: what is read is what was written, to the byte`, () => {
      assert.deepEqual(again(bytes), bytes)
      const sample = { shape: samples[0]!.shape, bytes }
      const changes = mutations.slice(0, bytewise)
      for (let number = first; number < first + Math.min(amount, 20_000); number++) {
        const random = new SeededRandom(name, seedOf(number))
        const { apply } = changes[number % bytewise]!
        // The front of a file is where its lengths are.
        const near = random.below(2) === 0 ? bytes : bytes.subarray(0, 120)
        const changed = apply({ ...sample, bytes: near }, random, sample)
        const whole = near === bytes ? changed : joined(changed, bytes.subarray(120))
        const written = again(whole)
        if (written !== null) assert.ok(same(written, whole), `${name} ${number}`)
      }
    }, 36_000_000)

  it('claim any lengths, and cost no memory for it', () => {
    const begin = utf8ToBytes('WGLPROF1')
    for (const length of [0xffff_ffff, 0x7fff_ffff, 16_384, 0]) {
      const claim = new Uint8Array(4)
      new DataView(claim.buffer).setUint32(0, length)
      assert.equal(decodeProofFile(joined(begin, claim)).ok, false)
    }
  })
})

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(a.length + b.length)
  bytes.set(a)
  bytes.set(b, a.length)
  return bytes
}
