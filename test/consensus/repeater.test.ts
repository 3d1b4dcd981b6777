import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { startHeight, step } from '../../consensus/machine.ts'
import type { Input, State } from '../../consensus/machineState.ts'
import { Step } from '../../consensus/machineState.ts'
import { type Proposal, VoteKind } from '../../consensus/messages.ts'
import { replyTo, statusOf } from '../../consensus/repeater.ts'
import { type Replay, replayHeight } from '../../consensus/replay.ts'
import type { Signed } from '../../consensus/signer.ts'
import type { Hash } from '../../primitives/hash.ts'
import { fakeVote, nameOf } from './fixtures.ts'

const { Prevote, Precommit } = VoteKind
const a = nameOf('a')
const b = nameOf('b')
const rules = {
  height: 1n,
  powers: [1n, 1n, 1n, 1n],
  total: 4n,
  self: 3,
  proposer: (round: number) => round % 4,
}

function reached(...inputs: readonly Input[]): State {
  return inputs.reduce((state, input) => step(state, input).state, startHeight(rules).state)
}

function proposalOf(round: number, envelopeHash: Hash, validRound = -1): Proposal {
  const signature = new Uint8Array(96)
  const rest = { size: 1, partsRoot: envelopeHash, time: 1n, validatorsHash: nameOf('set') }
  const proposer = round % 4
  return { height: 1n, round, validRound, envelopeHash, proposer, signature, ...rest }
}

const proposed = (round: number, hash: Hash, validRound = -1): Input => ({
  type: 'proposal',
  proposal: proposalOf(round, hash, validRound),
  timely: true,
})
const votes = (kind: VoteKind, hash: Hash | null, round: number, ...from: readonly number[]) =>
  from.map((index): Input => ({ type: 'vote', vote: fakeVote(kind, index, round, hash) }))
const timeout = (due: Step, round: number): Input => ({ type: 'timeout', step: due, round })
const valid: readonly Input[] = [
  proposed(0, a),
  { type: 'complete', value: a },
  { type: 'judged', value: a, time: 1n },
]

/** What `from` sends to `to` on its status. */
function sent(from: State, to: State) {
  const { proposal, votes: found } = replyTo(from, statusOf(to, null, true))
  return {
    proposal: proposal?.envelopeHash ?? null,
    votes: found.map(({ kind, round, index, hash }) => [kind, round, index, hash]),
  }
}

describe('repetition', () => {
  it('sends its own votes to all, those of others to the few that ask', () => {
    const { self } = reached().rules
    assert.equal(self, 3)
    const full = reached(proposed(0, a), ...votes(Prevote, a, 0, 0, 1, 3))
    const { proposal, votes: found } = replyTo(full, statusOf(reached(), null, false))
    assert.equal(proposal, null)
    assert.deepEqual(
      found.map(({ index }) => index),
      [3],
    )
  })

  it('sends the votes and the proposal of a round that the other lacks, and no others', () => {
    const full = reached(
      proposed(0, a),
      ...votes(Prevote, a, 0, 0, 1),
      ...votes(Precommit, null, 0, 2),
    )
    const poor = reached(...votes(Prevote, a, 0, 1))
    assert.deepEqual(sent(full, poor), {
      proposal: a,
      votes: [
        [Prevote, 0, 0, a],
        [Precommit, 0, 2, null],
      ],
    })
    assert.deepEqual(sent(full, full), { proposal: null, votes: [] })
    assert.deepEqual(sent(poor, full), { proposal: null, votes: [] })
  })

  it('pulls a peer of an earlier round along', () => {
    const inRound1 = [timeout(Step.Precommit, 0), ...votes(Prevote, null, 1, 0, 1)]
    const ahead = reached(...votes(Precommit, a, 0, 0), ...inRound1)
    assert.deepEqual(sent(ahead, reached()), {
      proposal: null,
      votes: [
        [Precommit, 0, 0, a],
        [Prevote, 1, 0, null],
        [Prevote, 1, 1, null],
      ],
    })
  })

  it('helps a peer of a later round with what it holds of it', () => {
    const behind = reached(...votes(Prevote, null, 3, 0))
    const ahead = reached(...[0, 1, 2].map((round) => timeout(Step.Precommit, round)))
    assert.deepEqual(sent(behind, ahead).votes, [[Prevote, 3, 0, null]])
  })

  it("asks for the proof of lock by value, past a liar's other vote", () => {
    const later = [timeout(Step.Precommit, 0), proposed(1, a, 0)]
    const full = reached(...valid, ...votes(Prevote, a, 0, 0, 1, 2), ...later)
    const deceived = reached(...votes(Prevote, b, 0, 2), ...votes(Prevote, a, 0, 0), ...later)
    assert.deepEqual(sent(full, deceived).votes, [
      [Prevote, 0, 1, a],
      [Prevote, 0, 2, a],
    ])
  })
})

const own = (kind: VoteKind, round: number, hash: Hash | null): Signed => ({
  type: 'vote',
  vote: fakeVote(kind, 3, round, hash),
})

function replay(inputs: readonly Input[], last: Signed | null, has = true): Replay {
  return replayHeight(rules, inputs, () => has, last)
}

describe('replay', () => {
  const locked = [...valid, ...votes(Prevote, a, 0, 0, 1, 2)]

  it('comes to the same state', () => {
    assert.deepEqual(replay(locked, null).state, reached(...locked))
  })

  it('restores the lock and casts the vote that the crash cut off', () => {
    const { state, pending, fault } = replay(locked, own(Prevote, 0, a))
    assert.equal(fault, null)
    assert.deepEqual(state.locked, { value: a, round: 0 })
    assert.deepEqual(pending, [
      { type: 'vote', kind: Prevote, round: 0, hash: a },
      { type: 'vote', kind: Precommit, round: 0, hash: a },
    ])
  })

  it('casts no vote again that comes before the last it signed', () => {
    const { pending, fault } = replay(locked, own(Precommit, 0, a))
    assert.equal(fault, null)
    assert.deepEqual(pending, [{ type: 'vote', kind: Precommit, round: 0, hash: a }])
  })

  it('does not repeat what the log shows to be done', () => {
    const done = [...locked, ...votes(Prevote, a, 0, 3), ...votes(Precommit, a, 0, 3)]
    const { pending, fault } = replay(done, own(Precommit, 0, a))
    assert.equal(fault, null)
    assert.deepEqual(pending, [])
  })

  it('waits again for what it was waiting for', () => {
    assert.deepEqual(replay([], null).pending, [
      { type: 'scheduleTimeout', step: Step.Propose, round: 0 },
    ])
    const inRound1 = [...votes(Precommit, null, 0, 0, 1, 2), timeout(Step.Precommit, 0)]
    assert.deepEqual(replay(inRound1, null).pending, [
      { type: 'scheduleTimeout', step: Step.Propose, round: 1 },
    ])
  })

  it('proposes again only where no proposal is logged', () => {
    const toRound3 = [0, 1, 2].map((round) => timeout(Step.Precommit, round))
    const types = (inputs: readonly Input[]) => replay(inputs, null).pending.map((e) => e.type)
    assert.deepEqual(types(toRound3), ['propose', 'scheduleTimeout'])
    assert.deepEqual(types([...toRound3, proposed(3, a)]), ['scheduleTimeout'])
  })

  it('takes up a decision that was not stored', () => {
    const { pending } = replay([...valid, ...votes(Precommit, a, 0, 0, 1, 2)], null)
    assert.deepEqual(pending.at(-1), { type: 'commit', round: 0, value: a })
  })

  const unexplained: readonly (readonly [string, readonly Input[], Signed])[] = [
    ['a vote without its inputs', [], own(Precommit, 0, a)],
    ['a vote for something else', locked, own(Precommit, 0, b)],
    ['a vote of a later round', locked, own(Prevote, 2, null)],
    ['a proposal of a later round', locked, { type: 'proposal', proposal: proposalOf(3, b) }],
    ['a later height', [], { type: 'vote', vote: fakeVote(Prevote, 3, 0, a, 2n) }],
  ]
  for (const [name, inputs, last] of unexplained)
    it(`abstains after ${name}`, () => {
      const { state, pending, fault } = replay(inputs, last)
      assert.equal(fault?.code, 'replay/unexplained')
      assert.equal(state.rules.self, null)
      assert.equal(state.locked, null)
      assert.ok(pending.every(({ type }) => type !== 'vote' && type !== 'propose'))
    })

  it('minds nothing that was signed at an earlier height', () => {
    const last: Signed = { type: 'vote', vote: fakeVote(Prevote, 3, 5, a, 0n) }
    assert.equal(replay([], last).fault, null)
  })

  it('abstains when a value that counted is gone', () => {
    assert.deepEqual(replay(locked, null, false).fault, { code: 'replay/value', value: a })
  })
})
