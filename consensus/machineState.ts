/**
 * State, inputs and effects of the consensus machine at one height.
 *
 * @see Buchman, Kwon, Milosevic, "The latest gossip on BFT consensus", arXiv:1807.04938v3, Algorithm 1
 */
import type { Hash } from '../primitives/hash.ts'
import type { Proposal, Vote, VoteKind } from './messages.ts'
import type { VoteBook } from './votes.ts'

export const Step = { Propose: 'propose', Prevote: 'prevote', Precommit: 'precommit' } as const
export type Step = (typeof Step)[keyof typeof Step]

/** What is fixed for a height. */
export type HeightRules = {
  readonly height: bigint
  /** Voting power by place in the set. */
  readonly powers: readonly bigint[]
  readonly total: bigint
  /** Our place in the set; null follows without voting. */
  readonly self: number | null
  /** Place of the proposer of a round; a pure function. */
  readonly proposer: (round: number) => number
}

/** A value and the round that gave it its standing. */
export type Claim = { readonly value: Hash; readonly round: number }

/** A signed proposal, and whether its timestamp was believable when it came. */
export type Candidate = { readonly proposal: Proposal; readonly timely: boolean }

/**
 * What is known of a value: its bytes are complete; or they were also judged. `time` is the block's
 * timestamp, which a proposal may have misstated.
 */
type Verdict =
  | { readonly type: 'complete' }
  | { readonly type: 'valid'; readonly time: bigint }
  | { readonly type: 'invalid' }

export type State = {
  readonly rules: HeightRules
  readonly round: number
  readonly step: Step
  readonly locked: Claim | null
  readonly valid: Claim | null
  /** The first proposal of each round, for this round and the next. */
  readonly candidates: ReadonlyMap<number, Candidate>
  readonly verdicts: ReadonlyMap<Hash, Verdict>
  readonly votes: VoteBook
  /** What happens "for the first time" in a round has happened in this one. */
  readonly seen: {
    /** L34 */
    readonly anyPrevotes: boolean
    /** L36 */
    readonly polka: boolean
    /** L47 */
    readonly anyPrecommits: boolean
  }
  readonly decided: Claim | null
}

/** Facts the driver has established: signatures are checked, proposers and heights are right. */
export type Input =
  | { readonly type: 'proposal'; readonly proposal: Proposal; readonly timely: boolean }
  /** All bytes of a value are in hand. */
  | { readonly type: 'complete'; readonly value: Hash }
  | { readonly type: 'judged'; readonly value: Hash; readonly time: bigint | null }
  | { readonly type: 'vote'; readonly vote: Vote }
  | { readonly type: 'timeout'; readonly step: Step; readonly round: number }

export type Effect =
  | { readonly type: 'startRound'; readonly round: number }
  /** L14-L19; `value: null` asks for a new one. */
  | { readonly type: 'propose'; readonly round: number; readonly value: Claim | null }
  | {
      readonly type: 'vote'
      readonly kind: VoteKind
      readonly round: number
      readonly hash: Hash | null
    }
  | { readonly type: 'scheduleTimeout'; readonly step: Step; readonly round: number }
  | { readonly type: 'commit'; readonly round: number; readonly value: Hash }
  | { readonly type: 'evidence'; readonly first: Vote; readonly second: Vote }

export type Transition = { readonly state: State; readonly effects: readonly Effect[] }

/** Nothing happens. */
export function stay(state: State): Transition {
  return { state, effects: [] }
}

/** One transition after another. */
export function andThen(first: Transition, next: (state: State) => Transition): Transition {
  const second = next(first.state)
  return { state: second.state, effects: [...first.effects, ...second.effects] }
}
