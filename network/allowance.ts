/**
 * What a peer may send in a time: a bucket of tokens for each peer that fills at a steady rate. Receiving
 * is bounded elsewhere (a frame's length, backpressure); this bounds the work that small messages cause.
 */
import type { Clock } from '../primitives/clock.ts'
import type { PeerId } from './peer.ts'

export type AllowanceOptions = {
  /** Tokens a second, and the most that can be saved up. */
  readonly perSecond: number
  readonly burst: number
}

export type Allowance = {
  /** Use up `tokens` of the peer's; false, and nothing used, if it has not so many. */
  readonly take: (peer: PeerId, tokens: number) => boolean
  readonly forget: (peer: PeerId) => void
}

export function createAllowance(
  { perSecond, burst }: AllowanceOptions,
  clock: Pick<Clock, 'now'>,
): Allowance {
  const buckets = new Map<PeerId, { readonly left: number; readonly at: number }>()

  function take(peer: PeerId, tokens: number): boolean {
    const now = clock.now()
    const { left, at } = buckets.get(peer) ?? { left: burst, at: now }
    const filled = Math.min(burst, left + (Math.max(0, now - at) / 1_000) * perSecond)
    const enough = filled >= tokens
    buckets.set(peer, { left: enough ? filled - tokens : filled, at: now })
    return enough
  }

  return {
    take,
    forget: (peer) => {
      buckets.delete(peer)
    },
  }
}
