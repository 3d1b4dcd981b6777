/**
 * Blocks of a chain with one validator, the first of a devnet, in this process: what it needs to build
 * one, and the commit that seals it.
 */
import type { Candidate } from '../chain/builder.ts'
import type { Chain } from '../chain/chain.ts'
import { encodeCommit } from '../chain/commit.ts'
import { envelopeHashOf } from '../chain/envelope.ts'
import { sign, signReveal } from '../consensus/bls.ts'
import { VoteKind, voteSignBytes } from '../consensus/messages.ts'
import { devnetKeys } from '../node/keysDevnet.ts'
import { systemClock } from '../primitives/clock.ts'
import { validatorSetHash } from '../registry/validatorSet.ts'

const validator = devnetKeys(0)

/** Build the block after the head, one second after it. */
export async function buildNext(
  chain: Chain,
  candidates: readonly Candidate[],
): ReturnType<Chain['build']> {
  const height = chain.head().height + 1n
  return chain.build(
    {
      candidates,
      coinbase: validator.address,
      reveal: signReveal(validator.votingKey, chain.genesis.chainId, height),
      parentCommit: (await chain.commitAt(height - 1n)) ?? new Uint8Array(),
      evidence: [],
      timestamp: chain.head().header.timestamp + 1n,
    },
    systemClock,
  )
}

/** The commit of the block after the head. */
export async function commitNext(chain: Chain, envelope: Uint8Array): Promise<Uint8Array> {
  const height = chain.head().height + 1n
  const envelopeHash = envelopeHashOf(envelope)
  const validatorsHash = validatorSetHash((await chain.setAt(height))!)
  const vote = { kind: VoteKind.Precommit, height, round: 0, hash: envelopeHash, validatorsHash }
  const signature = sign(validator.votingKey, voteSignBytes(chain.genesis.chainId, vote))
  const bitmap = Uint8Array.of(1)
  return encodeCommit({ height, round: 0, envelopeHash, validatorsHash, bitmap, signature })
}
