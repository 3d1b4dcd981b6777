import assert from 'node:assert/strict'
import fc from 'fast-check'
import { decodeErrorResult, decodeEventLog, decodeFunctionResult, encodeFunctionData } from 'viem'
import { beforeAll, describe, it } from 'vitest'
import { type Address, addressOfKey } from '../../primitives/address.ts'
import { bytesToUint, fromHex, toHex } from '../../primitives/bytes.ts'
import type { Receipt } from '../../vm/receipts.ts'
import type { CallOutcome } from '../../vm/simulate.ts'
import {
  advance,
  alice,
  type Call,
  openTestChain,
  signed,
  type TestChain,
} from '../chain/support.ts'
import { type CallKind, creation, forward, returnFlagAndData, revert } from './contracts.ts'
import { dataOf, lastData, notebook, notebookAbi, notebookAddress, noteData } from './notebook.ts'

const user = addressOfKey(alice)
const word = (bytes: Uint8Array, i = 0) => bytesToUint(bytes.subarray(32 * i, 32 * i + 32))

describe('native modules', () => {
  let test: TestChain

  beforeAll(async () => {
    test = await openTestChain({ modules: [notebook] })
  })

  async function send(call: Call): Promise<Receipt> {
    const { outcome, skipped } = await advance(test.chain, [signed(test.engine, alice, call)])
    assert.deepEqual(skipped, [])
    return outcome.receipts[0]!
  }

  async function deploy(runtime: string, value = 0n): Promise<Address> {
    const receipt = await send({ data: creation(runtime), value })
    assert.ok(receipt.contractAddress)
    return receipt.contractAddress
  }

  async function ask(to: Address, data: string, extra: { value?: bigint; gas?: bigint } = {}) {
    const request = {
      from: user,
      to,
      gas: extra.gas ?? 1_000_000n,
      maxFeePerGas: null,
      maxPriorityFeePerGas: null,
      value: extra.value ?? 0n,
      data: fromHex(data),
      accessList: null,
    }
    return (await test.chain.call(request, test.chain.head().height)) as CallOutcome
  }

  const reader = async () => (await test.chain.readAt(test.chain.head().height))!
  const slot = async (n: bigint) => (await reader()).storage(notebookAddress, n)
  const balance = async (of: Address) => (await (await reader()).account(of)).balance
  const errorOf = (data: Uint8Array) =>
    decodeErrorResult({ abi: notebookAbi, data: toHex(data) }).errorName

  it('answers a transaction: stores, knows its caller, takes value, logs', async () => {
    const before = await balance(notebookAddress)
    const receipt = await send({ to: notebookAddress, data: noteData(42n), value: 5n })
    assert.equal(receipt.succeeded, true)
    assert.equal(await slot(0n), BigInt(user))
    assert.equal(await slot(1n), 42n)
    assert.equal((await balance(notebookAddress)) - before, 5n)
    const [log] = receipt.logs
    assert.equal(log!.address, notebookAddress)
    const [signature, ...indexed] = log!.topics
    const { eventName, args } = decodeEventLog({
      abi: notebookAbi,
      topics: [signature!, ...indexed],
      data: toHex(log!.data),
    })
    assert.equal(eventName, 'Noted')
    assert.deepEqual(
      { ...args, author: args?.author.toLowerCase() },
      {
        author: user,
        value: 42n,
        paid: 5n,
      },
    )
  })

  it('undoes storage, value and logs of a refusal, keeps unused gas, says why', async () => {
    await send({ to: notebookAddress, data: noteData(3n) })
    const before = await balance(notebookAddress)
    const receipt = await send({ to: notebookAddress, data: noteData(1_001n), value: 5n })
    assert.equal(receipt.succeeded, false)
    assert.ok(receipt.gasUsed < 200_000n, `${receipt.gasUsed} of 1000000`)
    assert.deepEqual(receipt.logs, [])
    assert.equal(await slot(1n), 3n)
    assert.equal(await balance(notebookAddress), before)
    const said = await ask(notebookAddress, noteData(1_001n))
    assert.ok(!said.ok && said.kind === 'revert')
    const error = decodeErrorResult({ abi: notebookAbi, data: toHex(said.returnData) })
    assert.deepEqual(error.args, [1_001n, 1_000n])
  })

  it('sees a calling contract as its caller, and takes value from it', async () => {
    const contract = await deploy(
      forward('call', notebookAddress, '6007') + returnFlagAndData,
      100n,
    )
    const before = await balance(notebookAddress)
    const said = await ask(contract, noteData(7n))
    assert.ok(said.ok)
    assert.equal(word(said.returnData), 1n)
    const receipt = await send({ to: contract, data: noteData(7n) })
    assert.equal(await slot(0n), BigInt(contract))
    assert.equal(receipt.logs.length, 1)
    assert.equal((await balance(notebookAddress)) - before, 7n)
    assert.equal(await balance(contract), 93n)
  })

  it('leaves nothing behind when the calling contract reverts', async () => {
    const count = await slot(2n)
    const contract = await deploy(forward('call', notebookAddress) + revert)
    const receipt = await send({ to: contract, data: noteData(7n) })
    assert.equal(receipt.succeeded, false)
    assert.deepEqual(receipt.logs, [])
    assert.equal(await slot(2n), count)
  })

  it('keeps the outer of two calls when the inner frame reverts', async () => {
    const count = await slot(2n)
    const inner = await deploy(forward('call', notebookAddress) + revert)
    const outer = await deploy(
      `365f5f375f5f365f5f73${inner.slice(2)}5af1505f5f365f5f73${notebookAddress.slice(2)}5af15000`,
    )
    const receipt = await send({ to: outer, data: noteData(9n) })
    assert.equal(await slot(2n), count + 1n)
    assert.equal(await slot(0n), BigInt(outer))
    assert.equal(receipt.logs.length, 1)
  })

  it('refuses to write in a static call and answers views there', async () => {
    await send({ to: notebookAddress, data: noteData(3n) })
    const contract = await deploy(forward('staticcall', notebookAddress) + returnFlagAndData)
    const refused = await ask(contract, noteData(8n))
    assert.ok(refused.ok)
    assert.equal(word(refused.returnData), 0n)
    assert.equal(errorOf(refused.returnData.subarray(32)), 'ReadOnly')
    const viewed = await ask(contract, lastData)
    assert.ok(viewed.ok)
    assert.deepEqual(
      [0, 1, 2].map((i) => word(viewed.returnData, i)),
      [1n, BigInt(user), 3n],
    )
  })

  it('is static two frames below a static call', async () => {
    const count = await slot(2n)
    const inner = await deploy(forward('call', notebookAddress) + returnFlagAndData)
    const outer = await deploy(`${forward('staticcall', inner)}5000`)
    await send({ to: outer, data: noteData(8n) })
    assert.equal(await slot(2n), count)
  })

  for (const kind of ['delegatecall', 'callcode'] satisfies CallKind[])
    it(`refuses ${kind}`, async () => {
      const contract = await deploy(forward(kind, notebookAddress) + returnFlagAndData)
      const said = await ask(contract, noteData(8n))
      assert.ok(said.ok)
      assert.equal(word(said.returnData), 0n)
      assert.equal(errorOf(said.returnData.subarray(32)), 'Delegated')
      assert.equal(await (await reader()).storage(contract, 1n), 0n)
    })

  it('refuses value where the function takes none', async () => {
    const said = await ask(notebookAddress, dataOf('refund', 0n), { value: 1n })
    assert.ok(!said.ok)
    assert.equal(errorOf(said.returnData), 'NotPayable')
  })

  it('takes all gas and writes nothing when gas runs out inside', async () => {
    const count = await slot(2n)
    const receipt = await send({ to: notebookAddress, data: noteData(8n), gasLimit: 60_000n })
    assert.equal(receipt.succeeded, false)
    assert.equal(receipt.gasUsed, 60_000n)
    assert.equal(await slot(2n), count)
  })

  it('charges what a module asks for on top', async () => {
    const little = await send({ to: notebookAddress, data: dataOf('spend', 0n) })
    const much = await send({ to: notebookAddress, data: dataOf('spend', 123_456n) })
    // Calldata of the larger number has three bytes that are not zero, at 12 more gas each.
    assert.equal(much.gasUsed - little.gasUsed, 123_456n + 36n)
  })

  it('refuses calldata that is not the one encoding of a call', async () => {
    const good = fromHex(noteData(8n))
    const bad = [
      new Uint8Array(),
      good.subarray(0, 3),
      good.subarray(0, 35),
      Uint8Array.from([...good, 0]),
      new Uint8Array(4),
    ]
    for (const data of bad) {
      const said = await ask(notebookAddress, toHex(data))
      assert.ok(!said.ok && said.kind === 'revert', toHex(data))
      assert.equal(errorOf(said.returnData), 'Malformed', toHex(data))
    }
  })

  it('gives any calldata a verdict', async () => {
    const selectors = [noteData(0n).slice(0, 10), lastData, dataOf('refund', 0n).slice(0, 10)]
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('0x', ...selectors),
        fc.uint8Array({ maxLength: 100 }),
        async (selector, rest) => {
          const said = await ask(notebookAddress, selector + toHex(rest).slice(2))
          if (said.ok || said.kind === 'revert') return
          // Only paying more than it has can halt: that is an invariant of the test module.
          assert.match(said.reason, /purse/)
        },
      ),
      { numRuns: 40 },
    )
  })

  it('pays a contract out of its balance, and burns', async () => {
    await send({ to: notebookAddress, data: noteData(1n), value: 100n })
    const before = await balance(notebookAddress)
    const contract = await deploy(`${forward('call', notebookAddress)}50475f5260205ff3`)
    const said = await ask(contract, dataOf('refund', 60n))
    assert.ok(said.ok)
    assert.equal(word(said.returnData), 60n)
    await send({ to: contract, data: dataOf('refund', 60n) })
    await send({ to: notebookAddress, data: dataOf('burn', 30n) })
    assert.equal(before - (await balance(notebookAddress)), 90n)
    assert.equal(await balance(contract), 60n)
  })

  it('tells a module who calls and in which block', async () => {
    const data = encodeFunctionData({ abi: notebookAbi, functionName: 'context' })
    const contract = await deploy(forward('staticcall', notebookAddress) + returnFlagAndData)
    const { header, height } = test.chain.head()
    for (const [to, caller, topLevel, skip] of [
      [notebookAddress, user, true, 0],
      [contract, contract, false, 32],
    ] as const) {
      const said = await ask(to, data)
      assert.ok(said.ok)
      const context = decodeFunctionResult({
        abi: notebookAbi,
        functionName: 'context',
        data: toHex(said.returnData.subarray(skip)),
      })
      assert.deepEqual(
        [
          context[0].toLowerCase(),
          context[1].toLowerCase(),
          ...context.slice(2, 5),
          context[5].toLowerCase(),
        ],
        [caller, user, topLevel, height, toHex(header.mixHash), header.coinbase.toString()],
      )
    }
  })

  it('has code of one byte, so that Solidity calls it', async () => {
    const contract = await deploy(`73${notebookAddress.slice(2)}3b5f5260205ff3`)
    const said = await ask(contract, '0x')
    assert.ok(said.ok)
    assert.equal(word(said.returnData), 1n)
  })

  it('is proven by eth_getProof like any storage', async () => {
    await send({ to: notebookAddress, data: noteData(42n) })
    const proof = await (await reader()).proof(notebookAddress, [1n])
    assert.equal(proof.storageProof[0]!.value, '0x2a')
    assert.ok(proof.accountProof.length > 0 && proof.storageProof[0]!.proof.length > 0)
  })

  it('keeps its records when touched without value', async () => {
    const value = await slot(1n)
    assert.notEqual(value, 0n)
    await send({ to: notebookAddress, data: lastData })
    await send({ to: notebookAddress, data: '0x' })
    assert.equal(await slot(1n), value)
  })

  it('keeps a transaction that meets a bug of ours out of the block', async () => {
    const data = encodeFunctionData({ abi: notebookAbi, functionName: 'boom' })
    const contract = await deploy(forward('call', notebookAddress) + returnFlagAndData)
    const other = signed(test.engine, alice, { to: notebookAddress, data: noteData(5n) })
    const nonce = other.tx.nonce + 1n
    const broken = signed(test.engine, alice, { to: contract, data, nonce })
    const { outcome, skipped } = await advance(test.chain, [other, broken])
    assert.equal(outcome.receipts.length, 1)
    assert.equal(skipped[0]!.hash, broken.hash)
    assert.equal(skipped[0]!.fault.code, 'build/execution')
    assert.equal(await slot(9n), 0n)
    assert.equal(await slot(1n), 5n)
  })
})
