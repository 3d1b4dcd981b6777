import assert from 'node:assert/strict'
import { encodeFunctionData, parseAbi } from 'viem'
import { describe, it } from 'vitest'
import type { Candidate } from '../../chain/builder.ts'
import { applyBlock } from '../../chain/transition.ts'
import { moduleAddresses } from '../../params/protocol.ts'
import { addressOfKey } from '../../primitives/address.ts'
import type { NativeModule } from '../../vm/nativeModule.ts'
import { creation } from '../vm/contracts.ts'
import {
  advance,
  alice,
  bob,
  openTestChain,
  requestOf,
  show,
  signed,
  stoppedClock,
} from './support.ts'

const to = addressOfKey(bob)

/** A module in the place of `Jobs` whose `certify` accepts even numbers only. */
const certifyAbi = parseAbi([
  'function certify(uint256 claim)',
  'error Delegated()',
  'error Malformed()',
  'error ReadOnly()',
  'error NotPayable()',
  'error Odd(uint256 claim)',
])

const certifier: NativeModule = {
  name: 'Jobs',
  address: moduleAddresses.jobs,
  abi: certifyAbi,
  call: async ({ args, world }) => {
    const [claim] = args as [bigint]
    await world.jobs.put(0n, claim)
    return claim % 2n === 0n
      ? { ok: true, outputs: [] }
      : { ok: false, errorName: 'Odd', args: [claim] }
  },
}

/** The same behaviour, but the chain does not see that it certifies. */
const blindCertifier: NativeModule = {
  ...certifier,
  abi: [...parseAbi(['function certify()']), ...certifyAbi],
}

const certifyData = (claim: bigint) =>
  encodeFunctionData({ abi: certifyAbi, functionName: 'certify', args: [claim] })

const certify = { to: moduleAddresses.jobs, gasLimit: 200_000n }

describe('the builder', () => {
  it('leaves out what cannot run and says why', async () => {
    const { chain, engine } = await openTestChain({ params: { blockGasLimit: 5_000_000 } })
    const good = signed(engine, alice, { to, value: 1n, nonce: 0n })
    const cases = [
      [signed(engine, alice, { to, nonce: 7n }), 'transaction/nonce'],
      [signed(engine, alice, { to, nonce: 0n, gasLimit: 5_000_001n }), 'transaction/blockGas'],
      [signed(engine, bob, { to, nonce: 0n, value: 10n ** 30n }), 'transaction/balance'],
      [signed(engine, bob, { to, nonce: 0n, maxFeePerGas: 1n, tip: 1n }), 'transaction/fee'],
    ] as const
    const { outcome, skipped } = await advance(chain, [...cases.map(([tx]) => tx), good])
    assert.deepEqual(
      outcome.transactions.map(({ hash }) => hash),
      [good.hash],
    )
    assert.deepEqual(
      skipped.map(({ hash, fault }) => [hash, fault.code]),
      cases.map(([{ hash }, code]) => [hash, code]),
    )
  })

  it('seals what an independent execution finds, node for node', async () => {
    const a = await openTestChain()
    const b = await openTestChain()
    const transactions = [
      signed(a.engine, alice, { data: creation('5f355f5560015f5260205ff3') }),
      signed(a.engine, bob, { to, value: 3n }),
    ]
    const built = await a.chain.build(
      await requestOf(
        a.chain,
        transactions.map((transaction) => ({ transaction })),
      ),
      stoppedClock,
    )
    assert.ok(built.ok, show(built))
    const judged = await applyBlock(b.chain.head(), built.value.envelope, b.rules)
    assert.ok(judged.ok, show(judged))
    assert.deepEqual(judged.value.receipts, built.value.outcome.receipts)
    const sorted = (nodes: ReadonlyMap<string, Uint8Array>) => [...nodes].sort()
    assert.deepEqual(sorted(judged.value.nodes), sorted(built.value.outcome.nodes))
    assert.equal(judged.value.envelopeHash, built.value.envelopeHash)
  })

  it('leaves out a certificate that reverts, and nothing of it stays', async () => {
    const { chain, engine } = await openTestChain({ modules: [certifier] })
    const even = signed(engine, alice, { ...certify, data: certifyData(2n) })
    const odd = signed(engine, bob, { ...certify, data: certifyData(3n) })
    const { outcome, skipped } = await advance(chain, [even, odd])
    assert.deepEqual(
      outcome.transactions.map(({ hash }) => hash),
      [even.hash],
    )
    assert.deepEqual(skipped, [{ hash: odd.hash, fault: { code: 'build/certifyReverted' } }])
    const reader = (await chain.readAt(1n))!
    assert.equal(await reader.world.jobs.get(0n), 2n)
    assert.equal((await reader.account(to)).nonce, 0n)
  })

  it('makes no valid block with a certificate that reverts', async () => {
    const honest = await openTestChain({ modules: [certifier] })
    const blind = await openTestChain({ modules: [blindCertifier] })
    const odd = signed(blind.engine, bob, { ...certify, data: certifyData(3n) })
    const { envelope, outcome } = await advance(blind.chain, [odd])
    assert.equal(outcome.receipts[0]!.succeeded, false)
    const judged = await honest.chain.judge(envelope)
    assert.deepEqual(judged, {
      ok: false,
      fault: { code: 'block/certifyReverted', index: 0, transaction: odd.hash },
    })
  })

  it('never packs a transaction that alone takes longer than the budget', async () => {
    const { chain, engine, rules } = await openTestChain({ params: { executionBudgetMs: 60 } })
    const { outcome } = await advance(chain, [signed(engine, alice, { data: creation('5b5f56') })])
    const endless = outcome.receipts[0]!.contractAddress!
    let time = 0
    const clock = { now: () => time++ }
    const candidates: Candidate[] = [
      { transaction: signed(engine, alice, { to, value: 1n }) },
      { transaction: signed(engine, bob, { to: endless, gasLimit: 16_000_000n }) },
    ]
    const built = await chain.build(await requestOf(chain, candidates), clock)
    assert.ok(built.ok, show(built))
    assert.deepEqual(built.value.skipped, [
      { hash: candidates[1]!.transaction.hash, fault: { code: 'build/slow', budgetMs: 60 } },
    ])
    assert.equal(built.value.outcome.gasUsed, 21_000n)
    const judged = await applyBlock(chain.head(), built.value.envelope, rules)
    assert.ok(judged.ok, show(judged))
    // A voter with too little time says so at once, too.
    const late = await advanceInto(chain, engine, endless)
    const verdict = await applyBlock(chain.head(), late, rules, deadlineAfter(30))
    assert.deepEqual(verdict, { ok: false, fault: { code: 'block/slow', index: 0 } })
  })

  it('packs the others all the same when a slow transaction offers the most', async () => {
    const { chain, engine } = await openTestChain({ params: { executionBudgetMs: 60 } })
    const { outcome } = await advance(chain, [signed(engine, alice, { data: creation('5b5f56') })])
    const endless = outcome.receipts[0]!.contractAddress!
    let time = 0
    const clock = { now: () => time++ }
    const slow = (nonce: bigint) =>
      signed(engine, bob, { to: endless, gasLimit: 16_000_000n, nonce, value: 0n })
    const plain = [1n, 2n, 3n].map((nonce) => signed(engine, alice, { to, value: 1n, nonce }))
    const candidates = [slow(0n), slow(1n), ...plain].map((transaction) => ({ transaction }))
    const built = await chain.build(await requestOf(chain, candidates), clock)
    assert.ok(built.ok, show(built))
    assert.deepEqual(
      built.value.skipped.map(({ fault }) => fault.code),
      ['build/slow'],
    )
    assert.equal(built.value.outcome.gasUsed, 63_000n)
  })

  async function advanceInto(
    chain: Awaited<ReturnType<typeof openTestChain>>['chain'],
    engine: Awaited<ReturnType<typeof openTestChain>>['engine'],
    endless: `0x${string}`,
  ): Promise<Uint8Array> {
    const transaction = signed(engine, bob, {
      to: endless as typeof to,
      gasLimit: 1_000_000n,
      nonce: 0n,
    })
    const built = await chain.build(await requestOf(chain, [{ transaction }]), stoppedClock)
    assert.ok(built.ok, show(built))
    assert.equal(built.value.outcome.transactions.length, 1)
    return built.value.envelope
  }

  const deadlineAfter = (asks: number) => {
    let left = asks
    return () => --left < 0
  }

  it('stops packing when its time is over', async () => {
    const { chain, engine } = await openTestChain({ params: { executionBudgetMs: 100 } })
    let time = 0
    const clock = { now: () => time++ }
    const candidates = Array.from({ length: 60 }, () => ({
      transaction: signed(engine, alice, { to, value: 1n }),
    }))
    const built = await chain.build(await requestOf(chain, candidates), clock)
    assert.ok(built.ok, show(built))
    const packed = built.value.outcome.transactions.length
    assert.ok(packed > 5 && packed < 60, `${packed} packed`)
    assert.deepEqual(built.value.skipped, [])
  })

  it('keeps to the bounds on bytes, sidecars and verification', async () => {
    const { chain, engine } = await openTestChain({
      params: { maxBlockBytes: 65_536, maxSidecarBytes: 65_536, maxVerifyMs: 100 },
    })
    const data = `0x${'00'.repeat(20_000)}`
    const cost = { sidecarBytes: 40_000, verifyMs: 60 }
    const candidates: Candidate[] = [
      { transaction: signed(engine, alice, { to, data }) },
      { transaction: signed(engine, alice, { to, data }) },
      { transaction: signed(engine, alice, { to, data }) },
      { transaction: signed(engine, bob, { to }), certificate: cost },
      { transaction: signed(engine, bob, { to }), certificate: cost },
      { transaction: signed(engine, bob, { to }), certificate: { ...cost, sidecarBytes: 1 } },
    ]
    const built = await chain.build(await requestOf(chain, candidates), stoppedClock)
    assert.ok(built.ok, show(built))
    assert.equal(built.value.outcome.transactions.length, 3)
    assert.deepEqual(
      built.value.skipped.map(({ fault }) => fault.code),
      ['build/bytes', 'build/sidecars', 'build/verification'],
    )
    assert.ok(built.value.envelope.length <= 65_536)
  })

  it('refuses to build on a wrong parent commit or at no later time', async () => {
    const { chain } = await openTestChain()
    await advance(chain)
    const request = await requestOf(chain)
    const commitless = await chain.build(
      { ...request, parentCommit: new Uint8Array() },
      stoppedClock,
    )
    assert.ok(!commitless.ok && commitless.fault.code === 'block/parentCommit')
    const timestamp = chain.head().header.timestamp
    const timeless = await chain.build({ ...request, timestamp }, stoppedClock)
    assert.ok(!timeless.ok && timeless.fault.code === 'block/timestamp')
  })
})
