/**
 * Node options: what an operator chooses. Never seen by consensus.
 */
import type { BackendChoice } from '../compute/backend.ts'
import type { Hash } from '../primitives/hash.ts'

export type NodeOptions = {
  /** Folder of everything this node keeps. */
  readonly dataDir: string
  /** Path of `genesis.json`. */
  readonly genesisPath: string
  /** Folder of the validator's keys; null follows the chain without voting or working. */
  readonly keysDir: string | null
  /** File with the keys' password; null only where devnet keys need none. */
  readonly passwordFile: string | null
  /** @default 127.0.0.1 */
  readonly rpcHost: string
  /** 0 picks a free port. @default 8545 */
  readonly rpcPort: number
  /** Origins whose pages may use RPC, like `https://explorer.example`; `*` for any. */
  readonly corsOrigins: readonly string[]
  /** Names besides loopback and `rpcHost` by which RPC may be called; `*` for any. */
  readonly allowedHosts: readonly string[]
  /** Folder of the explorer's pages, served at `/` if it holds any; null serves none. */
  readonly explorerDir: string | null
  /** libp2p addresses to listen on, e.g. `/ip4/127.0.0.1/tcp/9000`. */
  readonly listen: readonly string[]
  /** libp2p addresses of peers to dial. */
  readonly bootstrap: readonly string[]
  /** Ask peers for their peers. @default true */
  readonly discover?: boolean | undefined
  readonly backend: BackendChoice
  /** Whether `PUT /blob` is taken over RPC; on loopback devnets. */
  readonly allowUploads: boolean
  /** File that lists blobs which this node must not keep. @default none */
  readonly refuseBlobs?: string | undefined
  /** Whether this validator takes leases. */
  readonly work: boolean
  /** Drawn leases to sit out before working, to show that others take over. @default 0 */
  readonly sitOut: number
  /** States of the newest blocks to keep; null keeps all. @default null */
  readonly keepStates?: number | null | undefined
  /** Start a new data folder from peers' newest state; see `node/snapshotSync.ts`. @default from genesis */
  readonly snapshot?: { readonly checkpoint: Hash | null } | undefined
  readonly logLevel: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent'
}
