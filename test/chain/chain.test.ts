import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { verifyMerkleStateProof } from '@ethereumjs/statemanager'
import { afterEach, describe, it } from 'vitest'
import { createChain } from '../../chain/chain.ts'
import { envelopeHashOf } from '../../chain/envelope.ts'
import { moduleAddresses } from '../../params/protocol.ts'
import { type Address, addressOfKey } from '../../primitives/address.ts'
import { bytesToUint, fromHex } from '../../primitives/bytes.ts'
import type { Hash } from '../../primitives/hash.ts'
import type { KeyValue } from '../../storage/keyValue.ts'
import { openLevel } from '../../storage/level.ts'
import { openMemory } from '../../storage/memory.ts'
import { openState, stateStore } from '../../vm/stateStore.ts'
import { ethAddress } from '../../vm/worldView.ts'
import { creation } from '../vm/contracts.ts'
import { notebook, notebookAddress, noteData } from '../vm/notebook.ts'
import {
  advance,
  alice,
  bob,
  commitOf,
  hashText,
  openTestChain,
  requestOf,
  show,
  signed,
  stoppedClock,
  testGenesis,
  testRules,
} from './support.ts'

const to = addressOfKey(bob)
const folders: string[] = []

afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true })
})

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'waggle-chain-'))
  folders.push(folder)
  return folder
}

describe('a chain', () => {
  it('starts with the balances of its genesis, and its treasury', async () => {
    const { chain } = await openTestChain()
    const reader = (await chain.readAt(0n))!
    assert.equal((await reader.account(addressOfKey(alice))).balance, 10n ** 21n)
    assert.equal((await reader.account(moduleAddresses.treasury)).balance, 5n * 10n ** 18n)
    assert.deepEqual(await reader.code(moduleAddresses.jobs), Uint8Array.of(0xfe))
    assert.equal((await chain.blockAt(0n))!.hash, chain.genesisHash)
    assert.deepEqual(await chain.receiptsAt(0n), [])
  })

  it('has a hash for each genesis, parameters included', async () => {
    const one = await openTestChain()
    const same = await openTestChain()
    const other = await openTestChain({ params: { proposeTimeoutMs: 1_001 } })
    assert.equal(one.chain.genesisHash, same.chain.genesisHash)
    assert.notEqual(one.chain.genesisHash, other.chain.genesisHash)
  })

  it('refuses the database of another genesis', async () => {
    const store = openMemory()
    await openTestChain({}, store)
    await assert.rejects(openTestChain({ params: { minStake: '1' } }, store), /belongs to genesis/)
  })

  it('finds blocks, transactions, receipts and logs', async () => {
    const { chain, engine } = await openTestChain({ modules: [notebook] })
    const plain = signed(engine, alice, { to, value: 1n })
    const noted = signed(engine, alice, { to: notebookAddress, data: noteData(5n) })
    const again = signed(engine, bob, { to: notebookAddress, data: noteData(6n) })
    const { outcome, envelope, commit } = await advance(chain, [plain, noted, again])
    await advance(chain)
    assert.deepEqual(await chain.placeOf(noted.hash), { height: 1n, index: 1 })
    assert.equal(await chain.placeOf(hashText('none')), null)
    assert.equal(await chain.heightOf(outcome.hash), 1n)
    assert.equal(await chain.heightOf(hashText('none')), null)
    assert.deepEqual(await chain.envelopeAt(1n), envelope)
    assert.deepEqual(await chain.commitAt(1n), commit)
    const block = (await chain.blockAt(1n))!
    assert.equal(block.envelopeHash, envelopeHashOf(envelope))
    assert.equal(block.block.transactions.length, 3)
    assert.deepEqual(await chain.receiptsAt(1n), outcome.receipts)
    const [, author] = outcome.receipts[2]!.logs[0]!.topics
    const find = (addresses: readonly Address[], topics: readonly (readonly Hash[] | null)[]) =>
      chain.history.logBlocks({ addresses, topics }, 0n, 2n, 10)
    assert.deepEqual(await find([notebookAddress], []), [1n])
    assert.deepEqual(await find([], [null, [author!]]), [1n])
    assert.deepEqual(await find([to], []), [])
    assert.deepEqual(await find([], [[hashText('x')]]), [])
    assert.equal(await chain.blockAt(3n), null)
    assert.equal(await chain.readAt(3n), null)
  })

  it('reads and calls on every state it has passed', async () => {
    const { chain, engine } = await openTestChain({ modules: [notebook] })
    await advance(chain, [signed(engine, alice, { to: notebookAddress, data: noteData(5n) })])
    await advance(chain, [signed(engine, alice, { to: notebookAddress, data: noteData(6n) })])
    for (const [height, value] of [0n, 5n, 6n].entries()) {
      const reader = (await chain.readAt(BigInt(height)))!
      assert.equal(await reader.storage(notebookAddress, 1n), value)
      assert.equal(await reader.world.registry.get(1n), value)
    }
  })

  it('proves what it reads', async () => {
    const { chain, engine, store } = await openTestChain({ modules: [notebook] })
    await advance(chain, [signed(engine, alice, { to: notebookAddress, data: noteData(42n) })])
    const proof = await (await chain.readAt(1n))!.proof(notebookAddress, [1n, 77n])
    assert.deepEqual(
      proof.storageProof.map(({ value }) => value),
      ['0x2a', '0x0'],
    )
    const { state } = await openState(engine.common, stateStore(store), chain.head().stateRoot)
    assert.equal(await verifyMerkleStateProof(state, proof), true)
  })

  it('tells its listeners of each block, once', async () => {
    const { chain } = await openTestChain()
    const heard: bigint[] = []
    const stop = chain.onHead(({ head }) => heard.push(head.height))
    const { envelope, commit } = await advance(chain)
    const twice = await chain.commit(envelope, commit)
    assert.ok(twice.ok)
    stop()
    await advance(chain)
    assert.deepEqual(heard, [1n])
  })

  it('commits nothing without a commit of exactly that envelope', async () => {
    const { chain } = await openTestChain()
    const built = await chain.build(await requestOf(chain), stoppedClock)
    const other = await chain.build(
      { ...(await requestOf(chain)), timestamp: 1_900_000_000n },
      stoppedClock,
    )
    assert.ok(built.ok && other.ok)
    const commit = await commitOf(chain, other.value.envelope, 1n)
    const refused = await chain.commit(built.value.envelope, commit)
    assert.deepEqual(refused, {
      ok: false,
      fault: { code: 'block/commit', height: 1n, fault: { code: 'test/commit' } },
    })
    assert.equal(chain.head().height, 0n)
  })

  it('knows the sets of the present and the next epoch, and of the past', async () => {
    const { chain } = await openTestChain()
    for (let i = 0; i < 9; i++) await advance(chain)
    for (const [height, epoch] of [
      [0n, 0],
      [9n, 2],
      [15n, 3],
    ] as const)
      assert.equal((await chain.setAt(height))!.epoch, epoch)
    assert.equal(await chain.setAt(16n), null)
  })

  it('stays at its head when a write fails, and goes on afterwards', async () => {
    const memory = openMemory()
    const disk: { failing: boolean } = { failing: false }
    const store: KeyValue = {
      ...memory,
      batch: async (writes, sync) => {
        if (disk.failing) throw new Error('disk full')
        return memory.batch(writes, sync)
      },
    }
    const { chain } = await openTestChain({}, store)
    await advance(chain)
    disk.failing = true
    await assert.rejects(advance(chain), /disk full/)
    assert.equal(chain.head().height, 1n)
    disk.failing = false
    await advance(chain)
    assert.equal(chain.head().height, 2n)
  })

  it('throws, and does not refuse the block, when the store cannot be read', async () => {
    const memory = openMemory()
    const disk: { failing: boolean } = { failing: false }
    const store: KeyValue = {
      ...memory,
      get: async (key) => {
        if (disk.failing) throw new Error('disk gone')
        return memory.get(key)
      },
    }
    const { envelope } = await advance((await openTestChain()).chain)
    const genesis = testGenesis()
    await createChain(store, genesis, await testRules(genesis))
    const reopened = await createChain(store, genesis, await testRules(genesis))
    disk.failing = true
    await assert.rejects(reopened.judge(envelope), /disk gone|could not be read/)
  })

  it('finds its head, states and history again on disk', async () => {
    const folder = await newFolder()
    const first = await openLevel(folder)
    const before = await openTestChain({ modules: [notebook] }, first)
    const { chain, engine } = before
    const deployed = await advance(chain, [
      signed(engine, alice, { data: creation('5f355f5560015f5260205ff3') }),
      signed(engine, alice, { to: notebookAddress, data: noteData(7n) }),
    ])
    for (let i = 0; i < 4; i++) await advance(chain)
    const head = chain.head()
    await first.close()

    const second = await openLevel(folder)
    const after = await openTestChain({ modules: [notebook] }, second)
    assert.equal(after.chain.head().hash, head.hash)
    assert.equal(after.chain.head().envelopeHash, head.envelopeHash)
    const contract = deployed.outcome.receipts[0]!.contractAddress!
    for (const height of [1n, 5n]) {
      const reader = (await after.chain.readAt(height))!
      assert.equal((await reader.code(contract)).length, 12)
      assert.equal(await reader.storage(notebookAddress, 1n), 7n)
    }
    await advance(after.chain, [
      signed(after.engine, alice, { to: contract, data: `0x${'01'.padStart(64, '0')}`, nonce: 2n }),
    ])
    assert.equal(await (await after.chain.readAt(6n))!.storage(contract, 0n), 1n)
    await second.close()
  })

  it('follows a chain whose every node is read from what was written', async () => {
    const a = await openTestChain({ modules: [notebook] })
    const store = openMemory()
    const b = await openTestChain({ modules: [notebook] }, store)
    for (let i = 0; i < 6; i++) {
      const transactions = [
        signed(a.engine, alice, { to: notebookAddress, data: noteData(BigInt(i)) }),
        signed(a.engine, alice, { to, value: BigInt(i) }),
        signed(a.engine, bob, { data: creation(`60${i.toString().padStart(2, '0')}5f55`) }),
      ]
      const { envelope, commit } = await advance(a.chain, transactions)
      // A fresh chain each time: nothing is remembered but what the batches wrote.
      const genesis = testGenesis()
      const fresh = await createChain(store, genesis, b.rules)
      const committed = await fresh.commit(envelope, commit)
      assert.ok(committed.ok, show(committed))
      assert.equal(committed.value.stateRoot, a.chain.head().stateRoot)
    }
    const { state } = await openState(b.engine.common, stateStore(store), a.chain.head().stateRoot)
    const account = await state.getAccount(ethAddress(addressOfKey(alice)))
    assert.equal(account!.nonce, 12n)
  })
})

describe('imagined calls', () => {
  const request = {
    from: addressOfKey(alice),
    to: null,
    gas: 1_000_000n,
    maxFeePerGas: null,
    maxPriorityFeePerGas: null,
    value: 0n,
    data: new Uint8Array(),
    accessList: null,
  }

  it('count gas like a receipt and change nothing', async () => {
    const { chain, engine } = await openTestChain({ modules: [notebook] })
    const data = noteData(5n)
    const said = await chain.call({ ...request, to: notebookAddress, data: fromHex(data) }, 0n)
    assert.ok(said?.ok)
    assert.equal(said.logs.length, 1)
    const { outcome } = await advance(chain, [signed(engine, alice, { to: notebookAddress, data })])
    assert.equal(said.gasUsed, outcome.gasUsed)
    assert.equal(outcome.receipts[0]!.gasUsed, outcome.gasUsed)
  })

  it('say what was returned with a revert, and what halted', async () => {
    const { chain } = await openTestChain()
    // mstore(0, 7) revert(0, 32)
    const reverting = fromHex('0x60075f5260205ffd')
    const reverted = await chain.call({ ...request, data: reverting }, 0n)
    assert.ok(reverted !== null && !reverted.ok && reverted.kind === 'revert')
    assert.equal(reverted.returnData.at(-1), 7)
    const cases = [
      [{ data: Uint8Array.of(0xfe) }, /invalid opcode/],
      [{ data: fromHex('0x5b5f56') }, /out of gas/],
      [{ gas: 20_000n, to }, /INTRINSIC_GAS/],
      [{ to, value: 10n ** 30n }, /enough funds/],
      [{ data: new Uint8Array(50_000) }, /initcode/],
    ] as const
    for (const [change, reason] of cases) {
      const said = await chain.call({ ...request, ...change }, 0n)
      assert.ok(said !== null && !said.ok && said.kind === 'halt')
      assert.match(said.reason, reason)
    }
  })

  it('may come from a contract', async () => {
    const { chain, engine } = await openTestChain()
    const { outcome } = await advance(chain, [
      signed(engine, alice, { data: creation('335f5260205ff3') }),
    ])
    const contract = outcome.receipts[0]!.contractAddress!
    const said = await chain.call({ ...request, from: contract, to: contract }, 1n)
    assert.ok(said?.ok)
    assert.equal(bytesToUint(said.returnData), BigInt(contract))
  })

  it('stop at their deadline', async () => {
    const { chain } = await openTestChain()
    let asks = 0
    const expired = () => ++asks > 5
    const said = await chain.call({ ...request, data: fromHex('0x5b5f56') }, 0n, expired)
    assert.ok(said !== null && !said.ok)
    assert.match(said.reason, /too long/)
  })

  it('know no state above the head', async () => {
    const { chain } = await openTestChain()
    assert.equal(await chain.call(request, 1n), null)
  })
})
