import assert from 'node:assert/strict'
import { encodeFunctionData } from 'viem'
import { describe, it } from 'vitest'
import type { Chain } from '../../chain/chain.ts'
import { makeCommit } from '../../consensus/commit.ts'
import { conflictingCommits } from '../../consensus/conflictingCommits.ts'
import { duplicateVote } from '../../consensus/evidence.ts'
import { decodeLightBlock } from '../../consensus/lightBlock.ts'
import { lightBlockAt } from '../../consensus/lightBlockAt.ts'
import { followTo } from '../../consensus/lightClient.ts'
import { trustGenesis } from '../../consensus/lightTrust.ts'
import { type Evidence, encodeEvidence } from '../../consensus/offences.ts'
import { gossipEvidence } from '../../node/evidenceGossip.ts'
import { createEvidencePool } from '../../node/evidencePool.ts'
import { moduleAddresses } from '../../params/protocol.ts'
import type { Address } from '../../primitives/address.ts'
import { hashOf } from '../../primitives/hash.ts'
import { ok } from '../../primitives/result.ts'
import { readService } from '../../registry/service.ts'
import { readStake } from '../../registry/stakes.ts'
import type { ValidatorSet } from '../../registry/validatorSet.ts'
import { stakingAbi } from '../../vm/modules/stakingAbi.ts'
import {
  accountOf,
  keysOf,
  openSealedChain,
  type SealedChain,
  sealedGenesis,
  signCall,
  signVote,
} from './sealedChain.ts'

const genesis = sealedGenesis(4, { epochLength: 4, unbondingEpochs: 2 })
const [valueA, valueB] = [hashOf('a'), hashOf('b')]

function voteBy(set: ValidatorSet, index: number, hash: typeof valueA, height: bigint) {
  const keys = keysOf(set.validators[index]!.address)
  return signVote(genesis, keys, set, { height, round: 0, hash, index })
}

function doubleVote(set: ValidatorSet, index: number, height: bigint): Evidence {
  const [a, b] = [valueA, valueB].map((hash) => voteBy(set, index, hash, height))
  return { type: 'votes', pair: duplicateVote(a!, b!) }
}

/** Commits by 0, 1, 2 and by 1, 2, 3: two members have signed both. */
function fork(set: ValidatorSet, height: bigint): Evidence {
  const commit = (members: readonly number[], hash: typeof valueA) =>
    makeCommit(
      members.map((index) => voteBy(set, index, hash, height)),
      set,
    )
  const pair = conflictingCommits(commit([0, 1, 2], valueA), commit([1, 2, 3], valueB))
  return { type: 'commits', pair }
}

async function recordOf(chain: Chain, address: Address) {
  const { world } = (await chain.readAt(chain.head().height))!
  const stake = (await readStake(world, address))!
  const { reputation } = await readService(world, address)
  return { stake: stake.stake, jailed: stake.jailedSince > 0n, reputation }
}

async function advanceTo(sealed: SealedChain, height: bigint): Promise<void> {
  while (sealed.chain.head().height < height) await sealed.advance()
}

async function membersAt(chain: Chain, height: bigint): Promise<readonly Address[]> {
  return (await chain.setAt(height))!.validators.map(({ address }) => address)
}

type Hear = (peer: never, bytes: Uint8Array) => unknown

/**
 * Two hosts of which the second hears what the first says, once they are connected; verdicts on gossip
 * are kept, and what the second passes on.
 */
function wire(verdicts: string[]) {
  let hear: Hear = () => 'drop'
  let hearAlone: Hear = () => {}
  let greet: (peer: never) => void = () => {}
  let connected = false
  const passedOn: Uint8Array[] = []
  const punished: string[] = []
  const quiet = { on: () => {}, onConnect: () => {}, subscribe: () => {}, penalize: () => {} }
  return {
    passedOn,
    punished,
    connect: () => {
      connected = true
      greet({ id: 'second' } as never)
    },
    first: {
      ...quiet,
      publish: (_topic: string, bytes: Uint8Array) => {
        if (connected)
          void Promise.resolve(hear('first' as never, bytes)).then((v) => verdicts.push(String(v)))
        return ok('published' as const)
      },
      send: (_peer: string, _topic: string, bytes: Uint8Array) => {
        void hearAlone('first' as never, bytes)
        return ok('queued' as const)
      },
      onConnect: (callback: typeof greet) => {
        greet = callback
      },
    },
    second: {
      ...quiet,
      publish: (_topic: string, bytes: Uint8Array) => {
        passedOn.push(bytes)
        return ok('published' as const)
      },
      send: () => ok('queued' as const),
      subscribe: (_topic: string, handler: Hear) => {
        hear = handler
      },
      on: (_topic: string, handler: Hear) => {
        hearAlone = handler
      },
      penalize: (peer: string) => punished.push(peer),
    },
  }
}

describe('evidence, from one node that saw it to the stake', () => {
  it('is told, put into a block by another proposer, and punished; then unjailed', async () => {
    const sealed = await openSealedChain(genesis)
    const { chain } = sealed
    await advanceTo(sealed, 2n)
    const set = (await chain.setAt(2n))!
    const guilty = set.validators[2]!.address
    const before = await recordOf(chain, guilty)

    const [finder, proposer] = [createEvidencePool({ chain }), createEvidencePool({ chain })]
    const verdicts: string[] = []
    const hosts = wire(verdicts)
    hosts.connect()
    gossipEvidence(hosts.first, finder)
    gossipEvidence(hosts.second, proposer)
    const evidence = doubleVote(set, 2, 2n)
    finder.add(evidence)
    finder.add(evidence)
    while (proposer.pending().length === 0) await new Promise(setImmediate)
    assert.deepEqual(verdicts, ['relay'])

    const block = await sealed.advance({ evidence: proposer.pending() })
    proposer.reset(block.envelope, 3n)
    assert.deepEqual(proposer.pending(), [])
    assert.equal(await proposer.take(encodeEvidence(evidence)), 'drop')
    assert.deepEqual(await recordOf(chain, guilty), {
      stake: before.stake - before.stake / 20n,
      jailed: true,
      reputation: 0n,
    })
    await assert.rejects(sealed.advance({ evidence: block.evidence }), /evidence\/known/)

    // The set of an epoch is drawn after the last block of the epoch before the one before.
    const unjail = encodeFunctionData({ abi: stakingAbi, functionName: 'unjail' })
    const call = async (nonce: bigint) => ({
      transaction: await signCall(chain, accountOf(guilty), nonce, moduleAddresses.staking, unjail),
    })
    await advanceTo(sealed, 6n)
    await sealed.advance({ candidates: [await call(0n)] })
    assert.ok((await membersAt(chain, 7n)).includes(guilty))
    assert.ok(!(await membersAt(chain, 8n)).includes(guilty))
    assert.equal((await recordOf(chain, guilty)).jailed, true, 'an epoch too early')
    await sealed.advance({ candidates: [await call(1n)] })
    assert.equal((await recordOf(chain, guilty)).jailed, false)
    await advanceTo(sealed, 12n)
    assert.ok(!(await membersAt(chain, 12n)).includes(guilty))
    assert.ok((await membersAt(chain, 16n)).includes(guilty))
  })

  it('of two commits takes out more than a third at once, and a light client follows', async () => {
    const sealed = await openSealedChain(genesis)
    const { chain } = sealed
    await advanceTo(sealed, 2n)
    const set = (await chain.setAt(2n))!
    const pool = createEvidencePool({ chain })
    const both = fork(set, 2n)
    assert.equal(await pool.take(encodeEvidence(both)), 'relay')
    await sealed.advance({ evidence: pool.pending() })
    const records = await Promise.all(set.validators.map(({ address }) => recordOf(chain, address)))
    assert.deepEqual(
      records.map(({ jailed }) => jailed),
      [false, true, true, false],
    )
    // One of the votes again, by itself: its member has paid for it.
    await assert.rejects(
      sealed.advance({ evidence: [encodeEvidence(doubleVote(set, 1, 2n))] }),
      /evidence\/known/,
    )
    await advanceTo(sealed, 8n)
    assert.deepEqual(
      await membersAt(chain, 8n),
      [0, 3].map((index) => set.validators[index]!.address),
    )
    await advanceTo(sealed, 17n)
    const { chainId, params } = genesis
    const options = { chainId, epochLength: params.epochLength, trustingPeriodS: 900n, driftS: 0n }
    const now = chain.head().header.timestamp
    const asked: bigint[] = []
    const reached = await followTo(await trustGenesis(genesis), 17n, options, now, async (at) => {
      asked.push(at)
      const block = decodeLightBlock((await lightBlockAt(chain, at))!)
      return block
    })
    assert.ok(reached.ok, JSON.stringify(reached.ok || reached.fault.code))
    assert.equal(reached.value.hash, chain.head().hash)
    assert.equal(reached.value.stateRoot, chain.head().stateRoot)
    assert.equal(asked.length, 1, 'two of four are more than a third: one skip')
    assert.equal(await lightBlockAt(chain, 0n), null)
    assert.equal(await lightBlockAt(chain, 18n), null)
  })

  it('found by a node without peers is told to the first that comes, who passes it on', async () => {
    const sealed = await openSealedChain(genesis)
    const { chain } = sealed
    await advanceTo(sealed, 2n)
    const set = (await chain.setAt(2n))!
    const [finder, other] = [createEvidencePool({ chain }), createEvidencePool({ chain })]
    const hosts = wire([])
    gossipEvidence(hosts.first, finder)
    gossipEvidence(hosts.second, other)
    const evidence = doubleVote(set, 1, 2n)
    finder.add(evidence)
    assert.deepEqual(other.kept(), [])
    hosts.connect()
    while (hosts.passedOn.length === 0) await new Promise(setImmediate)
    assert.deepEqual(hosts.passedOn, [encodeEvidence(evidence)])
    assert.deepEqual(other.kept(), [encodeEvidence(evidence)])
    hosts.first.send('second', 'evidence', Uint8Array.of(9, 9))
    while (hosts.punished.length === 0) await new Promise(setImmediate)
    assert.deepEqual(hosts.punished, ['first'])
  })

  it('is held against its bearer if it does not hold, and forgotten if it is late', async () => {
    const sealed = await openSealedChain(genesis)
    const { chain } = sealed
    await advanceTo(sealed, 2n)
    const set = (await chain.setAt(2n))!
    const pool = createEvidencePool({ chain })
    const genuine = doubleVote(set, 0, 2n)
    assert.ok(genuine.type === 'votes')
    const { first, second } = genuine.pair
    const forged: Evidence = {
      type: 'votes',
      pair: { first, second: { ...second, signature: first.signature } },
    }
    const both = fork(set, 1n)
    assert.ok(both.type === 'commits')
    const weak: Evidence = {
      type: 'commits',
      pair: { ...both.pair, first: { ...both.pair.first, bitmap: Uint8Array.of(3) } },
    }
    for (const bytes of [new Uint8Array(), Uint8Array.of(2), Uint8Array.of(9, 9)])
      assert.equal(await pool.take(bytes), 'punish')
    for (const evidence of [forged, weak])
      assert.equal(await pool.take(encodeEvidence(evidence)), 'punish')
    assert.equal(await pool.take(encodeEvidence(doubleVote(set, 0, 4n))), 'drop', 'not yet')
    assert.equal(await pool.take(encodeEvidence(genuine)), 'relay')
    assert.equal(await pool.take(encodeEvidence(genuine)), 'drop')
    await advanceTo(sealed, 13n)
    assert.equal(await pool.take(encodeEvidence(doubleVote(set, 1, 3n))), 'drop', 'too old')
    pool.reset(new Uint8Array(), 13n)
    assert.deepEqual(pool.pending(), [])
  })
})
