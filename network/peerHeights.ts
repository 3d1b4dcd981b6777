/**
 * How far each peer says it is, and whom not to ask for a while.
 */
import type { Clock } from '../primitives/clock.ts'
import type { PeerId } from './peer.ts'

export type PeerHeights = {
  readonly set: (peer: PeerId, height: bigint) => void
  /** It has less than it said. */
  readonly lower: (peer: PeerId, height: bigint) => void
  readonly forget: (peer: PeerId) => void
  /** Do not choose `peer` for `ms`. */
  readonly avoid: (peer: PeerId, ms: number) => void
  /** The greatest height of those that may be chosen; 0 if there are none. */
  readonly best: () => bigint
  /** One of those that are at `height` at least, drawn by `random` in [0, 1). */
  readonly choose: (height: bigint, random: number) => PeerId | null
}

export function createPeerHeights(clock: Clock): PeerHeights {
  const heights = new Map<PeerId, bigint>()
  const avoided = new Map<PeerId, number>()

  function eligible(): readonly (readonly [PeerId, bigint])[] {
    const now = clock.now()
    return [...heights].filter(([peer]) => (avoided.get(peer) ?? 0) <= now)
  }

  function set(peer: PeerId, height: bigint): void {
    heights.set(peer, height)
  }

  function lower(peer: PeerId, height: bigint): void {
    if ((heights.get(peer) ?? 0n) > height) heights.set(peer, height)
  }

  /** Whom to avoid is kept: a reconnection does not make a peer better. */
  function forget(peer: PeerId): void {
    heights.delete(peer)
    for (const [known, until] of avoided) if (until <= clock.now()) avoided.delete(known)
  }

  function avoid(peer: PeerId, ms: number): void {
    avoided.set(peer, clock.now() + ms)
  }

  function best(): bigint {
    return eligible().reduce((most, [, height]) => (height > most ? height : most), 0n)
  }

  function choose(height: bigint, random: number): PeerId | null {
    const able = eligible().filter(([, theirs]) => theirs >= height)
    return able[Math.floor(random * able.length)]?.[0] ?? null
  }

  return { set, lower, forget, avoid, best, choose }
}
