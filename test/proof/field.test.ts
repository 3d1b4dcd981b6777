import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join as joinPath } from 'node:path'
import fc from 'fast-check'
import { describe, it } from 'vitest'
import {
  addMod,
  encodeWords,
  halfPower,
  inverseMod,
  mulMod,
  order,
  rootOfUnity,
  subMod,
  toField,
} from '../../proof/babyBear.ts'
import {
  at,
  batchInverse,
  count,
  type Element,
  element,
  inverse,
  join,
  plus,
  scaled,
  span,
  times,
} from '../../proof/extension.ts'
import {
  eqBelow,
  eqIndex,
  eqPoints,
  eqRange,
  eqTable,
  evaluate,
  lt,
  ltLin,
} from '../../proof/multilinear.ts'
import { domainOf, evaluateOnDomain } from '../../proof/ntt.ts'

type Words = readonly number[]
const vectors: {
  mul: { a: Words; b: Words; product: Words; inverse: Words | null }[]
  point: Words[]
  other: Words[]
  below: { n: number; lt: Words; eqBelow: Words }[]
  values: Words
  extension: Words
  eqTable: Words[]
  ntt: { message: Words; size: number; values: Words }[]
} = JSON.parse(
  readFileSync(joinPath(import.meta.dirname, '../../docs/spec/vectors/field.json'), 'utf8'),
)

const vectorOf = (elements: readonly Words[]) => join(elements.map((e) => Uint32Array.from(e)))
/** Field values with the edges drawn often. */
const word = fc.oneof(
  fc.integer({ min: 0, max: order - 1 }),
  fc.integer({ min: order - 3, max: order - 1 }),
  fc.integer({ min: 0, max: 2 }),
)
const words = (n: number) => fc.array(word, { minLength: n, maxLength: n })

describe('base field', () => {
  it('multiplies as BigInt does', () => {
    fc.assert(
      fc.property(word, word, (a, b) => {
        assert.equal(BigInt(mulMod(a, b)), (BigInt(a) * BigInt(b)) % BigInt(order))
        assert.equal(subMod(addMod(a, b), b), a)
        if (a !== 0) assert.equal(mulMod(a, inverseMod(a)), 1)
      }),
      { numRuns: 2_000 },
    )
  })

  it('takes signed integers and halves', () => {
    assert.equal(toField(-1), order - 1)
    assert.equal(Object.is(toField(-order), 0), true)
    assert.equal(mulMod(halfPower(7), 128), 1)
    assert.throws(() => inverseMod(0), /zero/)
  })

  it('writes words lowest byte first', () => {
    assert.deepEqual([...encodeWords(Uint32Array.of(1, 2 ** 24))], [1, 0, 0, 0, 0, 0, 0, 1])
  })
})

describe('extension field', () => {
  it('agrees with the model', () => {
    for (const { a, b, product, inverse: inverted } of vectors.mul) {
      const x = Uint32Array.from(a)
      assert.deepEqual([...times(x, Uint32Array.from(b))], product)
      if (inverted !== null) assert.deepEqual([...inverse(x)], inverted)
    }
  })

  it('is a field', () => {
    fc.assert(
      fc.property(words(5), words(5), words(5), (a, b, c) => {
        const [x, y, z] = [a, b, c].map((e) => Uint32Array.from(e)) as [Element, Element, Element]
        assert.deepEqual(times(x, plus(y, z)), plus(times(x, y), times(x, z)))
        assert.deepEqual(times(times(x, y), z), times(x, times(y, z)))
        if (x.some((w) => w !== 0)) assert.deepEqual(times(inverse(x), x), element(1))
      }),
      { numRuns: 300 },
    )
  })

  it('inverts in batches', () => {
    const vector = join(vectors.mul.map(({ a }) => Uint32Array.from(a)))
    const inverted = batchInverse(vector)
    for (let i = 0; i < count(vector); i++)
      assert.deepEqual(times(at(vector, i), at(inverted, i)), element(1))
    assert.throws(() => inverse(element(0)), /zero/)
  })
})

describe('multilinear extensions', () => {
  const point = vectorOf(vectors.point)
  const other = vectorOf(vectors.other)

  it('agree with the model', () => {
    assert.deepEqual(eqTable(point), vectorOf(vectors.eqTable))
    const values = join(vectors.values.map((value) => element(value)))
    assert.deepEqual([...evaluate(values, point)], vectors.extension)
    for (const row of vectors.below) {
      assert.deepEqual([...lt(row.n, point)], row.lt)
      assert.deepEqual([...eqBelow(row.n, point, other)], row.eqBelow)
    }
  })

  it('sum what their tables say, for every bound', () => {
    const table = eqTable(point)
    for (let n = 0; n <= 16; n++) {
      let linear = element(0)
      for (let i = 0; i < n; i++) linear = plus(linear, scaled(at(table, i), i))
      assert.deepEqual(ltLin(n, point), linear)
      assert.deepEqual(eqTable(point, n), span(table, 0, n))
      if (n < 16) assert.deepEqual(eqIndex(point, n), at(table, n))
      for (let from = 0; from < n; from++)
        assert.deepEqual(eqRange(point, from, n - from), span(table, from, n))
    }
    assert.deepEqual(eqBelow(16, point, other), eqPoints(point, other))
  })

  it('takes missing values for 0', () => {
    const values = join(vectors.values.slice(0, 11).map((value) => element(value)))
    const padded = join([values, new Uint32Array(25)])
    assert.deepEqual(evaluate(values, point), evaluate(padded, point))
  })
})

describe('transform', () => {
  it('agrees with the model', () => {
    for (const { message, size, values } of vectors.ntt) {
      const out = new Uint32Array(size)
      evaluateOnDomain(domainOf(size), Uint32Array.from(message), out)
      assert.deepEqual([...out], values)
    }
  })

  it('evaluates at powers of the root, for any number of coefficients', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), words(40), (length, pool) => {
        const message = Uint32Array.from(pool.slice(0, length))
        const out = new Uint32Array(128 + 3)
        evaluateOnDomain(domainOf(128), message, out, 3)
        const x = rootOfUnity(128)
        let power = 1
        for (let i = 0; i < 128; i++) {
          let value = 0
          for (const c of message.toReversed()) value = addMod(mulMod(value, power), c)
          assert.equal(out[3 + i], value)
          power = mulMod(power, x)
        }
      }),
      { numRuns: 30 },
    )
  })
})
