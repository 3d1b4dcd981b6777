/**
 * What the explorer is asked to explore, and the messages that can occur in it.
 */
import type { startHeight, step } from '../../consensus/machine.ts'
import type { HeightRules, Input } from '../../consensus/machineState.ts'
import type { VoteKind } from '../../consensus/messages.ts'
import type { replayHeight } from '../../consensus/replay.ts'
import type { Hash } from '../../primitives/hash.ts'
import { fakeVote, nameOf } from '../consensus/fixtures.ts'

/** The code under test: the real one, or a mutant of it. */
export type Machine = {
  readonly startHeight: typeof startHeight
  readonly step: typeof step
  readonly replayHeight: typeof replayHeight
}

export type Scenario = {
  readonly powers: readonly bigint[]
  /** Places of the byzantine; they may say anything to anybody at any time. */
  readonly liars: readonly number[]
  /** Proposer by round; goes round. */
  readonly proposers: readonly number[]
  /** Rounds explored; who leaves the last one takes no further part. */
  readonly rounds: number
  /** Values that no honest node may vote for. */
  readonly invalid: readonly Value[]
  /** Honest nodes may lose their log (not their guard) and start again. */
  readonly losesLogs: boolean
  /** The guard before each signature; left out only to plant a bug. */
  readonly guarded: boolean
}

export const four: Scenario = {
  powers: [1n, 1n, 1n, 1n],
  liars: [3],
  proposers: [3, 0],
  rounds: 2,
  invalid: [],
  losesLogs: false,
  guarded: true,
}

/** Two values: 0 and 1. */
export type Value = 0 | 1
export const values: readonly Hash[] = [nameOf('A'), nameOf('B')]

/** What was voted: 0 nothing yet, 1 nil, 2 and 3 the values. */
export type Ballot = number
export const ballots: readonly Ballot[] = [1, 2, 3]

export function hashOfBallot(ballot: Ballot): Hash | null {
  return ballot === 1 ? null : values[ballot - 2]!
}

export function ballotOf(hash: Hash | null): Ballot {
  return hash === null ? 1 : 2 + values.indexOf(hash)
}

/** A proposal as the explorer sees it. */
export type Offer = { readonly value: Value; readonly validRound: number }

export function rulesOf(scenario: Scenario, self: number | null): HeightRules {
  const { powers, proposers } = scenario
  const total = powers.reduce((a, b) => a + b, 0n)
  const proposer = (round: number) => proposers[round % proposers.length]!
  return { height: 1n, powers, total, self, proposer }
}

export function proposalInput(
  { value, validRound }: Offer,
  round: number,
  proposer: number,
  timely: boolean,
): Input {
  const hash = values[value]!
  const rest = { size: 1, partsRoot: hash, time: 1n, validatorsHash: nameOf('set') }
  const signature = new Uint8Array()
  const proposal = { height: 1n, round, validRound, envelopeHash: hash, proposer, signature }
  return { type: 'proposal', proposal: { ...proposal, ...rest }, timely }
}

export function voteInput(kind: VoteKind, member: number, round: number, ballot: Ballot): Input {
  return { type: 'vote', vote: fakeVote(kind, member, round, hashOfBallot(ballot)) }
}

/** The bytes of a value arrive and are judged. */
export function verdictInputs(scenario: Scenario, value: Value): readonly Input[] {
  const hash = values[value]!
  const time = scenario.invalid.includes(value) ? null : 1n
  return [
    { type: 'complete', value: hash },
    { type: 'judged', value: hash, time },
  ]
}
