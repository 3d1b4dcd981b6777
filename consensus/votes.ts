/**
 * The vote book: verified votes of one height by round and kind, and the power behind each value.
 *
 * A member who votes twice counts once towards "any value" but for each of the values it voted for:
 * a liar could have shown us either vote alone, so quorum intersection loses nothing, and an honest
 * quorum that includes a liar's other vote can still be seen.
 */
import type { Hash } from '../primitives/hash.ts'
import type { Vote, VoteKind } from './messages.ts'

/** Votes of one kind in one round. */
export type Tally = {
  /** Each member's votes, the first one first; more than one is evidence. */
  readonly byMember: ReadonlyMap<number, readonly Vote[]>
  readonly byHash: ReadonlyMap<Hash | null, bigint>
  /** Power of all members who voted, for whatever value. */
  readonly power: bigint
}

type RoundVotes = Readonly<Record<VoteKind, Tally>>
export type VoteBook = ReadonlyMap<number, RoundVotes>

/** What became of a vote. `conflict` names the member's first vote, of another value. */
export type Added =
  | { readonly type: 'added'; readonly book: VoteBook; readonly conflict: Vote | null }
  | { readonly type: 'known' }
  | { readonly type: 'crowded' }

/** Votes of one member, round and kind that are kept unless the machine looks for the value. */
const maxVotesEach = 2

const emptyTally: Tally = { byMember: new Map(), byHash: new Map(), power: 0n }
const emptyRound: RoundVotes = { prevote: emptyTally, precommit: emptyTally }

/** More than two thirds. */
export function isQuorum(power: bigint, total: bigint): boolean {
  return 3n * power > 2n * total
}

/** More than one third: at least one honest voter is among them. */
export function isThird(power: bigint, total: bigint): boolean {
  return 3n * power > total
}

export function tallyOf(book: VoteBook, round: number, kind: VoteKind): Tally {
  return (book.get(round) ?? emptyRound)[kind]
}

/**
 * Add a verified vote.
 *
 * @param power - of the voter.
 * @param sought - the machine waits for votes of this value: room is made for it.
 */
export function addVote(book: VoteBook, vote: Vote, power: bigint, sought: boolean): Added {
  const round = book.get(vote.round) ?? emptyRound
  const tally = round[vote.kind]
  const votes = tally.byMember.get(vote.index) ?? []
  if (votes.some((other) => other.hash === vote.hash)) return { type: 'known' }
  if (votes.length >= maxVotesEach && !sought) return { type: 'crowded' }
  const next: Tally = {
    byMember: new Map(tally.byMember).set(vote.index, [...votes, vote]),
    byHash: new Map(tally.byHash).set(vote.hash, (tally.byHash.get(vote.hash) ?? 0n) + power),
    power: votes.length === 0 ? tally.power + power : tally.power,
  }
  const added = new Map(book).set(vote.round, { ...round, [vote.kind]: next })
  return { type: 'added', book: added, conflict: votes.length === 1 ? votes[0]! : null }
}

/** The value with more than two thirds; null is nil, undefined is none. */
export function quorumHash(tally: Tally, total: bigint): Hash | null | undefined {
  for (const [hash, power] of tally.byHash) if (isQuorum(power, total)) return hash
  return undefined
}

/** Whether more than two thirds voted for `hash`. */
export function hasQuorum(tally: Tally, hash: Hash | null, total: bigint): boolean {
  return isQuorum(tally.byHash.get(hash) ?? 0n, total)
}

/** Every kept vote for `hash`, by member. */
export function votesFor(tally: Tally, hash: Hash | null): readonly Vote[] {
  return [...tally.byMember.values()].flatMap((votes) => votes.filter((vote) => vote.hash === hash))
}

/** Every kept vote. */
export function votesOf(tally: Tally): readonly Vote[] {
  return [...tally.byMember.values()].flat()
}

/** Members seen in a round, by either kind. */
export function votersOf(book: VoteBook, round: number): ReadonlySet<number> {
  const { prevote, precommit } = book.get(round) ?? emptyRound
  return new Set([...prevote.byMember.keys(), ...precommit.byMember.keys()])
}

/** The book without `index`'s votes of `round`; a round without votes goes too. */
export function forgetVoter(book: VoteBook, round: number, index: number, power: bigint): VoteBook {
  const votes = book.get(round)
  if (votes === undefined) return book
  const prevote = without(votes.prevote, index, power)
  const precommit = without(votes.precommit, index, power)
  const next = new Map(book)
  if (prevote.byMember.size + precommit.byMember.size === 0) next.delete(round)
  else next.set(round, { prevote, precommit })
  return next
}

function without(tally: Tally, index: number, power: bigint): Tally {
  const votes = tally.byMember.get(index)
  if (votes === undefined) return tally
  const byMember = new Map(tally.byMember)
  byMember.delete(index)
  const byHash = new Map(tally.byHash)
  for (const { hash } of votes) {
    const left = byHash.get(hash)! - power
    if (left === 0n) byHash.delete(hash)
    else byHash.set(hash, left)
  }
  return { byMember, byHash, power: tally.power - power }
}
