import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'vitest'
import { order } from '../../proof/babyBear.ts'
import { packedLength, packWords, unpackWords } from '../../proof/packing.ts'

const word = fc.oneof(
  fc.integer({ min: 0, max: order - 1 }),
  fc.constantFrom(0, 1, order - 1, 2 ** 30),
)
const words = fc.array(word, { maxLength: 40 }).map((values) => Uint32Array.from(values))

describe('packed words', () => {
  it('are the bits of the words, lowest first', () => {
    fc.assert(
      fc.property(words, (values) => {
        const bytes = packWords(values)
        assert.equal(bytes.length, packedLength(values.length))
        const whole = [...values].reduceRight((sum, value) => (sum << 31n) | BigInt(value), 0n)
        const expected = Array.from(bytes, (_, i) => Number((whole >> BigInt(8 * i)) & 255n))
        assert.deepEqual([...bytes], expected)
        assert.deepEqual(unpackWords(bytes, values.length), { words: values })
      }),
    )
  })

  it('are refused when a word is not canonical or the last bits are not zero', () => {
    fc.assert(
      fc.property(
        words,
        fc.nat(),
        fc.integer({ min: order, max: 2 ** 31 - 1 }),
        (values, n, bad) => {
          if (values.length === 0) return
          const at = n % values.length
          const changed = Uint32Array.from(values)
          changed[at] = bad
          assert.deepEqual(unpackWords(packWords(changed), values.length), { badWord: at })
          const spare = 8 * packedLength(values.length) - 31 * values.length
          if (spare === 0) return
          const bytes = packWords(values)
          bytes[bytes.length - 1] = bytes.at(-1)! | 0x80
          assert.deepEqual(unpackWords(bytes, values.length), { badWord: values.length })
        },
      ),
    )
  })
})
