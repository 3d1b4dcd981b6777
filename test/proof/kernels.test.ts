import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'vitest'
import { order } from '../../proof/babyBear.ts'
import { degree } from '../../proof/extension.ts'
import { emptyStrip } from '../../proof/fractionTree.ts'
import type { Kernels } from '../../proof/kernels.ts'
import { merkleTree } from '../../proof/multiproof.ts'
import { domainOf } from '../../proof/ntt.ts'
import { proveLease } from '../../proof/prover.ts'
import { referenceKernels } from '../../proof/referenceKernels.ts'
import { verifyStepProof } from '../../proof/verifier.ts'
import { openWasmKernels } from '../../proof/wasmKernels.ts'
import { extremeState, tinyJob, trainLease } from './support.ts'

const reference = referenceKernels
const wasm = openWasmKernels()

/** Canonical words with the edges drawn often, from a seed: arrays of thousands stay quick. */
function wordsOf(seed: number, length: number): Uint32Array {
  let state = seed + 1
  const next = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state
  }
  return Uint32Array.from({ length }, () => {
    const kind = next() >>> 28
    const value = next() % order
    if (kind === 0) return order - 1
    return kind === 1 ? 0 : value
  })
}

const elementsOf = (seed: number, length: number) => wordsOf(seed, degree * length)
const seed = fc.integer({ min: 0, max: 2 ** 30 })
const size = fc.integer({ min: 1, max: 21 })
const lineCount = fc.integer({ min: 1, max: 4 })
const check = (runs: number, property: fc.IRawProperty<never[] | unknown[]>) =>
  fc.assert(property as fc.IProperty<unknown[]>, { numRuns: runs })

/** Both in the kernels' own memory and copied in. */
function inBoth(values: Uint32Array): readonly Uint32Array[] {
  const own = wasm.words(values.length)
  own.set(values)
  return [values, own]
}

const same = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  assert.deepEqual(Array.from(a), Array.from(b))

/** The digests of columns whose rows come 16 or 32 at a time. */
function hashedInBlocks(
  kernels: Kernels,
  code: Uint32Array,
  rows: number,
  length: number,
): Uint8Array {
  return kernels.scope(() => {
    const hasher = kernels.columnHasher(length)
    for (let first = 0; first < rows; ) {
      const amount = Math.min(rows - first, first % 48 === 0 ? 16 : 32)
      const block = code.subarray(first * length, (first + amount) * length)
      first += amount
      hasher.add(block, amount, length, first === rows)
    }
    return hasher.digests()
  })
}

describe('WebAssembly kernels are the reference, bit for bit', () => {
  it('tables of equality', () => {
    check(
      60,
      fc.property(seed, fc.integer({ min: 0, max: 7 }), fc.nat(), (s, variables, n) => {
        const point = elementsOf(s, variables)
        const length = 1 + (n % 2 ** variables)
        wasm.scope(() => same(wasm.eqTable(point, length), reference.eqTable(point, length)))
      }),
    )
  })

  it('folding of lines and of quads', () => {
    check(
      80,
      fc.property(seed, lineCount, size, (s, lines, length) => {
        const r = elementsOf(s + 1, 1)
        for (const [kernel, width] of [
          ['foldLines', 1],
          ['foldQuads', 4],
        ] as const) {
          const values = elementsOf(s, width * lines * length)
          const missing = elementsOf(s + 2, width)
          const expected = reference[kernel](values, lines, length, r, missing)
          wasm.scope(() => {
            for (const place of inBoth(values))
              same(wasm[kernel](place, lines, length, r, missing), expected)
          })
        }
        const values = elementsOf(s, lines * length)
        const expected = reference.foldLines(values, lines, length, r)
        wasm.scope(() => same(wasm.foldLines(values, lines, length, r), expected))
      }),
    )
  })

  it('leaves of the fraction tree', () => {
    check(
      60,
      fc.property(seed, lineCount, size, fc.nat({ max: 2 }), (s, lines, length, more) => {
        const cells = (from: number) =>
          Int32Array.from(wordsOf(from, lines * length), (word, i) => (i % 2 === 0 ? -word : word))
        const small = (from: number) => cells(from).map((word) => word >> 11)
        const parts = [cells(s), ...Array.from({ length: more }, (_, i) => small(s + 1 + i))]
        const lookups = { parts, numerators: s % 2 === 0 ? null : cells(s + 5) }
        const constants = [elementsOf(s + 6, 1), elementsOf(s + 7, 4)] as const
        const out = emptyStrip(reference, { lines, length })
        const expected = out.slice()
        reference.fillLeaves(expected, lines, length, lookups, ...constants)
        wasm.scope(() => {
          const got = wasm.words(out.length)
          got.set(out)
          wasm.fillLeaves(got, lines, length, lookups, ...constants)
          same(got, expected)
        })
      }),
    )
  })

  it('levels of the fraction tree', () => {
    check(
      60,
      fc.property(seed, lineCount, size, (s, lines, length) => {
        const quads = elementsOf(s, 4 * lines * length)
        const out = elementsOf(s + 1, 2 * lines * (length + (length & 1)))
        const expected = out.slice()
        reference.combineQuads(expected, quads, lines, length)
        wasm.scope(() => {
          const got = wasm.words(out.length)
          got.set(out)
          for (const place of inBoth(quads)) wasm.combineQuads(got, place, lines, length)
          same(got, expected)
        })
      }),
    )
  })

  it('tilted quads', () => {
    check(
      40,
      fc.property(seed, size, (s, length) => {
        const lambda = elementsOf(s + 1, 1)
        const expected = elementsOf(s, 4 * length)
        reference.tiltQuads(expected, lambda)
        wasm.scope(() => {
          for (const place of inBoth(elementsOf(s, 4 * length))) {
            wasm.tiltQuads(place, lambda)
            same(place, expected)
          }
        })
      }),
    )
  })

  it('units and the level above them', () => {
    check(
      60,
      fc.property(seed, lineCount, size, fc.nat({ max: 2 }), (s, lines, length, more) => {
        const cells = (from: number) =>
          Int32Array.from(wordsOf(from, 2 * lines * length), (word, i) =>
            i % 3 === 0 ? -word : word,
          )
        const parts = Array.from({ length: more + 1 }, (_, i) => cells(s + i))
        const constants = elementsOf(s + 4, 4)
        const unitsOf = (kernels: typeof wasm) => {
          const [evens, odds] = [0, 1].map(() => kernels.words(degree * lines * length))
          kernels.fillUnits(evens!, odds!, parts, constants)
          const out = emptyStrip(kernels, { lines, length })
          kernels.combinePairs(out, evens!, odds!, lines, length)
          return [evens!, odds!, out]
        }
        wasm.scope(() => {
          for (const [i, expected] of unitsOf(reference).entries())
            same(unitsOf(wasm)[i]!, expected)
        })
      }),
    )
  })

  it('round sums of a layer', () => {
    check(
      60,
      fc.property(seed, lineCount, size, (s, lines, length) => {
        const quads = elementsOf(s, 4 * lines * length)
        const inLine = elementsOf(s + 1, (length + 1) >> 1)
        const ofLine = elementsOf(s + 2, lines)
        const shape = [lines, length, inLine, ofLine] as const
        const missing = elementsOf(s + 3, 4)
        const expected = reference.sumQuads(quads, ...shape, missing)
        const [evens, odds] = [elementsOf(s + 4, lines * length), elementsOf(s + 5, lines * length)]
        const lacking = elementsOf(s + 6, 1)
        const pairs = reference.sumPairs(evens, odds, ...shape, lacking)
        wasm.scope(() => {
          for (const place of inBoth(quads))
            assert.deepEqual(wasm.sumQuads(place, ...shape, missing), expected)
          for (const place of inBoth(evens))
            assert.deepEqual(wasm.sumPairs(place, odds, ...shape, lacking), pairs)
        })
      }),
    )
  })

  it('round sums of products', () => {
    check(
      60,
      fc.property(seed, lineCount, size, fc.constantFrom(2, 3), (s, lines, length, d) => {
        const a = elementsOf(s, lines * length)
        const b = elementsOf(s + 1, lines * length)
        const expected = reference.sumProducts(a, b, lines, length, d)
        wasm.scope(() => same(wasm.sumProducts(a, b, lines, length, d), expected))
      }),
    )
  })

  it('outer products', () => {
    check(
      60,
      fc.property(seed, lineCount, size, fc.nat({ max: 3 }), (s, rows, cols, gap) => {
        const stride = cols + gap
        const matrix = elementsOf(s, rows * stride)
        const factors = elementsOf(s + 1, rows)
        const vector = elementsOf(s + 2, cols)
        const expected = matrix.slice()
        reference.addOuter(expected, stride, factors, vector)
        wasm.scope(() => {
          const got = wasm.words(matrix.length)
          got.set(matrix)
          wasm.addOuter(got, stride, factors, vector)
          same(got, expected)
        })
      }),
    )
  })

  it('code words', () => {
    check(
      60,
      fc.property(seed, fc.integer({ min: 4, max: 10 }), fc.nat(), (s, bits, n) => {
        const domain = domainOf(2 ** bits)
        const width = 1 + (n % 2 ** (bits - 1))
        const message = Int32Array.from(wordsOf(s, width), (word, i) => (i % 2 ? -word : word))
        const messages = Int32Array.of(...message, ...message.toReversed())
        const stride = domain.size + (n % 5)
        const expected = new Uint32Array(2 * stride)
        reference.encoder(domain, width, stride)(messages, expected)
        wasm.scope(() => {
          const got = wasm.words(expected.length)
          wasm.encoder(domain, width, stride)(messages, got)
          same(got, expected)
        })
      }),
    )
  })

  it('digests of columns and trees of them', () => {
    check(
      40,
      fc.property(seed, fc.integer({ min: 1, max: 160 }), (s, rows) => {
        const length = 16 << (s % 3)
        const code = wordsOf(s, rows * length)
        const leaves = reference.hashColumns(code, rows, length)
        same(wasm.hashColumns(code, rows, length), leaves)
        const stride = length + (s % 7)
        const apart = new Uint32Array(rows * stride)
        for (let row = 0; row < rows; row++)
          apart.set(code.subarray(row * length, (row + 1) * length), row * stride)
        for (const kernels of [reference, wasm])
          same(kernels.hashColumns(apart, rows, length, stride), leaves)
        for (const kernels of [reference, wasm])
          same(hashedInBlocks(kernels, code, rows, length), leaves)
        const trees = [reference, wasm].map((kernels) => merkleTree(kernels.hashPairs, leaves))
        for (const [i, level] of trees[0]!.entries()) same(trees[1]![i]!, level)
      }),
    )
  })

  it('matrices against vectors, and inner products', () => {
    check(
      60,
      fc.property(seed, size, size, fc.nat({ max: 5 }), (s, rows, cols, gap) => {
        const stride = cols + gap
        const values = Int32Array.from(wordsOf(s, rows * stride), (word, i) =>
          i % 3 === 0 ? -word : word,
        )
        const matrix = { rows, cols, stride, values }
        const [byRow, byCol] = [elementsOf(s + 1, rows), elementsOf(s + 2, cols)]
        same(wasm.weightRows(matrix, byRow), reference.weightRows(matrix, byRow))
        same(wasm.weightColumns(matrix, byCol), reference.weightColumns(matrix, byCol))
        const other = elementsOf(s + 3, cols)
        same(wasm.innerProduct(byCol, other), reference.innerProduct(byCol, other))
      }),
    )
  })

  it('sums of weighted rows of integers', () => {
    check(
      60,
      fc.property(seed, size, fc.integer({ min: 1, max: 80 }), (s, length, rows) => {
        const width = length + 3
        const weights = elementsOf(s, rows)
        const values = Int32Array.from(wordsOf(s + 1, rows * length), (word, i) =>
          i % 3 === 0 ? -word : word,
        )
        wasm.scope(() => {
          const sums = [reference, wasm].map((kernels) => kernels.rowSums(width))
          for (const sum of sums)
            for (let row = 0; row < rows; row++)
              sum.add(weights, degree * row, values, row * length, length, row % 4)
          same(sums[1]!.total(), sums[0]!.total())
        })
      }),
    )
  })
})

describe('a proof', () => {
  it('is the same by either kernels, in sparse and dense mode, in any lease', async () => {
    const jobs = [
      { job: tinyJob([6, 5, 3], { batch: 4 }), extreme: false },
      { job: tinyJob([9, 4, 7, 2], { batch: 3, leaseSteps: 3 }), extreme: false },
      { job: tinyJob([17, 20, 9], { batch: 5, leaseSteps: 2 }), extreme: true },
    ]
    for (const { job, extreme } of jobs) {
      const { claim, before, steps, batches } = await trainLease(
        job,
        7,
        extreme ? extremeState(job, 7) : undefined,
      )
      const expected = proveLease(claim, before, steps, batches, referenceKernels)
      const { statement, proof } = proveLease(claim, before, steps, batches, wasm)
      assert.deepEqual(statement, expected.statement)
      assert.deepEqual(proof, expected.proof)
      for (const kernels of [reference, wasm])
        assert.deepEqual(verifyStepProof(statement, batches, proof, kernels), {
          ok: true,
          value: 'valid',
        })
    }
  }, 120_000)
})
