/**
 * What this browser rests its verification on: the validators of epoch 0, pinned on the first visit.
 */
import type { ValidatorSetWire } from '../../../client/wire.ts'
import { type Hash, parseHash } from '../../../primitives/hash.ts'
import { node, type Query, useQuery } from '../net/node.ts'
import { createStore, type Store, useStore } from '../net/store.ts'

const key = 'waggle.anchor'

export const pinned: Store<Hash | null> = createStore(readPinned())

function readPinned(): Hash | null {
  const parsed = parseHash(localStorage.getItem(key) ?? '')
  return parsed.ok ? parsed.value : null
}

export function pin(validators: Hash): void {
  localStorage.setItem(key, validators)
  pinned.set(validators)
}

export type AnchorState = {
  readonly pinned: Hash | null
  /** What this node says that the chain begins with. */
  readonly told: Query<Hash | null>
}

/** The pinned anchor; the first one that a node tells is pinned. */
export function useAnchor(): AnchorState {
  const kept = useStore(pinned)
  const told = useQuery(async () => {
    const set = await node.call<ValidatorSetWire | null>('val_getSet', '0x0')
    if (set !== null && pinned.get() === null) pin(set.hash)
    return set?.hash ?? null
  }, [])
  return { pinned: kept, told }
}
