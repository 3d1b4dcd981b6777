import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join as joinPath } from 'node:path'
import { describe, it } from 'vitest'
import { utf8ToBytes } from '../../primitives/bytes.ts'
import { sha256Hash } from '../../primitives/hash.ts'
import { segmentTree, soundnessInputs } from '../../proof/circuit.ts'
import {
  at,
  count,
  type Elements,
  element,
  join,
  plus,
  scaled,
  span,
} from '../../proof/extension.ts'
import { eqTable } from '../../proof/multilinear.ts'
import { maxSaturated, shapeOf } from '../../proof/parameters.ts'
import { decodingRadius, queriesFor, queryBits, soundnessBits } from '../../proof/security.ts'
import { columnsAt, columnValues, rowOf } from '../../proof/tables.ts'
import { Transcript } from '../../proof/transcript.ts'
import { jobOf } from '../compute/support.ts'
import { tinyJob } from './support.ts'

/** Tables and bounds that the executable model of the protocol derives. */
const model: {
  jobs: {
    layers: number[]
    batch: number
    F: number
    forward: number[]
    backward: number[]
    update: number
    /** Rows of each table, and the SHA-256 of its rows as JSON, missing columns 0. */
    tables: Record<string, { rows: number; digest: string }>
  }[]
} = JSON.parse(
  readFileSync(joinPath(import.meta.dirname, '../../docs/spec/vectors/tables.json'), 'utf8'),
)

describe('security', () => {
  it('has the radii and bits of the specification', () => {
    const table = [
      { width: 4096, length: 16384, queries: 148, radius: 6144, bits: 100.3755 },
      { width: 4096, length: 32768, queries: 121, radius: 14336, bits: 100.4485 },
      { width: 35840, length: 131072, queries: 154, radius: 47616, bits: 100.2985 },
    ]
    for (const { queries, radius, bits, ...code } of table) {
      assert.equal(decodingRadius(code), radius)
      assert.equal(queriesFor(code), queries)
      const { far, close } = queryBits(code, queries)
      assert.ok(Math.abs(Math.min(far, close) - bits) < 1e-4, `${far} ${close}`)
    }
  })

  it('reaches 100.1 bits for one step of the small model, 100.2 for the wide one', () => {
    const bits = (layers: readonly number[], leaseSteps: number, dense: boolean) => {
      const shape = shapeOf(jobOf(layers, { batch: 64, leaseSteps }), 0, dense)
      return soundnessBits(soundnessInputs(shape, maxSaturated))
    }
    const wide = Array.from({ length: 9 }, () => 1120)
    for (const dense of [false, true]) {
      assert.ok(bits([784, 128, 64, 10], 1, dense) >= 100.1)
      assert.ok(bits([784, 128, 64, 10], 4, dense) >= 100.1)
      assert.ok(bits(wide, 1, dense) >= 100.2)
    }
  })

  it('falls with fewer queries and with more of anything', () => {
    const inputs = soundnessInputs(shapeOf(tinyJob([5, 4, 3]), 0, false), maxSaturated)
    const bits = soundnessBits(inputs)
    assert.ok(bits >= 100)
    const fewer = inputs.classes.map((entry) => ({ ...entry, queries: entry.queries - 1 }))
    assert.ok(soundnessBits({ ...inputs, classes: fewer }) < bits)
    for (const key of [
      'tableRows',
      'lookups',
      'maskedLookups',
      'treeDepth',
      'nu',
      'beta',
      'instances',
      'claims',
      'variables',
    ] as const)
      assert.ok(soundnessBits({ ...inputs, [key]: 2 ** 40 }) < bits, key)
  })
})

describe('tables', () => {
  it('are those of the model', () => {
    for (const { layers, batch, F, forward, backward, update, tables } of model.jobs) {
      const depth = layers.length - 1
      const job = tinyJob(layers, {
        batch,
        fractionBits: F,
        forwardShifts: forward,
        schedule: [
          {
            fromStep: 0,
            updateShifts: Array.from({ length: depth }, () => update),
            backwardShifts: backward,
          },
        ],
      })
      for (const dense of [false, true])
        for (const table of shapeOf(job, 0, dense).tables) {
          const columns = table.columns.map((column) => columnValues(table, column))
          const rows = Array.from({ length: table.rows }, (_, i) =>
            [0, 1, 2].map((c) => columns[c]?.[i] ?? 0),
          )
          const digest = sha256Hash(utf8ToBytes(JSON.stringify(rows)))
          assert.deepEqual({ rows: table.rows, digest }, tables[table.name], table.name)
        }
    }
  })

  it('have the sizes of the specification', () => {
    const job = jobOf([784, 128, 64, 10], {
      batch: 64,
      schedule: [{ fromStep: 0, updateShifts: [0, 0, 0], backwardShifts: [5, 5] }],
    })
    const sizes = [false, true].map((dense) =>
      Object.fromEntries(shapeOf(job, 0, dense).tables.map(({ name, rows }) => [name, rows])),
    )
    const shared = {
      RF: 65_536,
      ACT6: 16_320,
      SA: 6_306,
      ERR5: 10_144,
      SE: 2_276,
      OUT: 18_240,
      SO: 2_275,
      TG: 510,
    }
    assert.deepEqual(sizes, [
      { RW: 255, ...shared },
      { SW: 289, ...shared },
    ])
  })

  it('have one table for each distinct shift', () => {
    const job = tinyJob([3, 3, 3, 3], {
      forwardShifts: [3, 5, 4],
      leaseSteps: 2,
      schedule: [
        { fromStep: 0, updateShifts: [0, 0, 0], backwardShifts: [2, 2] },
        { fromStep: 1, updateShifts: [0, 0, 0], backwardShifts: [4, 2] },
      ],
    })
    const names = shapeOf(job, 0, false).tables.map(({ name }) => name)
    assert.deepEqual(names, [
      'RW',
      'RF',
      'ACT3',
      'ACT5',
      'SA',
      'ERR2',
      'ERR4',
      'SE',
      'OUT',
      'SO',
      'TG',
    ])
  })

  it('evaluate in few steps to what their rows say', () => {
    const transcriptPoint = pointOf(18)
    for (const dense of [false, true])
      for (const table of shapeOf(tinyJob([5, 4, 3]), 0, dense).tables) {
        const variables = Math.ceil(Math.log2(table.rows))
        const point = span(transcriptPoint, 0, variables)
        const weights = eqTable(point)
        const found = columnsAt(table.columns, point)
        for (const [c, column] of table.columns.entries()) {
          let sum = element(0)
          for (const [i, value] of columnValues(table, column).entries())
            sum = plus(sum, scaled(at(weights, i), value))
          assert.deepEqual(found[c], sum, table.name)
        }
      }
  })

  it('find each of their rows and no other tuple', () => {
    for (const table of shapeOf(tinyJob([5, 4, 3]), 0, true).tables) {
      const columns = table.columns.map((column) => columnValues(table, column))
      for (let row = 0; row < table.rows; row++) {
        const [a, b, c] = [0, 1, 2].map((i) => columns[i]?.[row] ?? 0)
        assert.equal(rowOf(columns, table, [a!, b!, c!]), row, `${table.name} ${row}`)
      }
      assert.equal(rowOf(columns, table, [1e6, 0, 0]), -1)
      assert.equal(rowOf(columns, table, [-1e6, 3, 3]), -1)
    }
  })
})

describe('segments', () => {
  it('are aligned, descending and end to end', () => {
    const { segments, depth, end } = segmentTree(
      shapeOf(tinyJob([9, 4, 3], { leaseSteps: 3 }), 0, true),
    )
    let expected = 0
    for (const { offset, bits } of segments) {
      assert.equal(offset, expected)
      assert.equal(offset % 2 ** bits, 0)
      expected += 2 ** bits
    }
    assert.equal(end, expected)
    assert.ok(2 ** depth >= end && 2 ** (depth - 1) < end)
  })
})

describe('transcript', () => {
  const begun = () => new Transcript().enter('statement').absorb('version', Uint8Array.of(1))

  it('draws nothing before all of a phase is absorbed', () => {
    assert.throws(() => new Transcript().draw('alpha', 1), /before all/)
    assert.throws(() => begun().draw('alpha', 1), /before all/)
  })

  it('takes messages in the declared order alone', () => {
    assert.throws(() => begun().absorb('chain', Uint8Array.of(1)), /job is due/)
    assert.throws(() => begun().enter('batch'), /batch after statement/)
    assert.throws(() => new Transcript().enter('root'), /root after null/)
  })

  it('depends on every byte, length and label', () => {
    const challenge = (parts: readonly Uint8Array[]) => {
      const transcript = new Transcript().enter('statement')
      const labels = ['version', 'job', 'chain', 'range', 'steps', 'worker', 'seed']
      for (const [i, label] of labels.entries())
        transcript.absorb(label, parts[i] ?? new Uint8Array(0))
      transcript
        .enter('batch')
        .absorb('rows', new Uint8Array(0))
        .absorb('exponents', new Uint8Array(0))
      transcript.enter('commitments')
      for (const label of [
        'before',
        'after',
        'mid',
        'witness',
        'excess',
        'mode',
        'saturated',
        'losses',
      ])
        transcript.absorb(label, new Uint8Array(0))
      return transcript.drawOne('alpha').join()
    }
    const a = Uint8Array.of(1, 2)
    const drawn = [
      [],
      [a],
      [new Uint8Array(0), a],
      [Uint8Array.of(1), Uint8Array.of(2)],
      [Uint8Array.of(1, 3)],
    ].map(challenge)
    assert.equal(new Set(drawn).size, drawn.length)
    assert.equal(challenge([a]), challenge([a]))
  })
})

function pointOf(variables: number): Elements {
  const elements = Array.from({ length: variables }, (_, i) =>
    Uint32Array.from({ length: 5 }, (_, k) => (i * 7919 + k * 104_729 + 12_345) % 2_013_265_921),
  )
  const point = join(elements)
  assert.equal(count(point), variables)
  return point
}
