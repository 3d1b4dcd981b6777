/**
 * Peers: who they are and what is known of them.
 */
import type { Address } from '../primitives/address.ts'
import type { Brand } from '../primitives/brand.ts'

/** A libp2p peer id in base58: the hash of the peer's key, proven by the Noise handshake. */
export type PeerId = Brand<string, 'PeerId'>

export type PeerInfo = {
  readonly id: PeerId
  /** Multiaddr of the connection in use. */
  readonly address: string
  /** Who dialled. */
  readonly direction: 'inbound' | 'outbound'
  /** Height of its head when it said hello. */
  readonly height: bigint
  /** Which validator it says it is; not proven. */
  readonly validator: Address | null
  /** Multiaddrs at which it says it can be dialled; not tried. */
  readonly listen: readonly string[]
  /** Milliseconds since the Unix epoch. */
  readonly connectedAt: number
  /** Points lost; see `network/peerBook.ts`. */
  readonly score: number
  /** Bytes waiting to be sent to it. */
  readonly queuedBytes: number
}
