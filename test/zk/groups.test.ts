/**
 * Anonymous speech on chain: join, say something once in each topic, and nothing links two topics.
 */
import assert from 'node:assert/strict'
import { decodeErrorResult, decodeFunctionResult, encodeFunctionData, type Hex } from 'viem'
import { beforeAll, describe, it, vi } from 'vitest'
import { moduleAddresses } from '../../params/protocol.ts'
import { type Address, addressOfKey } from '../../primitives/address.ts'
import { fromHex, toHex } from '../../primitives/bytes.ts'
import { type Hash, hashOf } from '../../primitives/hash.ts'
import { poseidon, poseidonOrder } from '../../primitives/poseidon.ts'
import { messageSignal, topicSignal } from '../../registry/groups.ts'
import { appendLeaf, groupDepth, zeroNodes } from '../../registry/groupTree.ts'
import { groupsAbi } from '../../vm/modules/groups.ts'
import { verifiersAbi } from '../../vm/modules/verifiersAbi.ts'
import { memberCommitment, membershipInput, nullifierOf, pathOf } from '../../zk/membership.ts'
import { sampleSecrets as secrets } from '../../zk/samples.ts'
import {
  advance,
  alice,
  bob,
  chainId,
  keyOf,
  openTestChain,
  signed,
  type TestChain,
} from '../chain/support.ts'
import { dice, pinnedKey, proofOf } from './support.ts'

// A proof takes a second of two idle cores, and much longer on a busy machine.
vi.setConfig({ testTimeout: 180_000 })

const text = (words: string): Hash => hashOf('test/said', new TextEncoder().encode(words))
const [summer, winter] = [text('summer'), text('winter')]
const [yes, no] = [text('yes'), text('no')]

const members = secrets.map(memberCommitment)

let test: TestChain

type Function = 'create' | 'join' | 'post'

/** One transaction to `Groups` in a block of its own; the error's name, or null. */
async function send(name: Function, args: readonly unknown[], key = alice): Promise<string | null> {
  const data = encodeFunctionData({ abi: groupsAbi, functionName: name, args } as never) as Hex
  const refused = await wouldRefuse(data, addressOfKey(key))
  const call = { to: moduleAddresses.groups, data, gasLimit: 3_000_000n }
  const { outcome } = await advance(test.chain, [signed(test.engine, key, call)])
  assert.equal(outcome.receipts[0]?.succeeded, refused === null)
  return refused
}

async function call(to: Address, data: Hex, from: Address) {
  const { chain } = test
  const fees = { maxFeePerGas: null, maxPriorityFeePerGas: null, accessList: null }
  const request = { from, to, gas: 8_000_000n, value: 0n, data: fromHex(data) }
  const outcome = await chain.call(
    { ...request, ...fees, authorizationList: null } as Parameters<typeof chain.call>[0],
    chain.head().height,
  )
  assert.ok(outcome !== null)
  return outcome
}

async function wouldRefuse(data: Hex, from: Address): Promise<string | null> {
  const outcome = await call(moduleAddresses.groups, data, from)
  if (outcome.ok) return null
  return decodeErrorResult({ abi: groupsAbi, data: toHex(outcome.returnData) }).errorName
}

async function read(name: string, ...args: readonly unknown[]): Promise<unknown> {
  const data = encodeFunctionData({ abi: groupsAbi, functionName: name, args } as never) as Hex
  const outcome = await call(moduleAddresses.groups, data, addressOfKey(alice))
  assert.ok(outcome.ok)
  const decoded = { abi: groupsAbi, functionName: name, data: toHex(outcome.returnData) }
  return decodeFunctionResult(decoded as never)
}

/** What member `index` sends to say `content` in `topic`, at the tree of the first `size` members. */
async function saying(index: number, size: number, topic: Hash, content: Hash) {
  const path = pathOf(members.slice(0, size), index)
  const signal = topicSignal(chainId, 0n, topic)
  const input = membershipInput(secrets[index]!, path, signal, messageSignal(content))
  const { proof, inputs } = await proofOf('membership', input)
  return { root: inputs[0]!, nullifier: inputs[1]!, proof: toHex(proof) }
}

beforeAll(async () => {
  test = await openTestChain()
  const { bytes } = await pinnedKey('membership')
  const args = [0, toHex(bytes)] as const
  const data = encodeFunctionData({ abi: verifiersAbi, functionName: 'register', args })
  const call = { to: moduleAddresses.verifiers, data, gasLimit: 3_000_000n }
  await advance(test.chain, [signed(test.engine, alice, call)])
}, 240_000)

describe('a group', () => {
  it('is created for a key whose proofs have its four numbers', async () => {
    const { name } = await pinnedKey('membership')
    assert.equal(await send('create', [text('no key'), 0, 'x']), 'BadKey')
    assert.equal(await send('create', [name, 2, 'x']), 'BadPolicy')
    assert.equal(await send('create', [name, 0, '']), 'BadTitle')
    assert.equal(await send('create', [name, 0, 'open']), null)
    assert.equal(await send('create', [name, 1, 'invited']), null)
    assert.equal(await read('groupCount'), 2n)
  })

  it('takes one member from each account, or what its owner brings', async () => {
    assert.equal(await send('join', [0n, members[0]!]), null)
    assert.equal(await send('join', [0n, members[1]!]), 'JoinedBefore')
    assert.equal(await send('join', [0n, members[0]!], bob), 'KnownCommitment')
    assert.equal(await send('join', [0n, 0n], bob), 'BadCommitment')
    assert.equal(await send('join', [0n, poseidonOrder], bob), 'BadCommitment')
    assert.equal(await send('join', [9n, members[1]!], bob), 'UnknownGroup')
    assert.equal(await send('join', [1n, members[1]!], bob), 'NotInvited')
    assert.equal(await send('join', [1n, members[1]!]), null)
    assert.equal(await send('join', [1n, members[2]!]), null)
    assert.equal(await send('join', [0n, members[1]!], bob), null)
  })

  it('has the root that clients compute', async () => {
    const group = (await read('group', 0n)) as { readonly root: bigint; readonly size: number }
    assert.equal(group.size, 2)
    assert.equal(group.root, pathOf(members.slice(0, 2), 0).root)
    assert.equal(await read('rootSize', 0n, pathOf(members.slice(0, 1), 0).root), 1n)
    assert.equal(await read('rootSize', 0n, zeroNodes().at(-1)), 0n)
    assert.equal(await read('memberAt', 0n, 1n), members[1])
    assert.equal(await read('memberAt', 0n, 2n), 0n)
  })
})

describe('a statement', () => {
  it('is posted once by a member in a topic, whoever sends it', async () => {
    const { root, nullifier, proof } = await saying(0, 2, summer, yes)
    const stranger = bob
    assert.equal(await send('post', [0n, winter, yes, root, nullifier, proof]), 'BadProof')
    assert.equal(await send('post', [0n, summer, no, root, nullifier, proof]), 'BadProof')
    assert.equal(await send('post', [1n, summer, yes, root, nullifier, proof]), 'UnknownRoot')
    assert.equal(await send('post', [0n, summer, yes, root, nullifier + 1n, proof]), 'BadProof')
    assert.equal(await send('post', [0n, summer, yes, root, nullifier, '0x']), 'BadProof')
    const huge = nullifier + poseidonOrder
    assert.equal(await send('post', [0n, summer, yes, root, huge, proof]), 'BadProof')
    assert.equal(await send('post', [0n, summer, yes, root, nullifier, proof], stranger), null)
    assert.equal(await read('spent', 0n, nullifier), true)
    assert.equal(await read('statementCount', 0n, summer), 1n)
    assert.equal(await read('statementAt', 0n, summer, 0n), yes)

    const again = await saying(0, 2, summer, no)
    assert.equal(again.nullifier, nullifier)
    assert.equal(await send('post', [0n, summer, no, root, nullifier, again.proof]), 'Spoken')
  })

  it('of the same member in another topic shares no number with the first', async () => {
    const said = await saying(0, 2, winter, yes)
    assert.equal(await send('post', [0n, winter, yes, said.root, said.nullifier, said.proof]), null)
    const first = nullifierOf(secrets[0]!, topicSignal(chainId, 0n, summer))
    assert.notEqual(said.nullifier, first)
    // The same public data could come from the other member: only the secret tells them apart.
    const others = [summer, winter].map((topic) =>
      nullifierOf(secrets[1]!, topicSignal(chainId, 0n, topic)),
    )
    assert.equal(new Set([first, said.nullifier, ...others]).size, 4)
    assert.notEqual(topicSignal(chainId, 0n, summer), topicSignal(chainId, 1n, summer))
    assert.notEqual(topicSignal(chainId, 0n, summer), topicSignal(chainId + 1, 0n, summer))
  })

  it('may rest on an older root, as members only join', async () => {
    const said = await saying(0, 1, text('older'), yes)
    const args = [0n, text('older'), yes, said.root, said.nullifier, said.proof]
    assert.equal(await send('post', args, keyOf('alice')), null)
  })
})

describe('the tree', () => {
  it('is the tree of all leaves at every size', async () => {
    const roll = dice('tree')
    const leaves = Array.from({ length: 11 }, () => BigInt(1 + roll(1_000_000)))
    const kept = new Map<number, bigint>()
    const nodes = {
      get: async (level: number) => kept.get(level) ?? 0n,
      put: async (level: number, node: bigint) => {
        kept.set(level, node)
      },
    }
    for (const [i, leaf] of leaves.entries())
      assert.equal(await appendLeaf(nodes, i, leaf), pathOf(leaves.slice(0, i + 1), 0).root)
    assert.equal(zeroNodes().length, groupDepth + 1)
    assert.equal(zeroNodes()[1], poseidon([0n, 0n]))
  })
})
