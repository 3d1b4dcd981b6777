/**
 * What the dishonest node of a plan does to its messages and values, with its own key.
 */

import { decodeEnvelope, encodeEnvelope, envelopeHashOf } from '../../chain/envelope.ts'
import { sign } from '../../consensus/bls.ts'
import { type Vote, voteSignBytes } from '../../consensus/messages.ts'
import { decodeWire, encodeWire } from '../../consensus/wire.ts'
import { openAccount } from '../../node/account.ts'
import { createCertifier } from '../../node/certifier.ts'
import type { ValidatorKeys } from '../../node/keys.ts'
import type { Hash } from '../../primitives/hash.ts'
import { hashOf } from '../../primitives/hash.ts'
import { rangeSteps } from '../../registry/job.ts'
import { readJob } from '../../registry/jobRecord.ts'
import { assignSteps } from '../../registry/schedule.ts'
import { sidecarName } from '../../registry/sidecar.ts'
import type { Lane, SimNode } from './node.ts'
import type { Strategy } from './plan.ts'
import type { World } from './world.ts'

export type Liar = {
  /** What leaves for `to` instead of `bytes`; null for nothing. */
  readonly twist: (to: number, lane: Lane, bytes: Uint8Array) => Uint8Array | null
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
  keys: ValidatorKeys,
): Liar {
  const bad = new Set<Hash>()
  const seen: (Hash | null)[] = [null]
  let claims = 0

  function twist(to: number, lane: Lane, bytes: Uint8Array): Uint8Array | null {
    if (strategy === 'silent') return null
    if (lane !== 'consensus') return bytes
    const decoded = decodeWire(bytes)
    if (!decoded.ok) return bytes
    const message = decoded.value
    if (strategy === 'withhold' && message.type === 'part') return to % 3 === 0 ? bytes : null
    if (strategy !== 'votes' || message.type !== 'votes') return bytes
    return encodeWire({ type: 'votes', votes: message.votes.map((vote) => otherwise(vote, to)) })
  }

  /** Our own vote, for something else where `to` is odd. */
  function otherwise(vote: Vote, to: number): Vote {
    seen.push(vote.hash)
    if (to % 2 === 0 || !isOurs(vote)) return vote
    const hash = seen.findLast((other) => other !== vote.hash) ?? null
    if (hash === vote.hash) return vote
    const { signature: _, ...unsigned } = { ...vote, hash }
    return { ...unsigned, signature: sign(keys.votingKey, voteSignBytes(chainId, unsigned)) }
  }

  function isOurs(vote: Vote): boolean {
    const expected = sign(keys.votingKey, voteSignBytes(chainId, vote))
    return expected.every((byte, at) => byte === vote.signature[at])
  }

  /** Break a rule of the block: one bit of a root, or evidence of nothing. */
  function spoil(envelope: Uint8Array): Uint8Array {
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

  return { twist, spoil, claim, bad }
}
