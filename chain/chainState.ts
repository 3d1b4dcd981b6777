/**
 * Where the chain stands after a block: everything the next block is judged against.
 */
import type { BlockHeader } from '@ethereumjs/block'
import type { Hash } from '../primitives/hash.ts'
import type { StateStore } from '../vm/stateStore.ts'

export type ChainState = {
  readonly height: bigint
  readonly hash: Hash
  readonly header: BlockHeader
  readonly stateRoot: Hash
  /** Name of the block's envelope; genesis has none and says zero. */
  readonly envelopeHash: Hash
  readonly states: StateStore
}
