/**
 * Batches: what may be delivered to a node at once, as small integers, and the inputs they stand for.
 *
 * Members are bits of a mask or base-4 digits of a combination. Liars are always willing, so only the
 * honest voters of a batch are named.
 */
import { type Input, type State, Step } from '../../consensus/machineState.ts'
import { VoteKind } from '../../consensus/messages.ts'
import {
  type Ballot,
  ballots,
  type Offer,
  proposalInput,
  rulesOf,
  type Scenario,
  type Value,
  verdictInputs,
  voteInput,
} from './scenario.ts'

export const Kind = {
  ProposeTimeout: 0,
  Proposal: 1,
  Polka: 2,
  PrevoteTimeout: 3,
  PrecommitTimeout: 4,
  Skip: 5,
  LostLog: 6,
  Decide: 7,
} as const

export const proposeTimeout: number = Kind.ProposeTimeout
export const lostLog: number = Kind.LostLog

/** A proposal of the present round, with all prevotes of the round that its proof of lock names. */
export function proposalBatch(
  { value, validRound }: Offer,
  timely: boolean,
  combination: number,
): number {
  return Kind.Proposal + 8 * (value + 2 * (Number(timely) + 2 * (validRound + 1 + 8 * combination)))
}

/** Prevotes of the present round for one thing, and the verdict of it. */
export function polkaBatch(ballot: Ballot, mask: number): number {
  return Kind.Polka + 8 * (ballot + 4 * mask)
}

/** Votes of the present round that add up to no decision, and the timeout they start. */
export function timeoutBatch(kind: VoteKind, combination: number): number {
  const type = kind === VoteKind.Prevote ? Kind.PrevoteTimeout : Kind.PrecommitTimeout
  return type + 8 * combination
}

export function skipBatch(round: number, mask: number): number {
  return Kind.Skip + 8 * (round + 8 * mask)
}

export function decideBatch(ballot: Ballot, round: number, mask: number): number {
  return Kind.Decide + 8 * (ballot + 4 * (round + 8 * mask))
}

export function kindOf(batch: number): number {
  return batch % 8
}

/** The offer of a proposal batch, and the honest members whose prevotes back it. */
export function offerOf(scenario: Scenario, batch: number): Offer & { readonly backers: number } {
  const rest = batch >> 3
  const value = (rest & 1) as Value
  const backers = scenario.powers.reduce(
    (mask, _, member) => (digit(batch >> 8, member) === value + 2 ? mask | (1 << member) : mask),
    0,
  )
  return { value, validRound: ((rest >> 2) & 7) - 1, backers }
}

function digit(combination: number, member: number): Ballot {
  return (combination >> (2 * member)) & 3
}

/**
 * The inputs of a batch for a node in `state`. Of several orders of votes the first that starts the
 * timeout is as good as any; they are tried by the caller.
 */
export function inputsOf(
  scenario: Scenario,
  state: State,
  batch: number,
): readonly (readonly Input[])[] {
  const rest = batch >> 3
  const { round } = state
  switch (kindOf(batch)) {
    case Kind.ProposeTimeout:
      return [[{ type: 'timeout', step: Step.Propose, round }]]
    case Kind.Proposal:
      return [proposalInputs(scenario, round, batch)]
    case Kind.Polka:
      return [votesFor(scenario, VoteKind.Prevote, round, rest & 3, rest >> 2)]
    case Kind.PrevoteTimeout:
      return mixtures(scenario, VoteKind.Prevote, round, rest)
    case Kind.PrecommitTimeout:
      return mixtures(scenario, VoteKind.Precommit, round, rest)
    case Kind.Skip:
      return [votes(scenario, VoteKind.Prevote, rest & 7, 1, rest >> 3)]
    case Kind.Decide:
      return [votesFor(scenario, VoteKind.Precommit, (rest >> 2) & 7, rest & 3, rest >> 5)]
    default:
      return []
  }
}

function proposalInputs(scenario: Scenario, round: number, batch: number): readonly Input[] {
  const offer = offerOf(scenario, batch)
  const timely = ((batch >> 4) & 1) === 1
  const proposer = rulesOf(scenario, null).proposer(round)
  const proof =
    offer.validRound < 0
      ? []
      : scenario.powers.flatMap((_, member) => {
          const cast = scenario.liars.includes(member) ? offer.value + 2 : digit(batch >> 8, member)
          return cast === 0 ? [] : [voteInput(VoteKind.Prevote, member, offer.validRound, cast)]
        })
  const verdict = timely ? verdictInputs(scenario, offer.value) : []
  return [proposalInput(offer, round, proposer, timely), ...proof, ...verdict]
}

function votesFor(
  scenario: Scenario,
  kind: VoteKind,
  round: number,
  ballot: Ballot,
  mask: number,
): readonly Input[] {
  const all = votes(scenario, kind, round, ballot, mask)
  return ballot < 2 ? all : [...verdictInputs(scenario, (ballot - 2) as Value), ...all]
}

function votes(
  { powers, liars }: Scenario,
  kind: VoteKind,
  round: number,
  ballot: Ballot,
  mask: number,
): readonly Input[] {
  return powers.flatMap((_, member) =>
    liars.includes(member) || ((mask >> member) & 1) === 1
      ? [voteInput(kind, member, round, ballot)]
      : [],
  )
}

/** Every choice of honest voters out of `combination`, with every choice of the liars' ballots. */
function mixtures(
  { powers, liars }: Scenario,
  kind: VoteKind,
  round: number,
  combination: number,
): readonly (readonly Input[])[] {
  let choices: readonly (readonly Input[])[] = [[]]
  for (const [member] of powers.entries()) {
    const cast = digit(combination, member)
    const own = liars.includes(member) ? ballots : cast === 0 ? [] : [cast]
    choices = choices.flatMap((chosen) => [
      chosen,
      ...own.map((ballot) => [...chosen, voteInput(kind, member, round, ballot)]),
    ])
  }
  return choices.toSorted((a, b) => b.length - a.length)
}
