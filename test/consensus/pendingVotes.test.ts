import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'vitest'
import { startHeight, step } from '../../consensus/machine.ts'
import type { Input, State } from '../../consensus/machineState.ts'
import { Step } from '../../consensus/machineState.ts'
import { type Vote, VoteKind } from '../../consensus/messages.ts'
import { createPendingVotes, maxPendingVotes } from '../../consensus/pendingVotes.ts'
import type { Hash } from '../../primitives/hash.ts'
import { fakeVote, nameOf } from './fixtures.ts'

const { Prevote, Precommit } = VoteKind
const a = nameOf('a')
const b = nameOf('b')

function begin(powers: readonly bigint[] = [1n, 1n, 1n, 1n, 1n, 1n, 1n]): State {
  const total = powers.reduce((sum, power) => sum + power, 0n)
  const proposer = (round: number) => round % powers.length
  return startHeight({ height: 1n, powers, total, self: null, proposer }).state
}

function holding(...votes: readonly Vote[]) {
  const pending = createPendingVotes()
  for (const vote of votes) pending.add({ peer: `of ${vote.index}`, vote })
  const places = (state: State) => pending.takeDue(state).map(({ vote }) => vote.index)
  return { pending, places }
}

const votes = (kind: VoteKind, hash: Hash | null, round: number, ...from: readonly number[]) =>
  from.map((index) => fakeVote(kind, index, round, hash))
const count = (state: State, some: readonly Vote[]): State =>
  some.reduce((now, vote) => step(now, { type: 'vote', vote }).state, state)
const forged = (vote: Vote): Vote => ({ ...vote, signature: new Uint8Array(96).fill(9) })

describe('votes wait', () => {
  it('until they would make a quorum, and then all of them are due, once', () => {
    const { pending, places } = holding(...votes(Prevote, a, 0, 0, 1, 2, 3))
    assert.deepEqual(places(begin()), [])
    pending.add({ peer: 'p', vote: fakeVote(Prevote, 4, 0, a) })
    assert.deepEqual(places(begin()), [0, 1, 2, 3, 4])
    assert.deepEqual(places(begin()), [])
  })

  it('for those that are counted already: the last one completes the quorum', () => {
    const state = count(begin(), votes(Precommit, a, 0, 0, 1, 2, 3))
    assert.deepEqual(holding(fakeVote(Precommit, 4, 0, a)).places(state), [4])
  })

  it('beyond a quorum, for they change nothing', () => {
    const state = count(begin(), votes(Prevote, a, 0, 0, 1, 2, 3, 4))
    const { pending, places } = holding(...votes(Prevote, a, 0, 5, 6))
    assert.deepEqual(places(state), [])
    assert.equal(pending.takeAll(state).length, 2)
    assert.deepEqual(pending.takeAll(state), [])
  })

  it('with a quorum for no value yet, until they complete one', () => {
    const split = [...votes(Prevote, a, 0, 0, 1, 2), ...votes(Prevote, b, 0, 3, 4)]
    const state = count(begin(), split)
    const { pending, places } = holding(fakeVote(Prevote, 5, 0, a))
    assert.deepEqual(places(state), [])
    pending.add({ peer: 'p', vote: fakeVote(Prevote, 6, 0, a) })
    assert.deepEqual(places(state), [5, 6])
  })

  it('by power, not by heads', () => {
    const { places } = holding(...votes(Prevote, a, 0, 1, 2, 3))
    assert.deepEqual(places(begin([9n, 1n, 1n, 1n])), [])
    assert.deepEqual(holding(fakeVote(Prevote, 0, 0, a)).places(begin([9n, 1n, 1n, 1n])), [0])
  })

  it('of a later round, until a third of the power is there', () => {
    const { pending, places } = holding(
      fakeVote(Prevote, 0, 5, a),
      fakeVote(Precommit, 0, 5, a),
      fakeVote(Prevote, 1, 5, null),
    )
    assert.deepEqual(places(begin()), [])
    pending.add({ peer: 'p', vote: fakeVote(Precommit, 2, 5, b) })
    assert.deepEqual(places(begin()).toSorted(), [0, 0, 1, 2])
  })
})

describe('votes do not wait', () => {
  it('if their member seems to have voted twice, or somebody forges its name', () => {
    const vote = fakeVote(Prevote, 0, 0, a)
    const state = count(begin(), [vote])
    assert.deepEqual(holding(fakeVote(Prevote, 0, 0, b)).places(state), [0])
    assert.deepEqual(holding(vote, fakeVote(Prevote, 0, 0, null)).places(begin()), [0, 0])
    assert.deepEqual(holding(vote, forged(vote)).places(begin()), [0, 0])
  })

  it('if too many are waiting', () => {
    const many = Array.from({ length: maxPendingVotes + 1 }, (_, i) =>
      fakeVote(Prevote, 0, i + 1, a),
    )
    assert.equal(holding(...many).places(begin()).length, many.length)
  })
})

it('drops copies, what is known, and what nobody needs any more', () => {
  const vote = fakeVote(Prevote, 0, 0, a)
  assert.equal(holding(vote, { ...vote }).pending.takeAll(begin()).length, 1)
  assert.deepEqual(holding(vote).pending.takeAll(count(begin(), [vote])), [])
  const late = step(
    { ...begin(), round: 70, step: Step.Precommit },
    { type: 'timeout', step: Step.Precommit, round: 70 },
  ).state
  assert.deepEqual(holding(vote).pending.takeAll(late), [])
})

function assertIdle(state: State, unseen: readonly Vote[]): void {
  let ahead = state
  for (const vote of unseen) {
    const next = step(ahead, { type: 'vote', vote })
    assert.deepEqual(next.effects, [])
    ahead = next.state
  }
}

/**
 * The rule that makes waiting safe: as long as nothing is due, the machine given every waiting vote would
 * do nothing but remember them.
 */
it('holds back no vote that would move the machine', () => {
  const anyVote = fc
    .tuple(
      fc.constantFrom(Prevote, Precommit),
      fc.constantFrom<Hash | null>(a, b, null),
      fc.nat(2),
      fc.nat(5),
    )
    .map(([kind, hash, round, index]) => fakeVote(kind, index, round, hash))
  const anyInput: fc.Arbitrary<Input> = fc.oneof(
    { weight: 6, arbitrary: anyVote.map((vote): Input => ({ type: 'vote', vote })) },
    {
      weight: 1,
      arbitrary: fc
        .tuple(fc.constantFrom(...Object.values(Step)), fc.nat(2))
        .map(([due, round]): Input => ({ type: 'timeout', step: due, round })),
    },
  )
  const anyPowers = fc.array(fc.bigInt(1n, 4n), { minLength: 6, maxLength: 6 })
  fc.assert(
    fc.property(anyPowers, fc.array(anyInput, { maxLength: 60 }), (powers, inputs) => {
      const pending = createPendingVotes()
      const held = new Set<Vote>()
      let state = begin(powers)
      for (const input of inputs) {
        if (input.type === 'vote') {
          pending.add({ peer: 'p', vote: input.vote })
          held.add(input.vote)
        } else state = step(state, input).state
        for (let due = pending.takeDue(state); due.length > 0; due = pending.takeDue(state)) {
          const taken = due.map(({ vote }) => vote)
          for (const vote of taken) held.delete(vote)
          state = count(state, taken)
        }
        assertIdle(state, [...held])
      }
    }),
    { numRuns: 300 },
  )
})
