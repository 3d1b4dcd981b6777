/** What a verifier does with bytes that no prover made: a verdict, never an exception. */
import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { concatBytes } from '../../primitives/bytes.ts'
import { parseHash } from '../../primitives/hash.ts'
import { SeededRandom } from '../../primitives/random.ts'
import { order } from '../../proof/babyBear.ts'
import { join } from '../../proof/extension.ts'
import { packedLength, packWords } from '../../proof/packing.ts'
import { shapeOf } from '../../proof/parameters.ts'
import { decodeProof, encodeProof, type StepProof } from '../../proof/proof.ts'
import { proveLease } from '../../proof/prover.ts'
import type { ProofStatement } from '../../proof/statement.ts'
import { verifyStepProof } from '../../proof/verifier.ts'
import { openWasmKernels } from '../../proof/wasmKernels.ts'
import { seedOf } from '../compute/support.ts'
import { extremeState, tinyJob, trainLease } from './support.ts'

const kernels = openWasmKernels()
const job = tinyJob([3, 2], { batch: 2 })
const lease = await trainLease(job, 2, extremeState(job, 2))
const { statement, proof } = proveLease(lease.claim, lease.before, lease.steps, lease.batches)
const shape = shapeOf(job, 0, false)
const other = await trainLease(job, 3, extremeState(job, 2))
const another = proveLease(other.claim, other.before, other.steps, other.batches)

function codeOf(bytes: Uint8Array, claimed: ProofStatement = statement): string {
  const verdict = verifyStepProof(claimed, lease.batches, bytes, kernels)
  return verdict.ok ? 'accepted' : verdict.fault.code
}

function decoded(bytes = proof): StepProof {
  const read = decodeProof(shape, bytes)
  assert.ok(read.ok)
  return read.value
}

describe('proof bytes', () => {
  it('are canonical: decoding and encoding gives them back', () => {
    assert.equal(codeOf(proof), 'accepted')
    assert.deepEqual(encodeProof(shape, decoded()), proof)
  })

  it('are refused with any byte flipped', () => {
    const random = new SeededRandom('flip', seedOf(1))
    const head = Array.from({ length: 80 }, (_, i) => i)
    const body = Array.from({ length: 300 }, () => random.below(proof.length))
    for (const at of [...head, ...body, proof.length - 1]) {
      const bytes = proof.slice()
      bytes[at] = bytes[at]! ^ (1 << random.below(8))
      assert.notEqual(codeOf(bytes), 'accepted', `byte ${at}`)
    }
  })

  it('are refused cut short or prolonged', () => {
    const random = new SeededRandom('cut', seedOf(2))
    const lengths = [
      0,
      1,
      2,
      12,
      20,
      ...Array.from({ length: 30 }, () => random.below(proof.length)),
    ]
    for (const length of lengths)
      assert.match(codeOf(proof.subarray(0, length)), /^proof\/(length|count)$/)
    assert.equal(codeOf(concatBytes(proof, Uint8Array.of(0))), 'proof/length')
    assert.equal(codeOf(concatBytes(proof, proof)), 'proof/length')
  })

  it('are refused at random, of any length', () => {
    const random = new SeededRandom('noise', seedOf(3))
    for (let i = 0; i < 60; i++) {
      const length = i < 30 ? random.below(200) : proof.length
      const bytes = Uint8Array.from({ length }, () => random.below(256))
      if (i % 3 === 0) bytes.set(proof.subarray(0, Math.min(21, length)))
      assert.notEqual(codeOf(bytes), 'accepted')
    }
  })

  it('are refused with a number of another spelling', () => {
    const { losses, tree, openings, combinations, ...rest } = decoded()
    const parts = [
      losses,
      tree.root,
      ...tree.layers.flatMap(({ rounds, values }) => [rounds, values]),
      rest.leafValues,
      rest.productRounds,
      rest.endValues,
      rest.reductionRounds,
      rest.columnValues,
      ...combinations,
      ...openings.flat().map(({ columns }) => columns),
    ]
    const words = join(parts)
    const from = proof.length - packedLength(words.length)
    assert.deepEqual(packWords(words), proof.subarray(from))
    // Adding p keeps the residue where it fits 31 bits.
    const small = [...words.keys()].filter((i) => words[i]! + order < 2 ** 31)
    assert.ok(small.length > 20)
    for (const i of small.slice(0, 20)) {
      const other = words.slice()
      other[i] = other[i]! + order
      assert.equal(
        codeOf(concatBytes(proof.subarray(0, from), packWords(other))),
        'proof/canonical',
      )
    }
  })
})

describe('parts', () => {
  const zeros = (part: Uint32Array) => new Uint32Array(part.length)

  it('all zero are refused: 0/0 sums to nothing', () => {
    const { tree, ...rest } = decoded()
    const layers = tree.layers.map(({ rounds, values }) => ({
      rounds: zeros(rounds),
      values: zeros(values),
    }))
    const bytes = encodeProof(shape, { ...rest, tree: { root: zeros(tree.root), layers } })
    const verdict = verifyStepProof(statement, lease.batches, bytes, kernels)
    assert.deepEqual(verdict, { ok: false, fault: { code: 'proof/fractions', why: 'denominator' } })
  })

  it('from another proof are refused', () => {
    const mine = decoded()
    const theirs = decoded(another.proof)
    const parts = [
      'witness',
      'losses',
      'tree',
      'leafValues',
      'productRounds',
      'endValues',
      'reductionRounds',
      'columnValues',
      'combinations',
    ] as const
    for (const part of parts) {
      const mixed: StepProof = { ...mine, [part]: theirs[part] }
      assert.notEqual(codeOf(encodeProof(shape, mixed)), 'accepted', part)
    }
  })

  it('opened at other positions are refused', () => {
    const mine = decoded()
    const [states, witness] = mine.openings
    // The tree after shows what the tree before shows: positions are shared, contents are not.
    const bytes = encodeProof(shape, {
      ...mine,
      openings: [[states![0]!, states![0]!], witness!],
    })
    assert.equal(codeOf(bytes), 'proof/path')
    const turned = states!.map(({ columns, siblings }) => ({
      columns: columns.toReversed(),
      siblings,
    }))
    assert.equal(
      codeOf(encodeProof(shape, { ...mine, openings: [turned, witness!] })),
      'proof/path',
    )
  })

  it('hold a loss below p only', () => {
    const bytes = encodeProof(shape, { ...decoded(), losses: Uint32Array.of(order) })
    assert.equal(codeOf(bytes), 'proof/canonical')
  })
})

describe('the statement', () => {
  it('is bound, every field of it', () => {
    const hash = parseHash(`0x${'ab'.repeat(32)}`)
    assert.ok(hash.ok)
    const fields: readonly Partial<ProofStatement>[] = [
      { seed: hash.value },
      { before: hash.value },
      { after: hash.value },
      { range: 1 },
      { range: 1e9 },
      { range: -1 },
      { worker: `0x${'11'.repeat(20)}` as ProofStatement['worker'] },
      { losses: [] },
      { losses: [statement.losses[0]! + 1n] },
      { losses: [statement.losses[0]! + BigInt(order)] },
      { job: { ...job, chainId: 1 } },
      { job: { ...job, nonce: 1n } },
      { job: { ...job, steps: 101 } },
      { job: { ...job, dataset: hash.value } },
      { job: { ...job, layers: [3, 3] } },
      { job: { ...job, batch: 3 } },
      { job: { ...job, fractionBits: 5 } },
      { job: { ...job, forwardShifts: [4] } },
      { job: { ...job, schedule: [{ ...job.schedule[0]!, updateShifts: [1] }] } },
    ]
    for (const field of fields)
      assert.notEqual(
        codeOf(proof, { ...statement, ...field }),
        'accepted',
        JSON.stringify(Object.keys(field)),
      )
  })

  it('needs the batches of the job', () => {
    const [rows] = lease.batches
    const features = rows!.features.slice()
    features[0] = -128
    for (const batches of [
      [],
      [rows!, rows!],
      [{ ...rows!, count: 1 }],
      [{ ...rows!, features: rows!.features.subarray(1) }],
      [{ ...rows!, labels: rows!.labels.subarray(1) }],
      [{ ...rows!, features }],
      other.batches,
    ])
      assert.equal(verifyStepProof(statement, batches, proof).ok, false)
  })
})
