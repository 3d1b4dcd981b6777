/**
 * What the dishonest node of a plan does to its values, and the work it claims.
 */

import { decodeEnvelope, encodeEnvelope, envelopeHashOf } from '../../chain/envelope.ts'
import type { ValidatorKeys } from '../../node/keys.ts'
import type { Hash } from '../../primitives/hash.ts'
import { sidecarName } from '../../registry/sidecar.ts'
import { certifyLease } from './holder.ts'
import type { SimNode } from './node.ts'
import type { Strategy } from './plan.ts'
import { createTwist, type Twist } from './twist.ts'
import type { Certified, Workshop } from './workshop.ts'
import type { World } from './world.ts'

export type Liar = Omit<Twist, 'built'> & {
  readonly spoil: (envelope: Uint8Array) => Uint8Array
  /** Claim what its work has not shown, if a lease allows to. */
  readonly claim: (node: SimNode) => Promise<void>
  /** Values that no honest node may accept. */
  readonly bad: ReadonlySet<Hash>
}

export function createLiar(
  world: World,
  strategy: Strategy,
  chainId: number,
  place: number,
  keys: ValidatorKeys,
  workshop: Workshop,
): Liar {
  const bad = new Set<Hash>()
  const { built, ...lying } = createTwist(strategy, chainId, place, keys.votingKey)
  let claims = 0

  /** Break a rule of the block: one bit of a root, or evidence of nothing. */
  function spoil(envelope: Uint8Array): Uint8Array {
    built(envelope)
    const decoded = decodeEnvelope(envelope)
    if (strategy !== 'blocks' || !decoded.ok || world.chance(0.1)) return envelope
    const evidence = [...decoded.value.evidence, Uint8Array.of(9, 9)]
    const spoiled = world.chance(0.3)
      ? encodeEnvelope({ ...decoded.value, evidence })
      : encodeEnvelope({ ...decoded.value, block: flipped(decoded.value.block) })
    bad.add(envelopeHashOf(spoiled))
    return spoiled
  }

  /** One bit within the first roots of the header: parent, uncles, coinbase, state, transactions. */
  function flipped(block: Uint8Array): Uint8Array {
    const copy = block.slice()
    copy[10 + world.below(140)]! ^= 1 << world.below(8)
    return copy
  }

  /** Two certificates of one lease: both are announced, the later one is put into a block. */
  async function claim(node: SimNode): Promise<void> {
    if (strategy !== 'certificates') return
    const { certificates } = node.parts()
    if (certificates.pool.all().length > 0) return
    const first = await claimOnce(node)
    if (first !== null) certificates.pool.drop(first)
    await claimOnce(node)
  }

  function claimOnce(node: SimNode): Promise<Hash | null> {
    return certifyLease(node, keys, workshop, (certified) => falsified(certified, claims++))
  }

  /** No proof at all, one bit of a true one, or a true one of other losses. */
  function falsified({ call, sidecar }: Certified, count: number): Certified {
    const kind = count % 3
    if (kind === 2) return { call: { ...call, losses: [1n, ...call.losses.slice(1)] }, sidecar }
    const bytes =
      kind === 0 ? new TextEncoder().encode(`proof of nothing ${count}`) : sidecar.slice()
    if (kind === 1) bytes[world.below(bytes.length)]! ^= 1 << world.below(8)
    return { call: { ...call, sidecar: sidecarName(bytes) }, sidecar: bytes }
  }

  return { ...lying, spoil, claim, bad }
}
