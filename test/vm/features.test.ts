import assert from 'node:assert/strict'
import { createEOACode7702Tx } from '@ethereumjs/tx'
import { eoaCode7702SignAuthorization } from '@ethereumjs/util'
import { beforeAll, describe, it } from 'vitest'
import type { Chain } from '../../chain/chain.ts'
import { type Address, addressOfKey } from '../../primitives/address.ts'
import { bytesToUint, fromHex, toHex, uintBytes } from '../../primitives/bytes.ts'
import type { Engine } from '../../vm/engine.ts'
import { beaconRootsContract, historyContract } from '../../vm/systemContracts.ts'
import { decodeTransaction, type Transaction } from '../../vm/transaction.ts'
import { advance, alice, bob, keyOf, openTestChain, show, signed } from '../chain/support.ts'
import { creation } from './contracts.ts'
import { notebook, notebookAddress, noteData } from './notebook.ts'

describe('what contracts see of the chain', () => {
  let chain: Chain
  let engine: Engine

  beforeAll(async () => {
    const test = await openTestChain({ modules: [notebook] })
    chain = test.chain
    engine = test.engine
    for (let i = 0; i < 5; i++) await advance(chain)
  })

  async function ask(to: Address | null, data: string, height = chain.head().height) {
    const said = await chain.call(
      {
        from: addressOfKey(alice),
        to,
        gas: 1_000_000n,
        maxFeePerGas: null,
        maxPriorityFeePerGas: null,
        value: 0n,
        data: fromHex(data),
        accessList: null,
      },
      height,
    )
    assert.ok(said !== null)
    return said
  }

  async function run(code: string, height?: bigint): Promise<bigint> {
    const said = await ask(null, `0x${code}5f5260205ff3`, height)
    assert.ok(
      said.ok,
      JSON.stringify(said, (_, v) => `${v}`),
    )
    return bytesToUint(said.returnData)
  }

  it('reads the consensus commitments of recent blocks (EIP-4788)', async () => {
    for (const height of [1n, 4n, 5n]) {
      const { header } = (await chain.stateAt(height))!
      const time = toHex(uintBytes(header.timestamp, 32))
      const said = await ask(beaconRootsContract, time)
      assert.ok(said.ok)
      assert.equal(toHex(said.returnData), toHex(header.parentBeaconBlockRoot!))
    }
    assert.equal((await ask(beaconRootsContract, toHex(uintBytes(1n, 32)))).ok, false)
  })

  it('reads the hashes of past blocks, by contract and by opcode (EIP-2935)', async () => {
    for (const height of [0n, 3n]) {
      const { hash } = (await chain.stateAt(height))!
      const said = await ask(historyContract, toHex(uintBytes(height, 32)))
      assert.ok(said.ok)
      assert.equal(toHex(said.returnData), hash)
      assert.equal(await run(`60${height.toString(16).padStart(2, '0')}40`), BigInt(hash))
    }
    assert.equal(await run('600540'), 0n)
    assert.equal(await run('600640'), 0n)
  })

  it('reads randomness, time, number, proposer and chain id', async () => {
    const { header } = (await chain.stateAt(3n))!
    assert.equal(await run('44', 3n), bytesToUint(header.mixHash))
    assert.equal(await run('42', 3n), header.timestamp)
    assert.equal(await run('43', 3n), 3n)
    assert.equal(await run('41', 3n), BigInt(header.coinbase.toString()))
    assert.equal(await run('46'), 57_005n)
  })

  it('knows Osaka: CLZ, MCOPY, transient storage, BLOBBASEFEE', async () => {
    assert.equal(await run('60011e'), 255n)
    assert.equal(await run('60075f5260205f60205e602051'), 7n)
    assert.equal(await run('60095f5d5f5c'), 9n)
    assert.equal(await run('4a'), 1n)
  })

  it('answers a point evaluation with failure instead of crashing', async () => {
    const said = await ask('0x000000000000000000000000000000000000000a' as Address, '0x00')
    assert.equal(said.ok, false)
  })

  async function delegate(key: Uint8Array, to: Address, nonce: bigint): Promise<Transaction> {
    const authorization = eoaCode7702SignAuthorization(
      [uintBytes(57_005n, 2), fromHex(to), nonce === 0n ? new Uint8Array() : uintBytes(nonce, 1)],
      key,
    )
    const { nonce: own } = await (await chain.readAt(chain.head().height))!.account(
      addressOfKey(alice),
    )
    const tx = createEOACode7702Tx(
      {
        chainId: 57_005n,
        nonce: own,
        maxFeePerGas: 10n ** 10n,
        maxPriorityFeePerGas: 1n,
        gasLimit: 500_000n,
        to: addressOfKey(bob),
        authorizationList: [authorization],
      },
      { common: engine.common },
    ).sign(alice)
    const decoded = decodeTransaction(engine, tx.serialize())
    assert.ok(decoded.ok, show(decoded))
    return decoded.value
  }

  it('lets a plain account act as a contract (EIP-7702)', async () => {
    const actor = keyOf('delegating')
    const target = await advance(chain, [
      signed(engine, bob, { data: creation('602a5f5260205ff3') }),
    ])
    const contract = target.outcome.receipts[0]!.contractAddress!
    const { outcome } = await advance(chain, [await delegate(actor, contract, 0n)])
    assert.equal(outcome.receipts[0]!.succeeded, true)
    const reader = (await chain.readAt(chain.head().height))!
    const address = addressOfKey(actor)
    assert.equal(toHex(await reader.code(address)), `0xef0100${contract.slice(2)}`)
    assert.equal((await reader.account(address)).nonce, 1n)
    const said = await ask(address, '0x')
    assert.ok(said.ok)
    assert.equal(bytesToUint(said.returnData), 42n)
  })

  it('does not lend a native module to an account that delegates to it', async () => {
    const actor = keyOf('borrower')
    await advance(chain, [await delegate(actor, notebookAddress, 0n)])
    const said = await ask(addressOfKey(actor), noteData(1n))
    assert.ok(!said.ok && said.kind === 'halt')
    assert.match(said.reason, /invalid opcode/)
  })

  it('lets a delegating account send transactions (EIP-3607 does not mean it)', async () => {
    const actor = keyOf('delegating')
    await advance(chain, [signed(engine, bob, { to: addressOfKey(actor), value: 10n ** 18n })])
    const { outcome } = await advance(chain, [
      signed(engine, actor, { to: addressOfKey(bob), value: 1n, nonce: 1n }),
    ])
    assert.equal(outcome.receipts[0]!.succeeded, true)
  })
})
