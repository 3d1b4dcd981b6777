/**
 * What the driver needs and what it offers, as types it owns: filled in by `node/`, or by a test.
 */
import type { Commit } from '../chain/commit.ts'
import type { ChainParams } from '../params/chainParams.ts'
import type { Clock } from '../primitives/clock.ts'
import type { Hash } from '../primitives/hash.ts'
import type { Fault, Result } from '../primitives/result.ts'
import type { ValidatorSet } from '../registry/validatorSet.ts'
import type { Step } from './machineState.ts'
import type { Evidence } from './offences.ts'
import type { Signer } from './signer.ts'
import type { Wal } from './wal.ts'

/** Parameters of the chain that the driver obeys. */
export type DriverParams = Pick<
  ChainParams,
  | 'epochLength'
  | 'minBlockIntervalMs'
  | 'idleBlockIntervalMs'
  | 'proposeTimeoutMs'
  | 'prevoteTimeoutMs'
  | 'precommitTimeoutMs'
  | 'timeoutGrowthMs'
  | 'maxTimeoutMs'
  | 'clockPrecisionMs'
  | 'proposalDelayMs'
  | 'maxBlockBytes'
  | 'maxSidecarBytes'
>

export type DriverOptions = {
  /** How often peers are told what we lack. @default 1000 */
  readonly statusIntervalMs?: number | undefined
}

/** Names a connected peer; whatever the network uses. */
export type PeerId = string

/** Direct, ordered, authenticated streams. `send` drops what a lost peer can no longer get. */
export type DriverNetwork = {
  readonly send: (peer: PeerId, bytes: Uint8Array) => void
  /** To every connected peer. */
  readonly broadcast: (bytes: Uint8Array) => void
  readonly peers: () => readonly PeerId[]
  /** Registers the only receiver; the returned function takes it back. */
  readonly onMessage: (receive: (peer: PeerId, bytes: Uint8Array) => void) => () => void
  readonly onConnect: (connected: (peer: PeerId) => void) => () => void
}

/** The committed head: where the driver goes on from. */
export type Head = {
  readonly height: bigint
  /** Its timestamp, Unix seconds. */
  readonly time: bigint
}

/** A value that this node made. */
export type BuiltValue = {
  /** The encoded envelope. */
  readonly bytes: Uint8Array
  /** What `requiredSidecars(bytes)` names, in any order. */
  readonly sidecars: readonly { readonly name: Hash; readonly bytes: Uint8Array }[]
  /** The block's timestamp, Unix seconds. */
  readonly time: bigint
}

/** A value that was executed and found admissible. */
export type Judged = {
  /** The block's timestamp, Unix seconds. */
  readonly time: bigint
}

/** For logs and metrics; nothing depends on them being heard. */
export type DriverEvent =
  /** `replayed` inputs came back from the log. */
  | { readonly type: 'height'; readonly height: bigint; readonly replayed: number }
  /** The log ended in a write that a crash had torn; that many bytes were cut off. */
  | { readonly type: 'torn'; readonly height: bigint; readonly bytes: number }
  | { readonly type: 'round'; readonly height: bigint; readonly round: number }
  | {
      readonly type: 'proposal'
      readonly height: bigint
      readonly round: number
      readonly hash: Hash
      readonly own: boolean
      readonly timely: boolean
    }
  | {
      readonly type: 'vote'
      readonly height: bigint
      readonly round: number
      readonly step: Step
      readonly hash: Hash | null
    }
  | {
      readonly type: 'refused'
      readonly height: bigint
      readonly hash: Hash
      readonly fault: Fault
    }
  | {
      readonly type: 'commit'
      readonly height: bigint
      readonly round: number
      readonly hash: Hash
      /** From our first sight of the proposal to the commit stored; null if we never saw one. */
      readonly sinceProposalMs: number | null
      readonly signers: number
      /** Taken over from a peer's commit instead of our own count of votes. */
      readonly caughtUp: boolean
    }
  | { readonly type: 'evidence'; readonly height: bigint; readonly index: number }
  /** A peer has shown a valid commit for another value than ours at a height that is over. */
  | { readonly type: 'fork'; readonly height: bigint; readonly rounds: readonly [number, number] }
  /** This height is followed without voting: the log no longer explains what was signed. */
  | { readonly type: 'abstain'; readonly height: bigint; readonly why: Fault }
  /** Consensus has stopped for good; the cause went to `report`. */
  | { readonly type: 'halt'; readonly height: bigint }

export type DriverModules = {
  readonly clock: Clock
  readonly chainId: number
  readonly params: DriverParams
  readonly head: () => Head
  /** The set that decides `height`; asked once, when the height starts. */
  readonly setAt: (height: bigint) => ValidatorSet | Promise<ValidatorSet>
  /** Build a value on the head; its timestamp is at least one second after the head's. */
  readonly buildValue: (height: bigint, round: number) => Promise<BuiltValue>
  /**
   * Execute, check the header, check admissibility (`sidecars` holds every required one). May take
   * long and should stop at `signal`; a result after that is ignored.
   */
  readonly judge: (
    height: bigint,
    bytes: Uint8Array,
    sidecars: ReadonlyMap<Hash, Uint8Array>,
    signal: AbortSignal,
  ) => Promise<Result<Judged, Fault>>
  /** Names of the sidecars an encoded envelope needs; total: none for bytes that are no envelope. */
  readonly requiredSidecars: (bytes: Uint8Array) => readonly Hash[]
  /** The name of a sidecar. */
  readonly sidecarName: (bytes: Uint8Array) => Hash
  /**
   * Apply and store, durably, before it resolves. Doing so twice does no harm.
   *
   * @throws if the value cannot be applied: two thirds agreed to what our rules refuse, so the driver
   * stops for good.
   */
  readonly commit: (height: bigint, bytes: Uint8Array, commit: Commit) => Promise<void>
  /** A committed envelope and the commit that proves it, for peers that lag. */
  readonly loadCommitted: (
    height: bigint,
  ) => Promise<{ readonly bytes: Uint8Array; readonly commit: Commit } | null>
  /** Null follows without voting. */
  readonly signer: Signer | null
  readonly wal: Wal
  readonly network: DriverNetwork
  /** Whether there is something to put into a block: an idle chain waits longer. */
  readonly hasWork: () => boolean
  readonly onWork: (arrived: () => void) => () => void
  /** A peer claims to be two or more heights ahead: a block sync may be due. Once per height. */
  readonly behind: (peer: PeerId, height: bigint) => void
  /** A peer sent what no honest node sends. */
  readonly misbehaved: (peer: PeerId, fault: Fault) => void
  readonly onEvidence: (evidence: Evidence) => void
  readonly onEvent: (event: DriverEvent) => void
  /** Told of failures that no caller awaits. */
  readonly report: (error: unknown) => void
}

type DriverView = {
  readonly height: bigint
  readonly round: number
  readonly step: Step
  /** Place of this node in the set that decides the height; null follows. */
  readonly self: number | null
}

export type Driver = {
  /** Replay the log, then take part. @throws if the log is corrupt. */
  readonly start: () => Promise<void>
  /** Resolves when nothing runs any more; the log is closed. */
  readonly stop: () => Promise<void>
  /** The head moved by other means (block sync): go on from there. */
  readonly advance: () => Promise<void>
  readonly view: () => DriverView
}
