/**
 * The libp2p node underneath a host: TCP and WebSocket, Noise, Yamux, gossip. It dials only whom it
 * is told to: no DNS, no address discovery, no relays, no port mapping.
 */
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import { type GossipSub, gossipsub } from '@libp2p/gossipsub'
import { type Identify, identify } from '@libp2p/identify'
import type { Libp2p } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { webSockets } from '@libp2p/websockets'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'
import type { PeerId } from './peer.ts'

export type TransportOptions = {
  /** Seed of the node's Ed25519 key, 32 bytes. */
  readonly seed: Uint8Array
  /** Multiaddrs; port 0 picks a free one. */
  readonly listen: readonly string[]
  readonly maxConnections: number
  /** Longest gossip message. */
  readonly maxGossipBytes: number
}

export type Transport = Libp2p<{ identify: Identify; gossip: GossipSub }>

/** A node that is not started yet. */
export async function createTransport(
  options: TransportOptions,
  isBanned: (peer: PeerId) => boolean,
): Promise<Transport> {
  const { seed, listen, maxConnections, maxGossipBytes } = options
  const banned = (peer: { readonly toString: () => string }) => isBanned(peer.toString() as PeerId)
  return createLibp2p({
    start: false,
    privateKey: await generateKeyPairFromSeed('Ed25519', seed),
    addresses: { listen: [...listen] },
    transports: [tcp(), webSockets()],
    connectionEncrypters: [noise()],
    streamMuxers: [
      yamux({
        streamOptions: {
          // A paused stream may fill its window; the buffer must hold that, or the stream is reset.
          maxStreamWindowSize: 4_194_304,
          maxReadBufferLength: 8_388_608,
          inactivityTimeout: 2 ** 31 - 1,
        },
      }),
    ],
    connectionManager: {
      maxConnections,
      // Whom to dial again, and when, is decided in redial.ts.
      reconnectRetries: 0,
      resolvers: {},
      // All nodes of a devnet share one host.
      inboundConnectionThreshold: maxConnections,
      maxIncomingPendingConnections: maxConnections,
    },
    // A peer that vanished without a word is noticed after this long; a busy one is not cut.
    connectionMonitor: { pingInterval: 10_000, pingTimeout: { minTimeout: 20_000 } },
    connectionGater: {
      denyDialPeer: banned,
      denyInboundEncryptedConnection: banned,
      denyOutboundEncryptedConnection: banned,
    },
    services: {
      identify: identify(),
      gossip: gossipsub({
        allowPublishToZeroTopicPeers: true,
        ignoreDuplicatePublishError: true,
        fallbackToFloodsub: false,
        emitSelf: false,
        doPX: false,
        maxInboundDataLength: maxGossipBytes,
        // The default scores peers of one address as one attacker.
        scoreParams: { IPColocationFactorWeight: 0 },
      }),
    },
  })
}
