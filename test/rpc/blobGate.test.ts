import assert from 'node:assert/strict'
import { privateKeyToAccount } from 'viem/accounts'
import { describe, it } from 'vitest'
import { moduleAddresses } from '../../params/protocol.ts'
import type { Address } from '../../primitives/address.ts'
import { decodeTicket, encodeTicket, ticketText } from '../../primitives/downloadTicket.ts'
import { jobIdOf } from '../../registry/job.ts'
import { openJob, totalFee } from '../../registry/jobBook.ts'
import { registerModel } from '../../registry/models.ts'
import { buyModel, setModelTerms } from '../../registry/modelTerms.ts'
import { createBlobGate } from '../../rpc/blobGate.ts'
import { digest, jobOf, startedWorld, testParams } from '../registry/world.ts'

const now = 1_000_000
const blob = digest('weights')
const keys = [1, 2].map((n) => privateKeyToAccount(`0x${String(n).padStart(64, '0')}`))
const [owner, buyer] = keys.map(({ address }) => address.toLowerCase() as Address) as [
  Address,
  Address,
]

/** A finished job whose owner asks 100 wei, and the gate before its weights. */
async function setUp() {
  const world = await startedWorld([1_000n])
  const job = jobOf({ owner })
  const model = jobIdOf(job)
  const wei = totalFee(job, testParams) + testParams.openFee
  world.mint(moduleAddresses.jobs, wei)
  assert.ok((await openJob(world, testParams, job, wei, 1n)).ok)
  const made = { job: model, dataset: job.dataset, owner, weights: blob, commitment: blob }
  await registerModel(world, { ...made, height: 9n, parent: null })
  const gate = createBlobGate({
    chainId: 7,
    world: async () => world,
    index: { jobOfWeights: async (of) => (of === blob ? model : null) },
    clock: { now: () => now * 1_000 },
  })
  const price = (wei: bigint) =>
    setModelTerms(world, model, { price: wei, royaltyBasisPoints: 0, licence: '' }, owner)
  const buy = async () => {
    world.mint(moduleAddresses.registry, 100n)
    return buyModel(world, model, buyer, 100n)
  }
  return { world, model, gate, price, buy }
}

async function ticketOf(which: 0 | 1, until = now + 60, of = blob, chainId = 7): Promise<string> {
  const account = keys[which]!
  const signature = await account.signMessage({ message: ticketText(chainId, of, until) })
  return encodeTicket({ account: account.address.toLowerCase() as Address, until, signature })
}

describe('the gate before blobs', () => {
  it('is open for other blobs and for free models', async () => {
    const { gate } = await setUp()
    assert.deepEqual(await gate(digest('rows'), null), { ok: true, value: 'open' })
    assert.deepEqual(await gate(blob, null), { ok: true, value: 'open' })
  })

  it('asks a price until it is paid, to the wei, once', async () => {
    const { world, model, gate, price, buy } = await setUp()
    assert.equal((await buyModel(world, model, buyer, 0n)).ok, false)
    await price(100n)
    assert.equal((await buyModel(world, model, buyer, 99n)).ok, false)
    assert.equal((await buyModel(world, digest('none'), buyer, 100n)).ok, false)
    const without = await gate(blob, null)
    assert.ok(!without.ok && without.fault.code === 'rpc/payment' && without.fault.price === 100n)
    assert.equal((await gate(blob, await ticketOf(1))).ok, false)
    assert.ok((await buy()).ok)
    assert.equal(world.balances.get(owner), 100n)
    assert.deepEqual(await gate(blob, await ticketOf(1)), { ok: true, value: 'bought' })
    const again = await buy()
    assert.ok(!again.ok && again.fault.code === 'registry/alreadyBought')
  })

  it('lets the owner in, and refuses tickets that are old, long, for something else or forged', async () => {
    const { gate, price, buy } = await setUp()
    await price(100n)
    await buy()
    assert.equal((await gate(blob, await ticketOf(0))).ok, true)
    const forged = (await ticketOf(1)).replace(/..(?=.{64}$)/, (two) =>
      two === '00' ? '11' : '00',
    )
    const borrowed = (await ticketOf(0)).replace(owner, buyer)
    for (const [why, ticket] of [
      ['old', await ticketOf(1, now - 1)],
      ['long', await ticketOf(1, now + 3_601)],
      ['other blob', await ticketOf(1, now + 60, digest('other'))],
      ['other chain', await ticketOf(1, now + 60, blob, 8)],
      ['forged', forged],
      ['signed by another', borrowed],
      ['malformed', 'let me in'],
    ] as const)
      assert.equal((await gate(blob, ticket)).ok, false, why)
  })

  it('reads back what it writes', async () => {
    const ticket = decodeTicket(await ticketOf(1))
    assert.ok(ticket.ok)
    assert.equal(encodeTicket(ticket.value), await ticketOf(1))
    assert.equal(decodeTicket(`${await ticketOf(1)}0`).ok, false)
  })
})
