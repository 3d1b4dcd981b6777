/**
 * How many bytes wait in memory for peers: so many for each, so many for all.
 */
import type { PeerId } from './peer.ts'

export type LedgerOptions = {
  /** @default 64 MiB */
  readonly peerBytes?: number | undefined
  /** @default 512 MiB */
  readonly totalBytes?: number | undefined
}

export type Ledger = {
  /**
   * Set `bytes` aside for `peer`; false, and nothing done, if they do not fit. What is not urgent
   * leaves an eighth of the peer's share to what is, so bulk cannot crowd out votes.
   */
  readonly take: (peer: PeerId, bytes: number, urgent: boolean) => boolean
  readonly release: (peer: PeerId, bytes: number) => void
  readonly held: (peer: PeerId) => number
  readonly total: () => number
}

export function createLedger(options: LedgerOptions = {}): Ledger {
  const { peerBytes = 67_108_864, totalBytes = 536_870_912 } = options
  const shares = new Map<PeerId, number>()
  let total = 0

  const held = (peer: PeerId) => shares.get(peer) ?? 0

  function take(peer: PeerId, bytes: number, urgent: boolean): boolean {
    const scale = urgent ? 1 : 7 / 8
    if (held(peer) + bytes > peerBytes * scale || total + bytes > totalBytes * scale) return false
    shares.set(peer, held(peer) + bytes)
    total += bytes
    return true
  }

  function release(peer: PeerId, bytes: number): void {
    const left = held(peer) - bytes
    if (left > 0) shares.set(peer, left)
    else shares.delete(peer)
    total -= bytes
  }

  return { take, release, held, total: () => total }
}
