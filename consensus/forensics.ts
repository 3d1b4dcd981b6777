/**
 * Forensics: who broke the rules when one height has two commits. From the two commits and the votes
 * that nodes have logged, it names more than a third of the power.
 *
 * @see Sheng, Wang, Nayak, Kannan, Viswanath, "BFT Protocol Forensics", arXiv:2010.06785, section 5
 */
import { type Commit, hasSigned } from '../chain/commit.ts'
import type { Hash } from '../primitives/hash.ts'
import { type Fault, ok, type Result, refuse } from '../primitives/result.ts'
import { totalPower } from '../registry/validatorSet.ts'
import { makeCommit, verifyCommit } from './commit.ts'
import type { Electorate } from './electorate.ts'
import { checkVoteSignatures, voteShapeFault } from './intake.ts'
import type { Input } from './machineState.ts'
import { type Vote, VoteKind } from './messages.ts'
import { isQuorum } from './votes.ts'

export type Blame = {
  /**
   * `equivocation`: voted for two values in `round`, with one kind of vote. `amnesia`: precommitted one
   * value and prevoted another in the later `round`, before two thirds had prevoted that one.
   */
  readonly offence: 'equivocation' | 'amnesia'
  readonly round: number
  /** Places in the set, ascending. */
  readonly culprits: readonly number[]
  readonly power: bigint
  readonly total: bigint
}

export type ForensicFault =
  /** The commits do not contradict each other. */
  | { readonly code: 'forensics/noFork'; readonly heights: readonly [bigint, bigint] }
  | { readonly code: 'forensics/commit'; readonly round: number; readonly fault: Fault }
  /** The logs lack the prevotes that led to the later commit: ask more nodes for theirs. */
  | { readonly code: 'forensics/incomplete'; readonly from: number; readonly to: number }

/** The votes among the inputs of a height's log. */
export function votesInLog(inputs: readonly Input[]): readonly Vote[] {
  return inputs.flatMap((input) => (input.type === 'vote' ? [input.vote] : []))
}

/**
 * Equivocation proves itself. Amnesia is a charge that its culprits can answer, by prevotes of an earlier
 * round that nobody else has shown: blame again with their logs before anybody is punished.
 *
 * @param votes - of all logs there are; those of other heights and forged ones are passed over.
 */
export function blameFor(
  electorate: Electorate,
  commits: readonly [Commit, Commit],
  votes: readonly Vote[],
): Result<Blame, ForensicFault> {
  const [first, second] = commits.toSorted((a, b) => a.round - b.round) as [Commit, Commit]
  const fault = forkFault(electorate, first, second)
  if (fault !== null) return refuse(fault)
  const { envelopeHash: value, round } = first
  const signers = placesOf(electorate, first)
  if (round === second.round)
    return verdict(electorate, 'equivocation', round, meet(signers, placesOf(electorate, second)))

  const prevotes = genuinePrevotes(electorate, votes, round, second.round)
  const rival = firstRival(electorate, prevotes, value)
  if (rival === null) return refuse({ code: 'forensics/incomplete', from: round, to: second.round })
  if (rival.round > round)
    return verdict(electorate, 'amnesia', rival.round, meet(signers, rival.voters))
  const loyal = prevotes.get(round)?.get(value) ?? new Set()
  return verdict(electorate, 'equivocation', round, meet(loyal, rival.voters))
}

/** The commits that genuine precommits in `votes` add up to: for each value the earliest. */
export function commitsIn(electorate: Electorate, votes: readonly Vote[]): readonly Commit[] {
  const { height, set } = electorate
  const claimed = votes.filter(
    (vote) =>
      vote.kind === VoteKind.Precommit &&
      vote.height === height &&
      vote.hash !== null &&
      voteShapeFault(electorate, vote) === null,
  )
  const distinct = new Map(
    claimed.map((vote) => [`${vote.index} ${vote.round} ${vote.hash} ${vote.signature}`, vote]),
  )
  const precommits = [...distinct.values()]
  const genuine = checkVoteSignatures(electorate, precommits)
  const ballots = new Map<string, Map<number, Vote>>()
  for (const vote of precommits.filter((_, i) => genuine[i])) {
    const key = `${vote.round} ${vote.hash}`
    ballots.set(key, (ballots.get(key) ?? new Map()).set(vote.index, vote))
  }
  const commits = new Map<Hash, Commit>()
  for (const ballot of ballots.values()) {
    if (!isQuorum(powerOf(electorate, ballot.keys()), totalPower(set))) continue
    const commit = makeCommit([...ballot.values()], set)
    const earlier = commits.get(commit.envelopeHash)
    if (earlier === undefined || commit.round < earlier.round)
      commits.set(commit.envelopeHash, commit)
  }
  return [...commits.values()]
}

function forkFault(electorate: Electorate, first: Commit, second: Commit): ForensicFault | null {
  const { height, set, chainId } = electorate
  if (first.height !== height || second.height !== height || sameValue(first, second))
    return { code: 'forensics/noFork', heights: [first.height, second.height] }
  for (const commit of [first, second]) {
    const checked = verifyCommit(commit, set, chainId)
    if (!checked.ok) return { code: 'forensics/commit', round: commit.round, fault: checked.fault }
  }
  return null
}

function sameValue(first: Commit, second: Commit): boolean {
  return first.envelopeHash === second.envelopeHash
}

/** The first round in which more than two thirds prevoted another value, and who did. */
function firstRival(electorate: Electorate, prevotes: Ballots, value: Hash) {
  const total = totalPower(electorate.set)
  for (const round of [...prevotes.keys()].toSorted((a, b) => a - b))
    for (const [hash, voters] of prevotes.get(round)!)
      if (hash !== value && isQuorum(powerOf(electorate, voters), total)) return { round, voters }
  return null
}

/** Two quorums share more than a third; less is a log that lacks one of them. */
function verdict(
  electorate: Electorate,
  offence: Blame['offence'],
  round: number,
  culprits: readonly number[],
): Result<Blame, ForensicFault> {
  const power = powerOf(electorate, culprits)
  const total = totalPower(electorate.set)
  return 3n * power > total
    ? ok({ offence, round, culprits, power, total })
    : refuse({ code: 'forensics/incomplete', from: round, to: round })
}

type Ballots = ReadonlyMap<number, ReadonlyMap<Hash, ReadonlySet<number>>>

/** Voters by round and value, nil aside, of rounds `from` to `to`. */
function genuinePrevotes(
  electorate: Electorate,
  votes: readonly Vote[],
  from: number,
  to: number,
): Ballots {
  const distinct = new Map<string, Vote>()
  for (const vote of votes) {
    const near = vote.kind === VoteKind.Prevote && vote.round >= from && vote.round <= to
    const ours = vote.height === electorate.height && voteShapeFault(electorate, vote) === null
    if (near && ours && vote.hash !== null)
      distinct.set(`${vote.round} ${vote.index} ${vote.hash} ${vote.signature.join()}`, vote)
  }
  const claimed = [...distinct.values()]
  const genuine = checkVoteSignatures(electorate, claimed)
  const ballots = new Map<number, Map<Hash, Set<number>>>()
  for (const { round, hash, index } of claimed.filter((_, i) => genuine[i])) {
    const values = ballots.get(round) ?? new Map<Hash, Set<number>>()
    const voters = values.get(hash!) ?? new Set<number>()
    ballots.set(round, values.set(hash!, voters.add(index)))
  }
  return ballots
}

function placesOf({ set }: Electorate, commit: Commit): ReadonlySet<number> {
  return new Set(set.validators.flatMap((_, index) => (hasSigned(commit, index) ? [index] : [])))
}

function meet(a: ReadonlySet<number>, b: ReadonlySet<number>): readonly number[] {
  return [...a].filter((index) => b.has(index)).toSorted((x, y) => x - y)
}

function powerOf({ set }: Electorate, places: Iterable<number>): bigint {
  return [...places].reduce((sum, index) => sum + set.validators[index]!.power, 0n)
}
