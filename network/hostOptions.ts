/**
 * What a host is told when it is made: who it is, whom it dials, what it carries and its bounds.
 */
import type { Address } from '../primitives/address.ts'
import type { Clock } from '../primitives/clock.ts'
import type { Hash } from '../primitives/hash.ts'
import type { RulesHashAt } from './hello.ts'
import type { LedgerOptions } from './ledger.ts'
import type { Topic } from './messages.ts'
import type { PeerBookOptions } from './peerBook.ts'

export type HostOptions = {
  /** Seed of the node's Ed25519 key, 32 bytes; the same seed gives the same peer id. */
  readonly seed: Uint8Array
  /** Multiaddrs such as `/ip4/127.0.0.1/tcp/0` and `/ip4/127.0.0.1/tcp/0/ws`. */
  readonly listen: readonly string[]
  /** Multiaddrs that are dialled for ever, with or without `/p2p/…`; our own is skipped. */
  readonly bootstrap: readonly string[]
  readonly protocolVersion: number
  readonly chainId: number
  readonly genesisHash: Hash
  readonly rulesHashAt: RulesHashAt
  readonly validator: Address | null
  /** Topics of messages (not of requests or gossip); equal on all nodes. */
  readonly topics: Readonly<Record<string, Topic>>
  /** Ask peers for their peers and connect to those as well. @default true */
  readonly discover?: boolean | undefined
  readonly limits?: HostLimits | undefined
}

type HostLimits = LedgerOptions &
  PeerBookOptions & {
    /** @default 128 */
    readonly maxConnections?: number | undefined
    /** Messages (not requests or gossip) that a peer may send; twice as many at once. @default 4,000 */
    readonly messagesPerSecond?: number | undefined
    /** A peer that reads nothing for so long is cut. @default 20,000 */
    readonly stallMs?: number | undefined
    /** @default 10,000 */
    readonly helloTimeoutMs?: number | undefined
    /** Pauses between dials. @default 250 and 2,000 */
    readonly redialMinMs?: number | undefined
    readonly redialMaxMs?: number | undefined
  }

export type HostModules = {
  /** Height of our head, said in hello. */
  readonly height: () => bigint
  /** Told of faults of peers, and of failures that no caller awaits. */
  readonly report: (problem: unknown) => void
  readonly log?: ((message: string, fields: object) => void) | undefined
  readonly clock?: Clock | undefined
}
