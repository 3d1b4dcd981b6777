/**
 * Light blocks of a chain that this node keeps, for those who have none.
 */
import type { Chain } from '../chain/chain.ts'
import { decodeCommit } from '../chain/commit.ts'
import { invariant } from '../primitives/result.ts'
import { isSetKept, validatorSetAt } from '../registry/epochSets.ts'
import { epochOf } from '../registry/validatorSet.ts'
import { encodeLightBlock, lightBlockOf } from './lightBlock.ts'

/** Encoded; null for genesis, above the head, and where the block or its sets are not kept. */
export async function lightBlockAt(chain: Chain, height: bigint): Promise<Uint8Array | null> {
  const envelope = await chain.envelopeAt(height)
  const bytes = await chain.commitAt(height)
  const commit = bytes === null ? null : decodeCommit(bytes)
  if (envelope === null || commit === null) return null
  invariant(commit.ok, `lightBlockAt: commit of block ${height} is damaged`)
  const epoch = epochOf(height, chain.rules.params.epochLength)
  // The head's state keeps the sets of many epochs; an archive has the block's own state as well.
  const head = (await chain.readAt(chain.head().height))?.world
  const kept = head !== undefined && (await isSetKept(head, epoch))
  const world = kept ? head : (await chain.readAt(height))?.world
  if (world === undefined || !(await isSetKept(world, epoch))) return null
  const current = await validatorSetAt(world, epoch)
  const next = await validatorSetAt(world, epoch + 1)
  return encodeLightBlock(lightBlockOf(envelope, commit.value, { current, next }))
}
