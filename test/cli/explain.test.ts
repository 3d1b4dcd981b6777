/** What penalties and additions to a stake are explained by, on the node's own chain. */
import assert from 'node:assert/strict'
import { type Abi, encodeFunctionData } from 'viem'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { paymentHistory } from '../../cli/paymentHistory.ts'
import type { Payment } from '../../cli/payments.ts'
import { connect, type Node } from '../../cli/rpc.ts'
import { moduleAddresses } from '../../params/protocol.ts'
import { type Address, addressOfKey } from '../../primitives/address.ts'
import { weiPerCoin, weiPerGwei } from '../../primitives/brand.ts'
import type { Hash } from '../../primitives/hash.ts'
import { ok } from '../../primitives/result.ts'
import { slash } from '../../registry/slashing.ts'
import { jobsAbi } from '../../vm/modules/jobsAbi.ts'
import { registryAbi } from '../../vm/modules/registry.ts'
import { stakingAbi } from '../../vm/modules/stakingAbi.ts'
import {
  advance,
  alice,
  bob,
  hashText,
  keyOf,
  signed,
  validatorAddresses,
} from '../chain/support.ts'
import { openTestNode, type TestNode } from '../rpc/testNode.ts'

const jobs = { address: moduleAddresses.jobs, abi: jobsAbi } as const
const registry = { address: moduleAddresses.registry, abi: registryAbi } as const
const staking = { address: moduleAddresses.staking, abi: stakingAbi } as const
const firstStake = 32_000_000_000n
const v0 = keyOf('v0')
const root = hashText('rows')
/** Proven, of two leases; the first certificate makes its rows and weights something to keep. */
const spec = {
  proofKind: 1,
  dataset: root,
  layers: [4, 3, 2],
  batch: 4,
  steps: 4,
  leaseSteps: 2,
  fractionBits: 16,
  forwardShifts: [4, 4],
  schedule: [{ fromStep: 0, updateShifts: [4, 4], backwardShifts: [4] }],
  initBound: 16,
  pricePerMac: 1_000_000n,
  heldOut: { dataset: root, rows: 0 },
} as const

let test: TestNode
let node: Node
beforeAll(async () => {
  test = await openTestNode({
    params: { challengeInterval: 2, challengeBlocks: 4 },
    applyEvidence: async (world, _params, height) => {
      const offence = { name: hashText('two votes'), validator: validatorAddresses[1]!, height }
      const slashed = await slash(world, offence, height)
      return slashed.ok ? ok(null) : slashed
    },
  })
  node = await connect(`http://127.0.0.1:${test.running.port}`)
})
afterAll(() => test.stop())

type Called = { readonly address: Address; readonly abi: Abi; readonly functionName: string }

async function send(
  key: Uint8Array,
  { address, ...call }: Called & { readonly args?: readonly unknown[] },
  value = 0n,
): Promise<void> {
  const data = encodeFunctionData(call)
  const transaction = signed(test.engine, key, { to: address, data, value, gasLimit: 5_000_000n })
  const { outcome } = await advance(test.chain, [transaction])
  assert.equal(outcome.transactions.length, 1)
  const { status } = await node.client.getTransactionReceipt({ hash: transaction.hash })
  assert.equal(status, 'success', call.functionName)
}

async function startJob(): Promise<void> {
  const rows = [root, 'rows', hashText('blob'), 100, 4, 2]
  await send(alice, { ...registry, functionName: 'registerDataset', args: rows })
  const asked = { ...jobs, args: [spec], account: addressOfKey(alice) } as const
  const [escrow, openFee] = await node.client.readContract({ ...asked, functionName: 'quote' })
  await send(alice, { ...jobs, functionName: 'open', args: [spec] }, escrow + openFee)
  const { items } = await node.call<{ items: readonly { id: Hash }[] }>('train_listJobs')
  const [{ id }] = items as [{ id: Hash }]
  const lease = async () =>
    (await node.call<readonly { holder: Address | null }[]>('train_listLeases', { job: id }))[0]
  while (((await lease())?.holder ?? null) === null) await advance(test.chain)
  const { holder } = (await lease())!
  const worker = ['v0', 'v1'].find((_, i) => validatorAddresses[i] === holder)!
  const claim = [id, 0, hashText('first'), hashText('after'), hashText('weights')]
  const args = [...claim, [5n, 5n], 3n, hashText('sidecar')]
  await send(keyOf(worker), { ...jobs, functionName: 'certify', args })
}

const stakeOf = async (validator: Address) => {
  const asked = { ...staking, functionName: 'validator', args: [validator] } as const
  return BigInt((await node.client.readContract(asked)).stake)
}
const sum = (payments: readonly Payment[], kind: Payment['kind']) =>
  payments.filter((payment) => payment.kind === kind).reduce((all, { wei }) => all + wei, 0n)

describe('what is explained of a stake', () => {
  it('is all that was added, and each penalty that the chain itself took, to the wei', async () => {
    for (const address of validatorAddresses)
      await advance(test.chain, [
        signed(test.engine, bob, { to: address, value: 10n ** 19n, gasLimit: 21_000n }),
      ])
    const added = 1_234_567_890n
    await send(v0, { ...staking, functionName: 'bond' }, added * weiPerGwei)
    await startJob()
    // Nobody is there to answer: each challenge is missed after four blocks.
    for (let i = 0; i < 24; i++) await advance(test.chain)

    const entrusted = 10n * weiPerCoin
    const [, guilty] = validatorAddresses as [Address, Address]
    await send(bob, { ...staking, functionName: 'delegate', args: [guilty] }, entrusted)
    await advance(test.chain, [], [Uint8Array.of(1)])

    const to = test.chain.head().height
    let penalties = 0
    for (const [i, address] of validatorAddresses.entries()) {
      const payments = await paymentHistory(node, address, { from: 1n, to })
      const put = i === 0 ? added : 0n
      assert.equal(sum(payments, 'stake'), -put * weiPerGwei)
      const taken = sum(payments, 'penalty') + sum(payments, 'slash')
      const stake = firstStake + put + taken / weiPerGwei
      assert.equal(await stakeOf(address), stake)
      penalties += payments.filter(({ kind }) => kind === 'penalty').length
      for (const { why, block } of payments.filter(({ kind }) => kind === 'penalty')) {
        assert.match(why, /^did not show in time what it keeps/)
        const upTo = await paymentHistory(node, address, { from: block, to: block })
        assert.equal(upTo.filter(({ kind }) => kind === 'penalty').length, 1)
      }
    }
    assert.ok(penalties >= 8, `${penalties} penalties`)
    const [slashed, ...more] = (await paymentHistory(node, guilty, { from: to, to })).filter(
      ({ kind }) => kind === 'slash',
    )
    assert.deepEqual(more, [])
    assert.match(slashed!.why, /^voted twice: a twentieth of its stake, of 2\.\d+ coins with/)
    const stranger = await paymentHistory(node, addressOfKey(bob), { from: 1n, to })
    assert.equal(sum(stranger, 'penalty'), 0n)
  })
})
