/**
 * Light blocks of the node's chain, for light clients.
 */
import type { Chain } from '../chain/chain.ts'
import { decodeCommit } from '../chain/commit.ts'
import { encodeLightBlock, lightBlockOf } from '../consensus/lightBlock.ts'
import { type Hex, toHex } from '../primitives/bytes.ts'
import { invariant } from '../primitives/result.ts'
import { isSetKept, validatorSetAt } from '../registry/epochSets.ts'
import { epochOf } from '../registry/validatorSet.ts'
import { worldOf } from './headState.ts'

/** Encoded; null for genesis, above the head, and where the block or its sets are not kept. */
export async function lightBlockAt(chain: Chain, height: bigint): Promise<Hex | null> {
  const envelope = await chain.envelopeAt(height)
  const bytes = await chain.commitAt(height)
  const commit = bytes === null ? null : decodeCommit(bytes)
  if (envelope === null || commit === null) return null
  invariant(commit.ok, `lightBlockAt: commit of block ${height} is damaged`)
  const epoch = epochOf(height, chain.rules.params.epochLength)
  // The head's state keeps the sets of many epochs; an archive has the block's own state as well.
  const head = await worldOf(chain)
  const world = (await isSetKept(head, epoch)) ? head : (await chain.readAt(height))?.world
  if (world === undefined || !(await isSetKept(world, epoch))) return null
  const current = await validatorSetAt(world, epoch)
  const next = await validatorSetAt(world, epoch + 1)
  return toHex(encodeLightBlock(lightBlockOf(envelope, commit.value, { current, next })))
}
