/**
 * The peer book: who misbehaved, how much, and until when they are kept out. Points fade with time,
 * so that a slip is forgotten and a habit is not.
 */
import type { Clock } from '../primitives/clock.ts'
import type { PeerId } from './peer.ts'

export type PeerBookOptions = {
  /** Points at which a peer is banned. @default 100 */
  readonly banAt?: number | undefined
  /** Points that fade per second. @default 1 */
  readonly fadePerSecond?: number | undefined
  /** @default 10 minutes */
  readonly banMs?: number | undefined
  /** Peers remembered; the longest unheard of is forgotten first. @default 4,096 */
  readonly maxPeers?: number | undefined
}

export type PeerBook = {
  /** Add `points` against `peer`; true if that gets it banned. */
  readonly penalize: (peer: PeerId, points: number) => boolean
  readonly ban: (peer: PeerId, reason: string) => void
  readonly isBanned: (peer: PeerId) => boolean
  /** Points against `peer` now, at least 0. */
  readonly score: (peer: PeerId) => number
  readonly bans: () => readonly Ban[]
}

/** `until` in milliseconds since the Unix epoch. */
export type Ban = { readonly peer: PeerId; readonly reason: string; readonly until: number }

type Record = { readonly points: number; readonly at: number }

export function createPeerBook(options: PeerBookOptions, clock: Clock): PeerBook {
  const { banAt = 100, fadePerSecond = 1, banMs = 600_000, maxPeers = 4_096 } = options
  const records = new Map<PeerId, Record>()
  const bans = new Map<PeerId, Ban>()

  function score(peer: PeerId): number {
    const record = records.get(peer)
    if (record === undefined) return 0
    return Math.max(0, record.points - ((clock.now() - record.at) / 1_000) * fadePerSecond)
  }

  function penalize(peer: PeerId, points: number): boolean {
    const total = score(peer) + points
    remember(records, peer, { points: total, at: clock.now() })
    if (total < banAt) return false
    ban(peer, `${Math.round(total)} points`)
    return true
  }

  function ban(peer: PeerId, reason: string): void {
    remember(bans, peer, { peer, reason, until: clock.now() + banMs })
  }

  function isBanned(peer: PeerId): boolean {
    const entry = bans.get(peer)
    if (entry === undefined) return false
    if (entry.until > clock.now()) return true
    bans.delete(peer)
    records.delete(peer)
    return false
  }

  function remember<T>(map: Map<PeerId, T>, peer: PeerId, value: T): void {
    map.delete(peer)
    map.set(peer, value)
    if (map.size > maxPeers) map.delete(map.keys().next().value!)
  }

  return {
    penalize,
    ban,
    isBanned,
    score,
    bans: () => [...bans.values()].filter(({ peer }) => isBanned(peer)),
  }
}
