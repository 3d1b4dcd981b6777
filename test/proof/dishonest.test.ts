/** Every way of cheating that section 16 of the protocol names, each by a prover that adapts. */
import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { hashFromBytes } from '../../primitives/hash.ts'
import { SeededRandom } from '../../primitives/random.ts'
import { columnFinder, segmentTree } from '../../proof/circuit.ts'
import { commitColumns } from '../../proof/ligero.ts'
import type { Matrix } from '../../proof/linear.ts'
import { countLookups } from '../../proof/lookups.ts'
import { type ProofShape, placeColumn, type Role, shapeOf } from '../../proof/parameters.ts'
import { decodeProof, encodeProof } from '../../proof/proof.ts'
import { commitWeights, proveCounted, proveWitness } from '../../proof/prover.ts'
import { referenceKernels } from '../../proof/referenceKernels.ts'
import type { BatchRows, Saturation } from '../../proof/statement.ts'
import { verifyStepProof } from '../../proof/verifier.ts'
import { openWasmKernels } from '../../proof/wasmKernels.ts'
import { buildWitness, excessOf, type Witness } from '../../proof/witness.ts'
import { seedOf } from '../compute/support.ts'
import {
  extremeState,
  sumsOf,
  type TrainedLease,
  tinyJob,
  trainLease,
  withJunk,
} from './support.ts'

/** The quick ones; `kernels.test.ts` shows that they are the reference. */
const kernels = openWasmKernels()

type Cheat = {
  readonly shape: ProofShape
  readonly columns: Matrix[]
  readonly batches: BatchRows[]
  saturated: Saturation[]
  losses: Uint32Array
  /** The cell of a column. */
  readonly cell: (
    role: Role,
    step: number,
    layer: number,
    row: number,
    col: number,
    change: (value: number) => number,
  ) => void
}

/** A witness of the lease that `cheat` may change before sums, counts and proof are made. */
function cheated(lease: TrainedLease, dense: boolean, cheat: (cheat: Cheat) => void) {
  const { claim, before, steps, batches } = lease
  const shape = shapeOf(claim.job, claim.range, dense)
  let previous = before
  const excess = steps.map((step, i) => {
    const found = excessOf(shape.steps[i]!, claim.job.fractionBits, previous, step)
    previous = step.state
    return found
  })
  const honest = buildWitness(shape, before, steps, batches, excess)
  const find = columnFinder(shape)
  const state: Cheat = {
    shape,
    columns: honest.columns.map((matrix) => ({ ...matrix, values: matrix.values.slice() })),
    batches: batches.map((rows) => ({
      ...rows,
      features: rows.features.slice(),
      labels: rows.labels.slice(),
    })),
    saturated: [...honest.saturated],
    losses: honest.losses.slice(),
    cell: (role, step, layer, row, col, change) => {
      const { values, stride } = state.columns[find(role, step, layer).index]!
      values[row * stride + col] = change(values[row * stride + col]!)
    },
  }
  cheat(state)
  const { columns, saturated, losses } = state
  const witness: Witness = { columns, saturated, losses, ...sumsOf(shape, columns, state.batches) }
  return { shape, witness, batches: state.batches }
}

/** The verdict's code; the statement keeps the commitment that the chain holds. */
function verdictOf(lease: TrainedLease, dense: boolean, cheat: (cheat: Cheat) => void): string {
  const { shape, witness, batches } = cheated(lease, dense, cheat)
  const { statement, proof } = proveWitness(lease.claim, shape, witness, batches, kernels)
  const before = commitWeights(lease.claim.job, lease.before)
  const verdict = verifyStepProof({ ...statement, before }, lease.batches, proof)
  return verdict.ok ? 'accepted' : verdict.fault.code
}

const plus = (n: number) => (value: number) => value + n
const job = tinyJob([5, 4, 3])
const calm = await trainLease(
  tinyJob([5, 4, 3], { fractionBits: 12, initBound: 40, leaseSteps: 2 }),
  1,
)
const saturating = await trainLease(job, 2, extremeState(job, 2))

describe('a cheating prover is refused', () => {
  it('accepts the same provers when they do not cheat', () => {
    assert.equal(calm.steps[0]!.report.saturated, 0)
    for (const lease of [calm, saturating])
      for (const dense of [false, true])
        assert.equal(
          verdictOf(lease, dense, () => {}),
          'accepted',
        )
  })

  const unitCells = [
    ['a', 1],
    ['m', 1],
    ['h', 1],
    ['d', 1],
    ['v', 1],
    ['h', 2],
    ['o', 2],
    ['d', 2],
  ] as const
  for (const [role, layer] of unitCells)
    for (const change of [1, -1])
      it(`${role} of layer ${layer} changed by ${change}`, () => {
        const got = verdictOf(calm, false, ({ cell }) => cell(role, 0, layer, 1, 1, plus(change)))
        assert.equal(got, 'proof/fractions')
      })

  it('mask flipped in every cell, with the error to match', () => {
    const got = verdictOf(calm, false, ({ cell }) => {
      for (let row = 0; row < 4; row++)
        for (let col = 0; col < 3; col++) cell('m', 1, 1, row, col, (m) => 1 - m)
    })
    assert.equal(got, 'proof/fractions')
  })

  it('quotients beyond their bounds', () => {
    for (const [role, layer] of [
      ['h', 1],
      ['v', 1],
      ['h', 2],
    ] as const) {
      const got = verdictOf(calm, false, ({ cell }) => cell(role, 0, layer, 0, 0, () => 30_000))
      assert.equal(got, 'proof/fractions')
    }
  })

  const weights: readonly (readonly [string, (cheat: Cheat) => void])[] = [
    ['a new weight', ({ cell }) => cell('w', 1, 1, 1, 1, plus(1))],
    ['a new fraction', ({ cell }) => cell('rho', 2, 2, 1, 1, (rho) => rho ^ 1)],
    ['a weight of the state between steps', ({ cell }) => cell('w', 1, 2, 0, 0, plus(-1))],
    ['an old weight', ({ cell }) => cell('w', 0, 1, 0, 0, plus(1))],
  ]
  for (const [name, cheat] of weights)
    it(`${name} changed`, () => {
      assert.match(verdictOf(calm, false, cheat), /^proof\/(fractions|relation|layer)$/)
    })

  it('the same weight written with a fraction out of range', () => {
    const got = verdictOf(calm, false, ({ cell }) => {
      cell('w', 2, 1, 0, 0, plus(-1))
      cell('rho', 2, 1, 0, 0, plus(2 ** 12))
    })
    assert.equal(got, 'proof/fractions')
  })

  it('an update skipped', () => {
    const got = verdictOf(calm, false, ({ shape, columns }) => {
      const find = columnFinder(shape)
      for (const role of ['w', 'rho'] as const)
        for (const layer of [1, 2])
          columns[find(role, 2, layer).index] = columns[find(role, 1, layer).index]!
    })
    assert.equal(got, 'proof/relation')
  })

  it('another row, another label', () => {
    const row = verdictOf(calm, false, ({ batches }) => {
      batches[0]!.features[0] = batches[0]!.features[0]! ^ 1
    })
    const label = verdictOf(calm, false, ({ batches }) => {
      batches[1]!.labels[0] = (batches[1]!.labels[0]! + 1) % 3
    })
    assert.notEqual(row, 'accepted')
    assert.notEqual(label, 'accepted')
  })

  it('another loss', () => {
    const got = verdictOf(calm, false, ({ losses }) => {
      losses[1] = losses[1]! + 1
    })
    assert.equal(got, 'proof/relation')
  })

  it('two layers swapped', async () => {
    const lease = await trainLease(tinyJob([4, 4, 4]), 3)
    const got = verdictOf(lease, true, ({ shape, columns }) => {
      const find = columnFinder(shape)
      for (const role of ['w', 'rho', 'excess'] as const) {
        const [a, b] = [
          find(role, role === 'excess' ? 0 : 1, 1),
          find(role, role === 'excess' ? 0 : 1, 2),
        ]
        const first = columns[a.index]!
        columns[a.index] = columns[b.index]!
        columns[b.index] = first
      }
    })
    assert.equal(got, 'proof/relation')
  })

  it('a multiplicity changed', () => {
    const { shape, witness, batches } = cheated(calm, false, () => {})
    const counted = countLookups(shape, segmentTree(shape), witness, batches)
    const mu = counted.columns[columnFinder(shape)('mu', 0, 2).index]!
    mu.values[5] = mu.values[5]! + 1
    const { statement, proof } = proveCounted(calm.claim, shape, counted, batches, kernels)
    const verdict = verifyStepProof(statement, calm.batches, proof)
    assert.deepEqual(verdict, { ok: false, fault: { code: 'proof/fractions', why: 'sum' } })
  })
})

describe('saturation', () => {
  it('invented, of either sign', () => {
    for (const sign of [1, -1]) {
      const got = verdictOf(calm, false, (cheat) => {
        cheat.cell('w', 2, 1, 0, 0, plus(-sign))
        cheat.saturated = [{ step: 1, layer: 1, row: 0, col: 0, excess: sign }]
      })
      assert.notEqual(got, 'accepted')
    }
  })

  it('invented, with a weight pushed to the edge', () => {
    for (const edge of [127, -127]) {
      const got = verdictOf(calm, false, (cheat) => {
        let gap = 0
        cheat.cell('w', 2, 1, 0, 0, (value) => {
          gap = value - edge
          return edge
        })
        cheat.saturated = [{ step: 1, layer: 1, row: 0, col: 0, excess: gap }]
      })
      assert.notEqual(got, 'accepted')
    }
  })

  it('omitted from the list', () => {
    const got = verdictOf(saturating, false, (cheat) => {
      cheat.saturated = cheat.saturated.slice(1)
    })
    assert.equal(got, 'proof/relation')
  })

  it('left undone, in both modes', () => {
    const { layer, row, col, excess } = cheatedList()[0]!
    const sparse = verdictOf(saturating, false, (cheat) => {
      cheat.cell('w', 1, layer, row, col, plus(excess))
      cheat.saturated = cheat.saturated.slice(1)
    })
    const dense = verdictOf(saturating, true, ({ cell }) => {
      cell('w', 1, layer, row, col, plus(excess))
      cell('excess', 0, layer, row, col, () => 0)
    })
    assert.deepEqual([sparse, dense], ['proof/fractions', 'proof/fractions'])
  })

  it('in a list that is unsorted, repeated, dead, out of bounds or zero', () => {
    const list = cheatedList()
    const lists: readonly (readonly Saturation[])[] = [
      list.toReversed(),
      [list[0]!, ...list],
      [...list, { step: 0, layer: 2, row: 3, col: 0, excess: 1 }],
      [...list, { step: 0, layer: 3, row: 0, col: 0, excess: 1 }],
      [...list, { step: 1, layer: 1, row: 0, col: 0, excess: 1 }],
      list.map((entry, i) => (i === 0 ? { ...entry, excess: 100_000 } : entry)),
    ]
    const { shape, witness, batches } = cheated(saturating, false, () => {})
    const { statement, proof } = proveWitness(saturating.claim, shape, witness, batches, kernels)
    const decoded = decodeProof(shape, proof)
    assert.ok(decoded.ok)
    for (const saturated of lists) {
      const bytes = encodeProof(shape, { ...decoded.value, saturated })
      const verdict = verifyStepProof(statement, saturating.batches, bytes)
      assert.equal(!verdict.ok && verdict.fault.code, 'proof/saturation')
    }
  })

  it('longer than a proof may list', async () => {
    const large = tinyJob([17, 20, 9], { batch: 5, leaseSteps: 2 })
    const lease = await trainLease(large, 3, extremeState(large, 3))
    const { shape, witness, batches } = cheated(lease, true, () => {})
    const entry = { step: 0, layer: 1, row: 0, col: 0, excess: 1 }
    const listed = { ...witness, saturated: Array.from({ length: 257 }, () => entry) }
    const { statement, proof } = proveWitness(lease.claim, shape, listed, batches, kernels)
    const verdict = verifyStepProof(statement, lease.batches, proof)
    assert.deepEqual(verdict, {
      ok: false,
      fault: { code: 'proof/count', field: 'saturated', max: 0, got: 257 },
    })
    proof[0] = 0
    const sparse = verifyStepProof(statement, lease.batches, proof)
    assert.equal(!sparse.ok && sparse.fault.code, 'proof/count')
  })

  function cheatedList(): readonly Saturation[] {
    return cheated(saturating, false, () => {}).witness.saturated
  }
})

describe('padding', () => {
  it('may hold anything: junk in dead cells is accepted', async () => {
    for (const lease of [calm, saturating, await trainLease(tinyJob([3, 8, 5]), 4)])
      for (const dense of [false, true]) {
        const { shape, witness, batches } = cheated(
          lease,
          dense,
          ({ shape: { columns }, ...cheat }) => {
            const random = new SeededRandom('junk', seedOf(1))
            for (const column of columns)
              if (column.role !== 'mu')
                cheat.columns[column.index] = withJunk(column, cheat.columns[column.index]!, random)
          },
        )
        const { statement, proof } = proveWitness(lease.claim, shape, witness, batches, kernels)
        assert.notEqual(statement.after, commitWeights(lease.claim.job, lease.steps.at(-1)!.state))
        const verdict = verifyStepProof(statement, lease.batches, proof)
        assert.deepEqual(verdict, { ok: true, value: 'valid' })
      }
  })
})

describe('commitments', () => {
  it('of another layout are refused', () => {
    const { shape, witness, batches } = cheated(calm, false, () => {})
    const { statement, proof } = proveWitness(calm.claim, shape, witness, batches, kernels)
    const columns = shape.columns.filter(({ step, role }) => step === 0 && /^(w|rho)$/.test(role))
    const wider = columns.map((column, i) => {
      const layout = { ...column.layout, groups: 1, lowBits: column.layout.strideBits }
      const code = { width: layout.stride, length: column.layout.code.length }
      return placeColumn(column, { ...layout, code }, i)
    })
    const data = columns.map(({ index }) => witness.columns[index]!)
    const before = hashFromBytes(commitColumns(wider, data, referenceKernels, true).digest)
    const verdict = verifyStepProof({ ...statement, before }, calm.batches, proof)
    assert.equal(verdict.ok, false)
  })
})
