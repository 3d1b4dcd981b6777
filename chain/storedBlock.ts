/**
 * A committed block, and where the chain stood after it.
 */
import type { Block } from '@ethereumjs/block'
import { type Hash, hashFromBytes } from '../primitives/hash.ts'
import type { StateStore } from '../vm/stateStore.ts'
import type { ChainState } from './chainState.ts'

export type StoredBlock = {
  readonly height: bigint
  readonly hash: Hash
  /** Zero for genesis. */
  readonly envelopeHash: Hash
  readonly block: Block
}

/** The state that `block` names, whose nodes are in `states`. */
export function stateAfter(
  { height, hash, envelopeHash, block }: StoredBlock,
  states: StateStore,
): ChainState {
  const { header } = block
  const stateRoot = hashFromBytes(header.stateRoot)
  return { height, hash, envelopeHash, header, stateRoot, states }
}
