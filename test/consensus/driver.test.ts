import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'vitest'
import { envelopeHashOf } from '../../chain/envelope.ts'
import { sign } from '../../consensus/bls.ts'
import { makeCommit, verifyCommit } from '../../consensus/commit.ts'
import { verifyConflictingCommits } from '../../consensus/conflictingCommits.ts'
import type { DriverModules } from '../../consensus/driverModules.ts'
import { verifyDuplicateVote } from '../../consensus/evidence.ts'
import { type Vote, VoteKind, voteSignBytes } from '../../consensus/messages.ts'
import { decodeWire, encodeWire } from '../../consensus/wire.ts'
import { ok, refuse } from '../../primitives/result.ts'
import type { ValidatorSet } from '../../registry/validatorSet.ts'
import { type Cluster, createCluster, type Member } from './cluster.ts'
import {
  chainId,
  decodeToy,
  makeSet,
  nameOf,
  params,
  sameBlocks,
  secretKeyOf,
  setHashOf,
  until,
} from './fixtures.ts'

const clusters: Cluster[] = []

async function clusterOf(set: ValidatorSet, extra = 0, speed = 8): Promise<Cluster> {
  const cluster = await createCluster(set, extra, speed)
  clusters.push(cluster)
  return cluster
}

afterEach(async () => {
  await Promise.all(clusters.splice(0).map((cluster) => cluster.close()))
})

const alone = makeSet([1])
const four = makeSet([10, 10, 10, 10])

async function startAll({ members, start }: Cluster): Promise<void> {
  await Promise.all(members.map((_, index) => start(index)))
}

function reach(members: readonly Member[], height: number): Promise<void> {
  return until(`height ${height}`, () => members.every(({ chain }) => chain.blocks.size >= height))
}

function assertSound(members: readonly Member[], set: ValidatorSet): void {
  const [first] = members
  for (const { name, chain } of members) {
    assert.deepEqual(chain.reports, [], name)
    assert.deepEqual(chain.misbehaved, [], name)
    assert.ok(sameBlocks(chain, first!.chain), name)
    for (const { bytes, commit } of chain.blocks.values()) {
      assert.deepEqual(verifyCommit(commit, set, chainId), ok('verified'))
      assert.equal(envelopeHashOf(bytes), commit.envelopeHash)
    }
  }
}

describe('a driver alone', () => {
  it('makes blocks, a second apart', async () => {
    const cluster = await clusterOf(alone)
    await startAll(cluster)
    await reach(cluster.members, 4)
    assertSound(cluster.members, alone)
    const times = [...cluster.members[0]!.chain.blocks.values()].map(
      ({ bytes }) => decodeToy(bytes)!.time,
    )
    for (const [i, time] of times.entries()) if (i > 0) assert.ok(time > times[i - 1]!)
  })

  it('makes empty blocks at the idle interval, and one at once when work arrives', async () => {
    const cluster = await clusterOf(alone, 0, 10)
    const [member] = cluster.members
    const { chain } = member!
    chain.hasWork = false
    await startAll(cluster)
    await reach(cluster.members, 2)
    const times = () => [...chain.blocks.values()].map(({ bytes }) => decodeToy(bytes)!.time)
    const idleSeconds = BigInt(params.idleBlockIntervalMs / 1000)
    assert.ok(times()[1]! - times()[0]! >= idleSeconds)
    chain.hasWork = true
    chain.workArrived()
    await reach(cluster.members, 3)
    assert.ok(times()[2]! - times()[1]! < idleSeconds)
    assert.ok(chain.events.every((event) => event.type !== 'round' || event.round === 0))
  })

  it('goes on after a restart, with what it had signed', async () => {
    const cluster = await clusterOf(alone)
    await cluster.start(0)
    for (const height of [2, 4, 6]) {
      await reach(cluster.members, height)
      await cluster.stop(0)
      await cluster.start(0)
    }
    assertSound(cluster.members, alone)
    const { events } = cluster.members[0]!.chain
    assert.ok(events.every(({ type }) => type !== 'abstain' && type !== 'halt'))
  })

  it('stops for good when a decided value cannot be applied', async () => {
    const cluster = await clusterOf(alone)
    const { chain } = cluster.members[0]!
    const commit = () => Promise.reject(new Error('disk full'))
    await cluster.start(0, { commit })
    await until('halt', () => chain.events.some(({ type }) => type === 'halt'))
    assert.equal(String(chain.reports[0]), 'Error: disk full')
    assert.equal(chain.blocks.size, 0)
  })

  it('commits from its log what it had decided but not stored', async () => {
    const cluster = await clusterOf(alone)
    const { chain } = cluster.members[0]!
    await cluster.start(0, { commit: () => Promise.reject(new Error('killed')) })
    await until('halt', () => chain.events.some(({ type }) => type === 'halt'))
    const voted = chain.events.findLast((event) => event.type === 'vote')!
    await cluster.stop(0)
    await cluster.start(0)
    assert.ok(chain.blocks.size >= 1, 'committed before start resolved')
    assert.equal(chain.blocks.get(1n)!.commit.envelopeHash, voted.hash)
  })

  it('tries another round when its value is refused', async () => {
    const cluster = await clusterOf(alone)
    const { chain } = cluster.members[0]!
    let refusals = 0
    await cluster.start(0, {
      judge: async (_, bytes) =>
        refusals++ === 0 ? refuse({ code: 'toy/unlucky' }) : ok({ time: decodeToy(bytes)!.time }),
    })
    await reach(cluster.members, 1)
    assert.equal(chain.blocks.get(1n)!.commit.round, 1)
    assert.ok(chain.events.some(({ type }) => type === 'refused'))
  })
})

describe('four drivers', () => {
  it('agree, and follow without a key', async () => {
    const cluster = await clusterOf(four, 1)
    await startAll(cluster)
    await reach(cluster.members, 5)
    assertSound(cluster.members, four)
    const follower = cluster.members[4]!
    assert.equal(follower.driver!.view().self, null)
    assert.ok(follower.chain.events.every(({ type }) => type !== 'vote'))
  })

  it('do without one of them, and it catches up', async () => {
    const cluster = await clusterOf(four)
    await Promise.all([0, 1, 2].map((index) => cluster.start(index)))
    await reach(cluster.members.slice(0, 3), 5)
    await cluster.start(3)
    const late = cluster.members[3]!.chain
    await until('catching up', () => late.blocks.size >= cluster.members[0]!.chain.blocks.size)
    await reach(cluster.members, late.blocks.size + 2)
    assertSound(cluster.members, four)
    assert.ok(late.events.some((event) => event.type === 'commit' && event.caughtUp))
    assert.ok(late.behind.length > 0)
  })

  it('stand still without a quorum, and go on when messages pass again', async () => {
    const cluster = await clusterOf(four)
    const { hub, members } = cluster
    await startAll(cluster)
    await reach(members, 1)
    const half = new Map(members.map(({ name }, i) => [name, i % 2]))
    hub.setFilter((from, to) => half.get(from) === half.get(to))
    await new Promise((resolve) => setTimeout(resolve, 800))
    const before = Math.max(...members.map(({ chain }) => chain.blocks.size))
    await new Promise((resolve) => setTimeout(resolve, 400))
    assert.equal(Math.max(...members.map(({ chain }) => chain.blocks.size)), before)
    hub.setFilter(() => true)
    await reach(members, before + 2)
    assertSound(members, four)
  })

  it('repeat votes: a lossy network delays but does not stop them', async () => {
    const cluster = await clusterOf(four)
    let sent = 0
    cluster.hub.setFilter(() => sent++ % 4 !== 0)
    await startAll(cluster)
    await reach(cluster.members, 3)
    assertSound(cluster.members, four)
  })

  it('survive restarts of each in turn', async () => {
    const cluster = await clusterOf(four)
    await startAll(cluster)
    for (const index of [0, 1, 2, 3]) {
      await reach(cluster.members, index + 1)
      await cluster.stop(index)
      await cluster.start(index)
    }
    await reach(cluster.members, 6)
    assertSound(cluster.members, four)
    for (const { chain } of cluster.members)
      assert.ok(chain.events.every(({ type }) => type !== 'abstain'))
  })

  it('all restart at once and keep what they were locked on', async () => {
    const cluster = await clusterOf(four)
    const { hub, members } = cluster
    // Nobody hears a precommit: everybody locks, nobody decides.
    hub.setFilter((_, __, bytes) => {
      const message = decodeWire(bytes)
      if (!message.ok || message.value.type !== 'votes') return true
      const votes = message.value.votes.filter(({ kind }) => kind === VoteKind.Prevote)
      return votes.length > 0 && encodeWire({ type: 'votes', votes })
    })
    await startAll(cluster)
    const precommits = (member: Member) =>
      member.chain.events.flatMap((event) =>
        event.type === 'vote' && event.step === 'precommit' && event.hash ? [event.hash] : [],
      )
    await until('locks', () => members.every((member) => precommits(member).length > 0))
    const lockedOn = new Set(members.flatMap(precommits))
    await Promise.all(members.map((_, index) => cluster.stop(index)))
    hub.setFilter(() => true)
    await startAll(cluster)
    await reach(members, 1)
    assert.ok(lockedOn.has(members[0]!.chain.blocks.get(1n)!.commit.envelopeHash))
    assertSound(members, four)
  })

  it('find evidence of a double vote', async () => {
    const cluster = await clusterOf(four)
    const { hub, members } = cluster
    await startAll(cluster)
    const liar = hub.join('liar')
    await until('a proposal', () => members[0]!.chain.blocks.size >= 1)
    const tell = (hash: Vote['hash']) => {
      const { height, round } = members[0]!.driver!.view()
      const kind = VoteKind.Precommit
      const unsigned = { kind, height, round, hash, validatorsHash: setHashOf(four), index: 3 }
      const signature = sign(secretKeyOf(3), voteSignBytes(chainId, unsigned))
      liar.send('n0', encodeWire({ type: 'votes', votes: [{ ...unsigned, signature }] }))
    }
    await until('evidence', () => {
      for (const hash of [nameOf('x'), null]) tell(hash)
      return members[0]!.chain.evidence.length > 0
    })
    const [found] = members[0]!.chain.evidence
    assert.ok(found?.type === 'votes')
    assert.deepEqual(verifyDuplicateVote(found.pair, four, chainId), ok(four.validators[3]))
  })

  it('find evidence in a commit for another value than theirs', async () => {
    const cluster = await clusterOf(four)
    const { hub, members } = cluster
    await startAll(cluster)
    const { chain } = members[0]!
    await until('a commit', () => chain.blocks.size >= 1)
    const stranger = hub.join('stranger')
    const { round } = chain.blocks.get(1n)!.commit
    const rival = (at: number, signers: readonly number[]) => {
      const kind = VoteKind.Precommit
      const vote = {
        kind,
        height: 1n,
        round: at,
        hash: nameOf('x'),
        validatorsHash: setHashOf(four),
      }
      const votes = signers.map((index) => ({
        ...vote,
        index,
        signature: sign(secretKeyOf(index), voteSignBytes(chainId, vote)),
      }))
      const commit = makeCommit(votes, four)
      stranger.send('n0', encodeWire({ type: 'committed', commit, bytes: new Uint8Array() }))
    }
    rival(round, [0, 1])
    await until('blame', () => chain.misbehaved.length > 0)
    assert.equal(chain.misbehaved[0]!.fault.code, 'commit/power')
    rival(round + 1, [1, 2, 3])
    await until('a fork', () => chain.events.some(({ type }) => type === 'fork'))
    assert.equal(chain.evidence.length, 0, 'commits of two rounds convict nobody by themselves')
    rival(round, [1, 2, 3])
    await until('evidence', () => chain.evidence.length > 0)
    const [found] = chain.evidence
    assert.ok(found?.type === 'commits')
    assert.ok(verifyConflictingCommits(found.pair, four, chainId).ok)
  })

  it('prevote nil when judging takes too long, and a later round decides', async () => {
    const cluster = await clusterOf(four)
    type Judge = DriverModules['judge']
    const swift: Judge = async (_, bytes) => ok({ time: decodeToy(bytes)!.time })
    const slow: Judge = async (height, bytes, sidecars, signal) => {
      assert.equal(sidecars.size, 1)
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
      return swift(height, bytes, sidecars, signal)
    }
    let judging = slow
    const judge: Partial<DriverModules> = { judge: (...given) => judging(...given) }
    await Promise.all([0, 1, 2, 3].map((index) => cluster.start(index, judge)))
    const { events } = cluster.members[0]!.chain
    await until('round 1', () => events.some((e) => e.type === 'round' && e.round === 1))
    judging = swift
    assert.ok(events.some((event) => event.type === 'vote' && event.hash === null))
    await reach(cluster.members, 1)
    assert.ok(cluster.members[0]!.chain.blocks.get(1n)!.commit.round > 0)
  })

  it('name peers that send what no honest node sends', async () => {
    const cluster = await clusterOf(four)
    await startAll(cluster)
    const { chain, driver } = cluster.members[0]!
    const stranger = cluster.hub.join('stranger')
    const forge = (changes: Partial<Vote>) => {
      const { height } = driver!.view()
      const vote: Vote = {
        kind: VoteKind.Prevote,
        height,
        round: 0,
        hash: nameOf('x'),
        validatorsHash: setHashOf(four),
        index: 1,
        signature: new Uint8Array(96),
        ...changes,
      }
      stranger.send('n0', encodeWire({ type: 'votes', votes: [vote] }))
    }
    const codes = () => new Set(chain.misbehaved.map(({ fault }) => fault.code))
    await until('four kinds of fault', () => {
      stranger.send('n0', Uint8Array.of(99))
      forge({})
      forge({ index: 50 })
      forge({ validatorsHash: nameOf('other') })
      return codes().size >= 4
    })
    const expected = ['codec/value', 'vote/member', 'vote/set', 'vote/signature']
    assert.deepEqual([...codes()].toSorted(), expected)
    assert.ok(chain.misbehaved.every(({ peer }) => peer === 'stranger'))
    await reach(cluster.members, 2)
  })
})
