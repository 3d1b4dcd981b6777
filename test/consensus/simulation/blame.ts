/**
 * The forensic command's question, asked of a simulated fork: its votes are signed afterwards, each by
 * the node that cast it, and given to the real code.
 */
import { sign } from '../../../consensus/bls.ts'
import { makeCommit } from '../../../consensus/commit.ts'
import { electorateOf } from '../../../consensus/electorate.ts'
import { blameFor } from '../../../consensus/forensics.ts'
import { type Vote, VoteKind, voteSignBytes } from '../../../consensus/messages.ts'
import { chainId, makeSet, params, secretKeyOf, setHashOf } from '../fixtures.ts'
import type { Fork } from './simulate.ts'
import type { Proof } from './world.ts'

export function blameForFork(
  powers: readonly bigint[],
  { height, proofs }: Fork,
  log: readonly Vote[],
) {
  const set = makeSet(powers)
  const electorate = electorateOf(chainId, height, set, params)
  const signed = (vote: Vote): Vote => {
    const real = { ...vote, validatorsHash: setHashOf(set) }
    return { ...real, signature: sign(secretKeyOf(vote.index), voteSignBytes(chainId, real)) }
  }
  const commitOf = ({ value: hash, round, signers }: Proof) => {
    const [validatorsHash, signature] = [setHashOf(set), new Uint8Array()]
    const kind = VoteKind.Precommit
    const votes = signers.map((index) =>
      signed({ kind, height, round, hash, validatorsHash, index, signature }),
    )
    return makeCommit(votes, set)
  }
  const [first, second] = proofs
  const ours = log.filter((vote) => vote.height === height)
  return blameFor(electorate, [commitOf(first), commitOf(second)], ours.map(signed))
}
