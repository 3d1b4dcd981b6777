import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { futureRounds, startHeight, step } from '../../consensus/machine.ts'
import type { Effect, Input, State } from '../../consensus/machineState.ts'
import { Step } from '../../consensus/machineState.ts'
import { type Proposal, VoteKind } from '../../consensus/messages.ts'
import { keptRounds, wantedValues } from '../../consensus/round.ts'
import type { Hash } from '../../primitives/hash.ts'
import { fakeVote, nameOf } from './fixtures.ts'

const { Prevote, Precommit } = VoteKind
const a = nameOf('a')
const b = nameOf('b')

/** Four equal validators, of whom we are the last; proposer of round r is r mod 4. */
function begin(powers: readonly bigint[] = [1n, 1n, 1n, 1n], self: number | null = 3) {
  const total = powers.reduce((sum, power) => sum + power, 0n)
  const proposer = (round: number) => round % powers.length
  return startHeight({ height: 1n, powers, total, self, proposer })
}

/** Feed inputs; the state after them and the effects of the last one. */
function run(state: State, ...inputs: readonly Input[]) {
  let transition: { state: State; effects: readonly Effect[] } = { state, effects: [] }
  for (const input of inputs) transition = step(transition.state, input)
  return transition
}

function proposed(value: Hash, round = 0, validRound = -1, timely = true): Input {
  const proposal: Proposal = {
    height: 1n,
    round,
    validRound,
    envelopeHash: value,
    size: 1,
    partsRoot: value,
    time: 7n,
    validatorsHash: nameOf('set'),
    proposer: round % 4,
    signature: new Uint8Array(96),
  }
  return { type: 'proposal', proposal, timely }
}

const complete = (value: Hash): Input => ({ type: 'complete', value })
const judged = (value: Hash, time: bigint | null = 7n): Input => ({
  type: 'judged',
  value,
  time,
})
const timeout = (due: Step, round = 0): Input => ({ type: 'timeout', step: due, round })
const votes = (kind: VoteKind, hash: Hash | null, round: number, ...from: readonly number[]) =>
  from.map((index): Input => ({ type: 'vote', vote: fakeVote(kind, index, round, hash) }))

const castVote = (kind: VoteKind, hash: Hash | null, round = 0): Effect => ({
  type: 'vote',
  kind,
  round,
  hash,
})
const schedule = (due: Step, round = 0): Effect => ({ type: 'scheduleTimeout', step: due, round })

/** Prevoted `a` in round 0. */
const prevoted = [proposed(a), complete(a), judged(a)]
/** Locked on `a` in round 0. */
const locked = [...prevoted, ...votes(Prevote, a, 0, 0, 1, 2)]
const toRound1 = [timeout(Step.Precommit, 0)]

describe('starting a round (L11-L21)', () => {
  it('schedules the wait for a proposal', () => {
    assert.deepEqual(begin().effects, [{ type: 'startRound', round: 0 }, schedule(Step.Propose)])
  })

  it('asks the proposer for a new value, and gives it a timeout too', () => {
    assert.deepEqual(begin(undefined, 0).effects, [
      { type: 'startRound', round: 0 },
      { type: 'propose', round: 0, value: null },
      schedule(Step.Propose),
    ])
  })

  it('asks the proposer for its valid value again', () => {
    const { state } = begin(undefined, 1)
    const { effects } = run(state, ...locked, ...toRound1)
    assert.deepEqual(effects[1], { type: 'propose', round: 1, value: { value: a, round: 0 } })
  })

  it('does not ask who is not in the set', () => {
    const { effects } = begin(undefined, null)
    assert.ok(effects.every(({ type }) => type !== 'propose'))
  })
})

describe('a new proposal (L22-L27)', () => {
  const cases: readonly (readonly [string, readonly Input[], readonly Effect[]])[] = [
    ['waits for the verdict', [proposed(a), complete(a)], []],
    ['prevotes a valid value', prevoted, [castVote(Prevote, a)]],
    [
      'prevotes it whatever comes first',
      [complete(a), judged(a), proposed(a)],
      [castVote(Prevote, a)],
    ],
    [
      'prevotes nil for an invalid value',
      [proposed(a), complete(a), judged(a, null)],
      [castVote(Prevote, null)],
    ],
    [
      'prevotes nil if the timestamp is not believable',
      [proposed(a, 0, -1, false)],
      [castVote(Prevote, null)],
    ],
    [
      'prevotes nil if the proposal misstates the time',
      [proposed(a), complete(a), judged(a, 8n)],
      [castVote(Prevote, null)],
    ],
    ['judges nothing that is not in hand', [proposed(a), judged(a)], []],
    ['heeds the first proposal of a round only', [proposed(b), ...prevoted], []],
    ['prevotes once', [...prevoted, judged(a)], []],
    ['ignores a proposal of a later round', [proposed(a, 2), complete(a), judged(a)], []],
  ]
  for (const [name, inputs, effects] of cases)
    it(name, () => assert.deepEqual(run(begin().state, ...inputs).effects, effects))

  it('prevotes nil at once while locked on another value', () => {
    const { effects } = run(begin().state, ...locked, ...toRound1, proposed(b, 1))
    assert.deepEqual(effects, [castVote(Prevote, null, 1)])
  })

  it('prevotes the value it is locked on', () => {
    const { effects } = run(begin().state, ...locked, ...toRound1, proposed(a, 1))
    assert.deepEqual(effects, [castVote(Prevote, a, 1)])
  })

  it('keeps the proposal of the next round for its time', () => {
    const inputs = [proposed(a, 1), complete(a), judged(a), ...toRound1]
    assert.deepEqual(run(begin().state, ...inputs).effects.at(-1), castVote(Prevote, a, 1))
  })
})

describe('a proposal with a proof of lock (L28-L33)', () => {
  /** Round 2 proposes `b`, prevoted in round 1; we are locked on `a` since round 0. */
  const again = [
    ...locked,
    ...toRound1,
    timeout(Step.Precommit, 1),
    proposed(b, 2, 1),
    complete(b),
    judged(b),
  ]

  it('waits for more than two thirds of prevotes', () => {
    assert.deepEqual(run(begin().state, ...again, ...votes(Prevote, b, 1, 0, 1)).effects, [])
  })

  it('unlocks for a later lock', () => {
    const { effects } = run(begin().state, ...again, ...votes(Prevote, b, 1, 0, 1, 2))
    assert.deepEqual(effects, [castVote(Prevote, b, 2)])
  })

  it('does not unlock for an earlier one', () => {
    const lockedInRound1 = [
      ...toRound1,
      proposed(a, 1),
      complete(a),
      judged(a),
      ...votes(Prevote, a, 1, 0, 1, 2),
      timeout(Step.Precommit, 1),
    ]
    const { state } = run(begin().state, ...lockedInRound1, ...votes(Prevote, b, 0, 0, 1, 2))
    assert.deepEqual(state.locked, { value: a, round: 1 })
    const { effects } = run(state, proposed(b, 2, 0))
    assert.deepEqual(effects, [castVote(Prevote, null, 2)])
  })

  it('prevotes nil if the value is invalid', () => {
    const inputs = [...again.slice(0, -1), judged(b, null), ...votes(Prevote, b, 1, 0, 1, 2)]
    assert.deepEqual(run(begin().state, ...inputs).effects, [castVote(Prevote, null, 2)])
  })

  it('does not mind its timestamp', () => {
    const inputs = [...again.slice(0, -1), judged(b, 99n), ...votes(Prevote, b, 1, 0, 1, 2)]
    assert.deepEqual(run(begin().state, ...inputs).effects, [castVote(Prevote, b, 2)])
  })

  it("makes room for a liar's other votes for the value it waits for", () => {
    const c = nameOf('c')
    const lies = [
      ...votes(Prevote, c, 1, 2),
      ...votes(Prevote, null, 1, 2),
      ...votes(Prevote, b, 1, 0, 1, 2),
    ]
    assert.deepEqual(run(begin().state, ...again, ...lies).effects, [castVote(Prevote, b, 2)])
  })
})

describe('prevotes (L34-L46)', () => {
  it('schedules a timeout when two thirds have prevoted anything, once', () => {
    const { state, effects } = run(
      begin().state,
      ...prevoted,
      ...votes(Prevote, a, 0, 0, 1),
      ...votes(Prevote, null, 0, 2),
    )
    assert.deepEqual(effects, [schedule(Step.Prevote)])
    assert.deepEqual(run(state, ...votes(Prevote, null, 0, 3)).effects, [])
  })

  it('does not schedule it before its own prevote', () => {
    const inputs = [...votes(Prevote, null, 0, 0, 1), ...votes(Prevote, a, 0, 2)]
    assert.deepEqual(run(begin().state, ...inputs).effects, [])
  })

  it('locks and precommits what two thirds prevoted', () => {
    const { state, effects } = run(begin().state, ...locked)
    assert.deepEqual(effects, [castVote(Precommit, a)])
    assert.deepEqual(state.locked, { value: a, round: 0 })
    assert.deepEqual(state.valid, { value: a, round: 0 })
  })

  it('needs more than two thirds: exactly two thirds do not lock', () => {
    const { state } = begin([1n, 1n, 1n], 2)
    const inputs = [...prevoted, ...votes(Prevote, a, 0, 0, 1)]
    assert.equal(run(state, ...inputs).state.locked, null)
  })

  it('counts power, not heads', () => {
    const { state } = begin([7n, 1n, 1n, 1n])
    assert.equal(run(state, ...prevoted, ...votes(Prevote, a, 0, 1, 2, 3)).state.locked, null)
    assert.ok(run(state, ...prevoted, ...votes(Prevote, a, 0, 0)).state.locked)
  })

  it('does not lock what it has not found valid', () => {
    const quorum = votes(Prevote, a, 0, 0, 1, 2)
    const { state, effects } = run(begin().state, timeout(Step.Propose), complete(a), ...quorum)
    assert.equal(state.locked, null)
    assert.deepEqual(effects, [schedule(Step.Prevote)])
    assert.deepEqual(run(state, judged(a)).effects, [castVote(Precommit, a)])
    assert.deepEqual(run(state, judged(a, null)).effects, [])
  })

  it('only remembers the value when the quorum comes after its precommit', () => {
    const late = [
      ...prevoted,
      ...votes(Prevote, a, 0, 0, 1),
      ...votes(Prevote, null, 0, 2),
      timeout(Step.Prevote),
      ...votes(Prevote, a, 0, 3),
    ]
    const { state, effects } = run(begin().state, ...late)
    assert.deepEqual(effects, [])
    assert.equal(state.locked, null)
    assert.deepEqual(state.valid, { value: a, round: 0 })
  })

  it('precommits nil when two thirds prevoted nil, and keeps its lock', () => {
    const nil = [timeout(Step.Propose, 1), ...votes(Prevote, null, 1, 0, 1, 2)]
    const { state, effects } = run(begin().state, ...locked, ...toRound1, ...nil)
    assert.deepEqual(effects, [castVote(Precommit, null, 1)])
    assert.deepEqual(state.locked, { value: a, round: 0 })
  })
})

describe('precommits (L47-L54)', () => {
  it('schedules a timeout when two thirds have precommitted anything, once', () => {
    const { state, effects } = run(
      begin().state,
      ...votes(Precommit, a, 0, 0, 1),
      ...votes(Precommit, null, 0, 2),
    )
    assert.deepEqual(effects, [schedule(Step.Precommit)])
    assert.deepEqual(run(state, ...votes(Precommit, null, 0, 3)).effects, [])
  })

  it('decides what two thirds precommitted, even if it voted against it', () => {
    const { state, effects } = run(
      begin().state,
      proposed(a),
      complete(a),
      judged(a, null),
      ...votes(Precommit, a, 0, 0, 1, 2),
    )
    assert.deepEqual(effects, [{ type: 'commit', round: 0, value: a }])
    assert.deepEqual(state.decided, { value: a, round: 0 })
    assert.deepEqual(run(state, timeout(Step.Precommit)).effects, [])
  })

  it('waits for the bytes', () => {
    const { state } = run(begin().state, ...votes(Precommit, a, 0, 0, 1, 2))
    assert.equal(state.decided, null)
    assert.deepEqual(wantedValues(state), [a])
    assert.deepEqual(run(state, complete(a)).effects, [{ type: 'commit', round: 0, value: a }])
  })

  it('decides by precommits of an earlier round', () => {
    const inputs = [...prevoted, ...toRound1, ...votes(Precommit, a, 0, 0, 1, 2)]
    const { state } = run(begin().state, ...inputs)
    assert.deepEqual(run(state, complete(a)).effects, [{ type: 'commit', round: 0, value: a }])
  })

  it('never decides nil', () => {
    const { state } = run(begin().state, ...votes(Precommit, null, 0, 0, 1, 2, 3))
    assert.equal(state.decided, null)
  })
})

describe('skipping rounds (L55-L56)', () => {
  it('follows more than a third of the power to a later round', () => {
    const { state, effects } = run(
      begin().state,
      ...votes(Prevote, null, 5, 0),
      ...votes(Precommit, null, 5, 1),
    )
    assert.equal(state.round, 5)
    assert.deepEqual(effects, [{ type: 'startRound', round: 5 }, schedule(Step.Propose, 5)])
  })

  it('counts a member once, and a third is not enough', () => {
    const twice = [...votes(Prevote, null, 5, 0), ...votes(Precommit, null, 5, 0)]
    assert.equal(run(begin().state, ...twice).state.round, 0)
    const { state } = begin([1n, 1n, 1n], 2)
    assert.equal(run(state, ...votes(Prevote, null, 5, 0)).state.round, 0)
  })
})

describe('timeouts (L57-L67)', () => {
  it('prevotes nil without a proposal', () => {
    const { effects } = run(begin().state, timeout(Step.Propose))
    assert.deepEqual(effects, [castVote(Prevote, null)])
  })

  it('precommits nil without a quorum of prevotes', () => {
    const { effects } = run(begin().state, ...prevoted, timeout(Step.Prevote))
    assert.deepEqual(effects, [castVote(Precommit, null)])
  })

  it('starts the next round without a decision', () => {
    const { effects } = run(begin().state, ...toRound1)
    assert.deepEqual(effects, [{ type: 'startRound', round: 1 }, schedule(Step.Propose, 1)])
  })

  it('ignores those of a step or round that is over', () => {
    const { state } = run(begin().state, ...prevoted)
    for (const late of [
      timeout(Step.Propose),
      timeout(Step.Prevote, 1),
      timeout(Step.Precommit, 3),
    ])
      assert.deepEqual(run(state, late), { state, effects: [] })
  })
})

describe('what it keeps', () => {
  it('reports a second vote for another value, once', () => {
    const [first, second, third] = [a, b, null].map((hash) => fakeVote(Prevote, 0, 0, hash))
    const { state } = run(begin().state, { type: 'vote', vote: first! })
    const twice = run(state, { type: 'vote', vote: second! })
    assert.deepEqual(twice.effects, [{ type: 'evidence', first, second }])
    assert.deepEqual(run(twice.state, { type: 'vote', vote: third! }).effects, [])
    assert.deepEqual(run(twice.state, { type: 'vote', vote: second! }).effects, [])
  })

  it("bounds each member's votes ahead, keeping the newest", () => {
    const ahead = [10, 20, 30, 40].flatMap((round) => votes(Prevote, null, round, 0))
    const { state } = run(begin().state, ...ahead)
    assert.deepEqual([...state.votes.keys()], [30, 40])
    assert.equal(futureRounds, 2)
  })

  it('forgets votes of rounds long past, but not those of its lock', () => {
    let { state } = run(begin().state, ...locked, ...votes(Precommit, null, 0, 1))
    for (let round = 0; round < 2 * keptRounds; round++)
      state = run(
        state,
        ...votes(Prevote, null, round + 1, 0),
        timeout(Step.Precommit, round),
      ).state
    assert.ok(state.votes.has(0))
    assert.ok(!state.votes.has(1))
    assert.equal(state.votes.size, keptRounds + 1)
  })

  it('forgets verdicts of values that nothing refers to', () => {
    const { state } = run(begin().state, ...prevoted, ...toRound1)
    assert.equal(state.verdicts.size, 0)
    assert.equal(run(begin().state, ...locked, ...toRound1).state.verdicts.size, 1)
  })

  it('ignores votes from outside the set', () => {
    const { state } = begin()
    assert.deepEqual(run(state, ...votes(Prevote, a, 0, 4)), { state, effects: [] })
  })
})
