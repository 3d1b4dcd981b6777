/**
 * Ways in which proof systems broke before, each tried by a prover that does everything else right.
 * docs/spec/proof.md lists them all with the tests that try them; here are those that no other file has.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { SeededRandom } from '../../primitives/random.ts'
import { columnFinder, segmentTree } from '../../proof/circuit.ts'
import { at, minus, scaled } from '../../proof/extension.ts'
import type { Kernels } from '../../proof/kernels.ts'
import { countLookups } from '../../proof/lookups.ts'
import { type ProofShape, shapeOf } from '../../proof/parameters.ts'
import { decodeProof, encodeProof } from '../../proof/proof.ts'
import { proveCounted, proveLease } from '../../proof/prover.ts'
import { verifyStepProof } from '../../proof/verifier.ts'
import { openWasmKernels } from '../../proof/wasmKernels.ts'
import { buildWitness, excessOf, type Witness } from '../../proof/witness.ts'
import { admitJob } from '../../registry/admission.ts'
import type { Job } from '../../registry/job.ts'
import { seedOf } from '../compute/support.ts'
import { testParams } from '../registry/world.ts'
import { extremeState, type TrainedLease, tinyJob, trainLease, withJunk } from './support.ts'

const kernels = openWasmKernels()
const job = tinyJob([3, 2, 2], {
  batch: 2,
  forwardShifts: [1, 1],
  schedule: [{ fromStep: 0, updateShifts: [0, 0], backwardShifts: [1] }],
})
const lease = await trainLease(job, 1)

function verdictOf(prover: Kernels, { claim, before, steps, batches }: TrainedLease = lease) {
  const { statement, proof } = proveLease(claim, before, steps, batches, prover)
  const verdict = verifyStepProof(statement, batches, proof, kernels)
  return verdict.ok ? 'accepted' : verdict.fault.code
}

/** An honest witness with its lookups counted. */
function counted({ claim, before, steps, batches }: TrainedLease) {
  const shape = shapeOf(claim.job, claim.range, false)
  const excess = steps.map((step, i) =>
    excessOf(shape.steps[i]!, claim.job.fractionBits, i === 0 ? before : steps[i - 1]!.state, step),
  )
  const witness = buildWitness(shape, before, steps, batches, excess)
  return { shape, witness: countLookups(shape, segmentTree(shape), witness, batches) }
}

function faultOf(shape: ProofShape, witness: Witness, prover: Kernels, of = lease) {
  const { statement, proof } = proveCounted(of.claim, shape, witness, of.batches, prover)
  const verdict = verifyStepProof(statement, of.batches, proof, kernels)
  return verdict.ok ? null : verdict.fault
}

describe('transcript', () => {
  /** Changes the last byte of the `which`-th message that the prover absorbs; counts all. */
  function forgetful(which: number) {
    let absorbed = 0
    const sha256: Kernels['sha256'] = (message) => {
      const isMessage = message.length >= 44 && message[32] === 0x41
      if (!isMessage || absorbed++ !== which) return kernels.sha256(message)
      const changed = message.slice()
      changed[changed.length - 1]! ^= 1
      return kernels.sha256(changed)
    }
    return { prover: { ...kernels, sha256 }, absorbed: () => absorbed }
  }

  it('binds every message: a prover that hears another byte anywhere is refused', () => {
    const honest = forgetful(-1)
    assert.equal(verdictOf(honest.prover), 'accepted')
    const messages = honest.absorbed()
    assert.ok(messages > 100)
    // All of statement, batch, commitments and ends; of the tree's many rounds every seventh.
    for (let which = 0; which < messages; which++)
      if (which < 20 || which >= messages - 3 || which % 7 === 0)
        assert.notEqual(verdictOf(forgetful(which).prover), 'accepted', `message ${which}`)
  }, 60_000)
})

describe('openings', () => {
  /** Encodes another message in place of the `which`-th row; counts all. */
  function careless(which: number) {
    let rows = 0
    const encoder: Kernels['encoder'] = (domain, width, stride) => {
      const encode = kernels.encoder(domain, width, stride)
      return (messages, out) => {
        const first = rows
        rows += messages.length / width
        if (which < first || which >= rows) return encode(messages, out)
        const changed = messages.slice()
        changed[(which - first) * width]! += 1
        return encode(changed, out)
      }
    }
    return { prover: { ...kernels, encoder }, rows: () => rows }
  }

  it('tie every row of every tree: values argued must be those committed', () => {
    const honest = careless(-1)
    assert.equal(verdictOf(honest.prover), 'accepted')
    const rows = honest.rows()
    assert.ok(rows > 10)
    for (let which = 0; which < rows; which++)
      assert.match(verdictOf(careless(which).prover), /^proof\/(proximity|path|combination)$/)
  }, 60_000)
})

describe('lookups', () => {
  // Backward and output family alike: ERR1 and OUT have the same rows.
  const twins = tinyJob([2, 3, 3], {
    batch: 2,
    forwardShifts: [1, 1],
    schedule: [{ fromStep: 0, updateShifts: [0, 0], backwardShifts: [1] }],
  })

  it('have a table each: rows of another table of the same content are refused', async () => {
    const trained = await trainLease(twins, 3)
    const { shape, witness } = counted(trained)
    const find = columnFinder(shape)
    const [err, out] = ['ERR1', 'OUT'].map((name) => shape.tables.find((t) => t.name === name)!)
    assert.equal(err!.rows, out!.rows)
    const [ours, theirs] = [err, out].map((t) => witness.columns[find('mu', 0, t!.tag).index]!)
    for (let row = 0; row < err!.rows; row++) {
      theirs!.values[row] = theirs!.values[row]! + ours!.values[row]!
      ours!.values[row] = 0
    }
    // The prover's tree calls the lookups of errors lookups of outputs, and sums to 0.
    const fillLeaves: Kernels['fillLeaves'] = (nodes, lines, length, lookups, base, powers) => {
      const masks = lookups.numerators?.every((n) => n === 0 || n === 1) ?? false
      const errors = lookups.parts.length === 2 && masks && lookups.parts[0]!.length === 6
      const shift = scaled(at(powers, 3), out!.tag - err!.tag)
      const own = errors ? minus(base, shift) : base
      kernels.fillLeaves(nodes, lines, length, lookups, own, powers)
    }
    const fault = faultOf(shape, witness, { ...kernels, fillLeaves }, trained)
    assert.deepEqual(fault, { code: 'proof/relation', relation: 'leaves' })
  })

  it('are placed by the specification: tables in another order are refused', async () => {
    const trained = await trainLease(twins, 3)
    const { shape, witness } = counted(trained)
    assert.equal(faultOf(shape, witness, kernels, trained), null)
    const turned = { ...shape, tables: shape.tables.toReversed() }
    const fault = faultOf(turned, witness, kernels, trained)
    assert.deepEqual(fault, { code: 'proof/relation', relation: 'leaves' })
  })

  it('find no rows beyond a table, whatever its column holds there', () => {
    const { shape, witness } = counted(lease)
    const random = new SeededRandom('beyond', seedOf(1))
    const columns = [...witness.columns]
    let beyond = 0
    for (const column of shape.columns) {
      if (column.role !== 'mu') continue
      const { codeRows, layout, cols, index } = column
      const room = codeRows * 2 ** layout.lowBits
      beyond += room - cols
      columns[index] = withJunk(column, columns[index]!, random)
    }
    assert.ok(beyond > 0)
    assert.equal(faultOf(shape, { ...witness, columns }, kernels), null)
    // A lookup that no row answers stays unanswered.
    const { index } = columnFinder(shape)('rho', 1, 1)
    const values = columns[index]!.values.slice()
    values[0] = 2 ** job.fractionBits
    columns[index] = { ...columns[index]!, values }
    const fault = faultOf(shape, { ...witness, columns }, kernels)
    assert.equal(fault?.code, 'proof/fractions')
  })
})

describe('encodings', () => {
  it('have no negative zero', async () => {
    const wide = tinyJob([5, 4, 3])
    const { claim, before, steps, batches } = await trainLease(wide, 2, extremeState(wide, 2))
    const { statement, proof } = proveLease(claim, before, steps, batches, kernels)
    const shape = shapeOf(wide, 0, false)
    const decoded = decodeProof(shape, proof)
    assert.ok(decoded.ok && decoded.value.saturated.length > 0)
    const [entry, ...rest] = decoded.value.saturated
    for (const zero of [0, -0]) {
      const saturated = [{ ...entry!, excess: zero }, ...rest]
      const bytes = encodeProof(shape, { ...decoded.value, saturated })
      // Sign 1, magnitude 0.
      if (Object.is(zero, -0)) bytes[1 + 4 * (1 + 2 * shape.classes.length) + 10] = 1
      const verdict = verifyStepProof(statement, batches, bytes, kernels)
      assert.equal(!verdict.ok && verdict.fault.code, 'proof/canonical')
    }
  })
})

describe('proofs are no source of randomness', () => {
  it('another split of a sum is another valid proof of the same statement', async () => {
    const { shape, witness, trained, cell } = await atTheEdge()
    const { index } = columnFinder(shape)('h', 0, 1)
    const honest = proveCounted(trained.claim, shape, witness, trained.batches, kernels)
    const h = witness.columns[index]!.values
    assert.equal(h[cell], 0)
    const values = h.slice()
    values[cell] = -1
    const columns = witness.columns.with(index, { ...witness.columns[index]!, values })
    const other = countLookups(shape, segmentTree(shape), { ...witness, columns }, trained.batches)
    const second = proveCounted(trained.claim, shape, other, trained.batches, kernels)
    assert.deepEqual(second.statement, honest.statement)
    assert.notDeepEqual(second.proof, honest.proof)
    for (const { statement, proof } of [honest, second])
      assert.equal(verifyStepProof(statement, trained.batches, proof, kernels).ok, true)
  })
})

/** A lease with a sum of −2^κ: split as `0·2^κ − 2^κ` or as `−1·2^κ + 0`; both rows say 0. */
async function atTheEdge() {
  const unit = 2 ** shapeOf(job, 0, false).kappa.hidden
  const times = Math.floor(unit / 127)
  const rows = {
    count: 2,
    features: Int8Array.of(times, 1, 0, times, 1, 0),
    labels: Uint32Array.of(0, 1),
  }
  const random = lease.before.layers
  const w = Int8Array.of(-127, 127 * times - unit, 0, 1, 1, 1)
  const layers = random.map((layer, i) => (i === 0 ? { ...layer, w } : layer))
  const trained = await trainLease(job, 2, { layers }, () => rows)
  assert.equal(trained.steps[0]!.layers[0]!.sums[0], -unit)
  return { ...counted(trained), trained, cell: 0 }
}

describe('admission', () => {
  const params = { ...testParams, replayMacsCap: 1n << 80n, macsPerBlock: 1n << 80n }
  const phase = { fromStep: 0, updateShifts: [0, 0], backwardShifts: [5] }
  const base: Partial<Job> = {
    batch: 64,
    fractionBits: 16,
    forwardShifts: [6, 6],
    schedule: [phase],
    pricePerMac: testParams.basePrice,
  }
  const faultWith = (layers: readonly number[], changes: Partial<Job>) => {
    const verdict = admitJob(tinyJob(layers, { ...base, ...changes }), params)
    if (verdict.ok) return null
    return 'family' in verdict.fault ? verdict.fault.family : verdict.fault.field
  }
  const limits: readonly (readonly [
    string,
    (n: number) => string | null,
    last: number,
    fault: string,
  ])[] = [
    [
      'the contraction K',
      (n) => faultWith([n, 2, 2], { forwardShifts: [8, 8] }),
      61_440,
      'layers.0',
    ],
    ['the batch B', (n) => faultWith([2, 2, 2], { batch: n }), 61_440, 'batch'],
    // 2^20·(128 + H_W) + 128·2^20 + 2^u·127²·B < p: the batch that still fits, by hand.
    [
      'the batch that an update allows',
      (n) =>
        faultWith([2, 2, 2], {
          batch: n,
          fractionBits: 20,
          schedule: [{ ...phase, updateShifts: [4, 4] }],
        }),
      3_376,
      'update',
    ],
    [
      'the update exponent u',
      (n) => faultWith([2, 2, 2], { schedule: [{ ...phase, updateShifts: [n, 0] }] }),
      9,
      'update',
    ],
    ['the fraction F', (n) => faultWith([2, 2, 2], { fractionBits: n }), 20, 'fractionBits'],
    [
      'a forward shift',
      (n) => faultWith([2, 2, 2], { forwardShifts: [6, n] }),
      10,
      'forwardShifts.1',
    ],
    ['the steps of a lease', (n) => faultWith([2, 2, 2], { leaseSteps: n }), 64, 'leaseSteps'],
  ]

  for (const [what, faultAt, last, fault] of limits)
    it(`${what} ends at ${last}`, () => {
      assert.equal(faultAt(last), null)
      assert.equal(faultAt(last + 1), fault)
    })
})
