import assert from 'node:assert/strict'
import { Bloom } from '@ethereumjs/vm'
import fc from 'fast-check'
import { beforeAll, describe, it } from 'vitest'
import { type Address, addressBytes, addressFromBytes } from '../../primitives/address.ts'
import { type Hash, hashBytes, hashFromBytes } from '../../primitives/hash.ts'
import { type Engine, openEngine } from '../../vm/engine.ts'
import { commitReceipts, decodeReceipts, encodeReceipts, type Receipt } from '../../vm/receipts.ts'

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
const address: fc.Arbitrary<Address> = bytes(20).map(addressFromBytes)
const hash: fc.Arbitrary<Hash> = bytes(32).map(hashFromBytes)

const plain = { noNullPrototype: true } as const

const receipt: fc.Arbitrary<Receipt> = fc.record(
  {
    type: fc.constantFrom(0, 1, 2, 4),
    succeeded: fc.boolean(),
    gasUsed: fc.bigInt({ min: 21_000n, max: 2n ** 64n - 1n }),
    cumulativeGasUsed: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    effectiveGasPrice: fc.bigInt({ min: 0n, max: 2n ** 256n - 1n }),
    contractAddress: fc.option(address),
    logs: fc.array(
      fc.record(
        {
          address,
          topics: fc.array(hash, { maxLength: 4 }),
          data: fc.uint8Array({ maxLength: 100 }),
        },
        plain,
      ),
      { maxLength: 3 },
    ),
  },
  plain,
)

describe('receipts', () => {
  let engine: Engine

  beforeAll(async () => {
    engine = await openEngine(1, [])
  })

  it('come back from the store as they were', () => {
    fc.assert(
      fc.property(fc.array(receipt, { maxLength: 5 }), (receipts) => {
        assert.deepEqual(decodeReceipts(encodeReceipts(receipts)), { ok: true, value: receipts })
      }),
    )
  })

  it('of any bytes get a verdict', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (noise) => {
        const decoded = decodeReceipts(noise)
        if (decoded.ok) assert.deepEqual(encodeReceipts(decoded.value), noise)
      }),
    )
  })

  it('set the bloom of every address and topic', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(receipt, { minLength: 1, maxLength: 3 }), async (receipts) => {
        const { bloom } = await commitReceipts(engine, receipts)
        const filter = new Bloom(bloom, engine.common)
        for (const { logs } of receipts)
          for (const log of logs) {
            assert.ok(filter.check(addressBytes(log.address)))
            for (const topic of log.topics) assert.ok(filter.check(hashBytes(topic)))
          }
      }),
      { numRuns: 20 },
    )
  })

  it('of an empty block have the root of the empty trie', async () => {
    const { root, bloom } = await commitReceipts(engine, [])
    assert.equal(root, '0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421')
    assert.deepEqual(bloom, new Uint8Array(256))
  })
})
