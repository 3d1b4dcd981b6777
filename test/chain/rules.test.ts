import assert from 'node:assert/strict'
import {
  type BlockData,
  createBlock,
  genTransactionsTrieRoot,
  genWithdrawalsTrieRoot,
  type HeaderData,
} from '@ethereumjs/block'
import { RLP } from '@ethereumjs/rlp'
import { createLegacyTx } from '@ethereumjs/tx'
import { createWithdrawal } from '@ethereumjs/util'
import fc from 'fast-check'
import { beforeAll, describe, it } from 'vitest'
import type { BlockFault } from '../../chain/blockFault.ts'
import { decodeEnvelope, type Envelope, encodeEnvelope } from '../../chain/envelope.ts'
import { applyBlock } from '../../chain/transition.ts'
import { addressOfKey } from '../../primitives/address.ts'
import {
  advance,
  alice,
  bob,
  openTestChain,
  requestOf,
  show,
  signed,
  stoppedClock,
  type TestChain,
} from './support.ts'

const ones = (length: number) => new Uint8Array(length).fill(1)

describe('the rules of a block', () => {
  let test: TestChain
  let good: Envelope

  beforeAll(async () => {
    test = await openTestChain()
    await advance(test.chain)
    const { engine, chain } = test
    const transaction = signed(engine, alice, { to: addressOfKey(bob), value: 1n })
    const built = await chain.build(await requestOf(chain, [{ transaction }]), stoppedClock)
    assert.ok(built.ok, show(built))
    const decoded = decodeEnvelope(built.value.envelope)
    assert.ok(decoded.ok)
    good = decoded.value
  })

  const judge = (envelope: Partial<Envelope>) =>
    applyBlock(test.chain.head(), encodeEnvelope({ ...good, ...envelope }), test.rules)

  /** The good block with other fields, encoded. */
  function blockWith(header: HeaderData, body: Partial<BlockData> = {}): Uint8Array {
    const { common } = test.engine
    const options = { common, skipConsensusFormatValidation: true }
    const block = createBlock(readGood(), options)
    const data = { ...block, ...body, header: { ...block.header, ...header } } as BlockData
    return createBlock(data, options).serialize()
  }

  function readGood(): BlockData {
    const [header, transactions, , withdrawals] = RLP.decode(good.block) as [
      Uint8Array[],
      Uint8Array[],
      unknown,
      Uint8Array[][],
    ]
    const names = [
      'parentHash',
      'uncleHash',
      'coinbase',
      'stateRoot',
      'transactionsTrie',
      'receiptTrie',
      'logsBloom',
      'difficulty',
      'number',
      'gasLimit',
      'gasUsed',
      'timestamp',
      'extraData',
      'mixHash',
      'nonce',
      'baseFeePerGas',
      'withdrawalsRoot',
      'blobGasUsed',
      'excessBlobGas',
      'parentBeaconBlockRoot',
      'requestsHash',
    ]
    assert.equal(withdrawals.length, 0)
    assert.equal(transactions.length, 1)
    return {
      header: Object.fromEntries(names.map((name, i) => [name, header[i]])),
      transactions: [built()],
      withdrawals: [],
    }
  }

  const built = () => transactionOf(0n)
  const transactionOf = (nonce: bigint, maxFeePerGas?: bigint) =>
    signed(test.engine, alice, { to: addressOfKey(bob), value: 1n, nonce, maxFeePerGas }).tx

  it('lets the unchanged block pass', async () => {
    assert.deepEqual(blockWith({}), good.block)
    const judged = await judge({})
    assert.ok(judged.ok, show(judged))
  })

  const headers: readonly (readonly [BlockFault['code'], HeaderData])[] = [
    ['block/parentHash', { parentHash: ones(32) }],
    ['block/number', { number: 3n }],
    ['block/timestamp', { timestamp: 1_800_000_001n }],
    ['block/timestamp', { timestamp: 0n }],
    ['block/gasLimit', { gasLimit: 30_000_001n }],
    ['block/baseFee', { baseFeePerGas: 1n }],
    ['block/excessBlobGas', { excessBlobGas: 1n }],
    ['block/blobGasUsed', { blobGasUsed: 131_072n }],
    ['block/extraData', { extraData: ones(33) }],
    ['block/difficulty', { difficulty: 1n }],
    ['block/nonce', { nonce: ones(8) }],
    ['block/requestsHash', { requestsHash: ones(32) }],
    ['block/uncles', { uncleHash: ones(32) }],
    ['block/transactionsRoot', { transactionsTrie: ones(32) }],
    ['block/withdrawalsRoot', { withdrawalsRoot: ones(32) }],
    ['block/coinbase', { coinbase: ones(20) }],
    ['block/mixHash', { mixHash: ones(32) }],
    ['block/beaconRoot', { parentBeaconBlockRoot: ones(32) }],
    ['block/gasUsed', { gasUsed: 21_001n }],
    ['block/receiptsRoot', { receiptTrie: ones(32) }],
    ['block/bloom', { logsBloom: ones(256) }],
    ['block/stateRoot', { stateRoot: ones(32) }],
  ]

  for (const [code, header] of headers)
    it(`${code}: ${Object.keys(header)[0]} ${Object.values(header)[0]}`.slice(0, 60), async () => {
      const judged = await judge({ block: blockWith(header) })
      assert.ok(!judged.ok)
      assert.equal(judged.fault.code, code, show(judged))
    })

  it('extraData of 32 bytes passes', async () => {
    const judged = await judge({ block: blockWith({ extraData: ones(32) }) })
    assert.ok(judged.ok, show(judged))
  })

  async function refuses(
    code: BlockFault['code'],
    envelope: Partial<Envelope>,
  ): Promise<BlockFault> {
    const judged = await judge(envelope)
    assert.ok(!judged.ok)
    assert.equal(judged.fault.code, code, show(judged))
    return judged.fault
  }

  it('block/parentCommit: not a commit of the parent', async () => {
    await refuses('block/parentCommit', { parentCommit: ones(200) })
    await refuses('block/parentCommit', { parentCommit: new Uint8Array() })
  })

  it('block/reveal: not the proposer’s', () => refuses('block/reveal', { reveal: ones(96) }))

  it('block/evidence: what the judge of evidence refuses', async () => {
    const fault = await refuses('block/evidence', { evidence: [ones(10)] })
    assert.deepEqual(fault, { code: 'block/evidence', index: 0, fault: { code: 'test/evidence' } })
  })

  it('block/withdrawals: more than the registry mints', async () => {
    const withdrawal = createWithdrawal({
      index: 0n,
      validatorIndex: 0n,
      address: addressOfKey(alice),
      amount: 1n,
    })
    const withdrawalsRoot = await genWithdrawalsTrieRoot([withdrawal])
    const block = blockWith({ withdrawalsRoot }, { withdrawals: [withdrawal] })
    const fault = await refuses('block/withdrawals', { block })
    assert.deepEqual(fault, { code: 'block/withdrawals', index: 0, expected: 0 })
  })

  async function withTransactions(transactions: BlockData['transactions']): Promise<Uint8Array> {
    const options = { common: test.engine.common, skipConsensusFormatValidation: true }
    const block = createBlock({ transactions: transactions! }, options)
    const transactionsTrie = await genTransactionsTrieRoot(block.transactions)
    return blockWith({ transactionsTrie }, { transactions: transactions! })
  }

  const legacy = (gasPrice: bigint, gasLimit: bigint) =>
    createLegacyTx(
      { nonce: 0n, gasPrice, gasLimit, to: addressOfKey(bob) },
      { common: test.engine.common },
    ).sign(alice)

  it('block/transaction: wrong nonce, no funds, fee below the base fee', async () => {
    const cases = [
      ['transaction/nonce', transactionOf(5n)],
      ['transaction/nonce', transactionOf(0n), transactionOf(0n)],
      ['transaction/balance', transactionOf(0n, 10n ** 18n)],
      ['transaction/fee', legacy(1n, 21_000n)],
      ['transaction/intrinsicGas', legacy(10n ** 10n, 20_000n)],
    ] as const
    for (const [code, ...transactions] of cases) {
      const block = await withTransactions([...transactions])
      const fault = await refuses('block/transaction', { block })
      assert.ok(fault.code === 'block/transaction')
      assert.equal(fault.fault.code, code)
      assert.equal(fault.index, transactions.length - 1)
    }
  })

  it('block/slow: only when the deadline of the caller says so', async () => {
    const judged = await applyBlock(test.chain.head(), encodeEnvelope(good), test.rules, () => true)
    assert.deepEqual(judged, { ok: false, fault: { code: 'block/slow', index: 0 } })
  })

  it('block/encoding and block/malformed: not the one encoding of a block', async () => {
    await refuses('block/malformed', { block: Uint8Array.from([...good.block, 0]) })
    await refuses('block/malformed', { block: new Uint8Array() })
    const [header, ...body] = RLP.decode(good.block) as [Uint8Array[], ...Uint8Array[]]
    const padded = header.map((field, i) => (i === 8 ? Uint8Array.from([0, ...field]) : field))
    await refuses('block/encoding', { block: RLP.encode([padded, ...body]) })
  })

  it('block/uncles: any at all', async () => {
    const [header, transactions, , withdrawals] = RLP.decode(good.block) as Uint8Array[]
    await refuses('block/uncles', {
      block: RLP.encode([header!, transactions!, [header!], withdrawals!]),
    })
  })

  it('block/size: above the chain’s bound', async () => {
    const fault = await refuses('block/size', { block: new Uint8Array(2_097_153) })
    assert.deepEqual(fault, { code: 'block/size', max: 2_097_152, got: 2_097_153 })
  })

  it('gives any bytes a verdict', async () => {
    const head = test.chain.head()
    const bytes = encodeEnvelope(good)
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (noise) => {
        assert.ok(!(await applyBlock(head, noise, test.rules)).ok)
      }),
      { numRuns: 50 },
    )
    await fc.assert(
      fc.asyncProperty(
        fc.nat(bytes.length - 1),
        fc.integer({ min: 1, max: 255 }),
        async (at, flip) => {
          const changed = Uint8Array.from(bytes)
          changed[at]! ^= flip
          const verdict = await applyBlock(head, changed, test.rules)
          if (!verdict.ok) return
          // What a proposer may choose freely: the empty extra data 0x80 becomes one byte, 0x00.
          assert.notEqual(verdict.value.block.header.extraData.length, 0, `byte ${at}`)
        },
      ),
      { numRuns: 150, examples: [[470, 128]] },
    )
  })
})
