/**
 * What `parentBeaconBlockRoot` commits to: a Merkle root over five digests, so that a contract can prove
 * each through EIP-4788, and a light client learns both sets from a header. Needs no Ethereum library.
 */
import { type Hash, hashBytes, hashOf } from '../primitives/hash.ts'
import { merkleLeaf, merkleRoot } from '../primitives/merkle.ts'

export type BeaconLeaves = {
  readonly parentCommit: Hash
  /** Hashes of the sets of this epoch and of the next. */
  readonly current: Hash
  readonly next: Hash
  readonly reveal: Hash
  readonly evidence: Hash
}

/** The leaves that follow from an envelope alone. */
export function envelopeLeaves(envelope: {
  readonly parentCommit: Uint8Array
  readonly reveal: Uint8Array
  readonly evidence: readonly Uint8Array[]
}): Omit<BeaconLeaves, 'current' | 'next'> {
  return {
    parentCommit: hashOf('waggle/commit/v1', envelope.parentCommit),
    reveal: hashOf('waggle/reveal/v1', envelope.reveal),
    evidence: merkleRoot(envelope.evidence.map(merkleLeaf)),
  }
}

export function rootOfLeaves(leaves: BeaconLeaves): Hash {
  const { parentCommit, current, next, reveal, evidence } = leaves
  const inOrder = [parentCommit, current, next, reveal, evidence]
  return merkleRoot(inOrder.map((leaf) => merkleLeaf(hashBytes(leaf))))
}
