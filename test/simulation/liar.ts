/**
 * What the dishonest node of a plan does to its values, and the work it claims.
 */

import { decodeEnvelope, encodeEnvelope, envelopeHashOf } from '../../chain/envelope.ts'
import { openAccount } from '../../node/account.ts'
import { createCertifier } from '../../node/certifier.ts'
import type { ValidatorKeys } from '../../node/keys.ts'
import type { Hash } from '../../primitives/hash.ts'
import { hashOf } from '../../primitives/hash.ts'
import { rangeSteps } from '../../registry/job.ts'
import { readJob } from '../../registry/jobRecord.ts'
import { assignSteps } from '../../registry/schedule.ts'
import { sidecarName } from '../../registry/sidecar.ts'
import type { SimNode } from './node.ts'
import type { Strategy } from './plan.ts'
import { createTwist, type Twist } from './twist.ts'
import type { World } from './world.ts'

export type Liar = Omit<Twist, 'built'> & {
  readonly spoil: (envelope: Uint8Array) => Uint8Array
  /** Claim work that was not done, if a lease allows to. */
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

  async function claimOnce(node: SimNode): Promise<Hash | null> {
    const { chain, certificates } = node.parts()
    const reader = (await chain.readAt(chain.head().height))!
    const records = reader.world
    const { params } = chain.rules
    const leases = await assignSteps(records, params, chain.head().height)
    const lease = leases.find(({ able }) => able.includes(keys.address))
    const record = lease && (await readJob(records, lease.job))
    if (!lease || !record || record.state.range !== lease.range) return null
    const account = openAccount(keys.accountKey)
    const pools = {
      account: async () => reader.account(keys.address),
      nextBaseFee: () => chain.head().header.calcNextBaseFee(),
    }
    const certify = createCertifier({ chain, account, certificates, pools })
    const sidecar = new TextEncoder().encode(`proof of nothing ${claims++}`)
    const { count } = rangeSteps(record.job, lease.range)
    const taken = await certify(
      {
        job: lease.job,
        range: lease.range,
        before: record.state.commitment,
        after: hashOf('after', sidecar),
        weights: hashOf('weights', sidecar),
        losses: Array.from({ length: count }, () => 1n),
        // Who is said to vouch for the weights; their signatures would be in the proof.
        custodians: 0b1111n,
        sidecar: sidecarName(sidecar),
      },
      sidecar,
    )
    return taken.ok ? taken.value : null
  }

  return { ...lying, spoil, claim, bad }
}
