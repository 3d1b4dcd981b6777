/**
 * A small chain to run consensus on: keys and sets, values that carry a height, a time and the names of
 * sidecars, a clock that runs faster than the wall's, and a network in memory.
 */
import type { Commit } from '../../chain/commit.ts'
import { envelopeHashOf } from '../../chain/envelope.ts'
import { publicKeyOf, secretKeyFrom } from '../../consensus/bls.ts'
import type {
  BuiltValue,
  DriverEvent,
  DriverModules,
  DriverNetwork,
  DriverParams,
  Head,
} from '../../consensus/driverModules.ts'
import type { Vote, VoteKind } from '../../consensus/messages.ts'
import type { Evidence } from '../../consensus/offences.ts'
import { noWal } from '../../consensus/wal.ts'
import { type Address, addressFromBytes } from '../../primitives/address.ts'
import { uintBytes } from '../../primitives/bytes.ts'
import type { Clock } from '../../primitives/clock.ts'
import { decode, Writer } from '../../primitives/codec.ts'
import { type Hash, hashOf, sha256Hash } from '../../primitives/hash.ts'
import { type Fault, ok, refuse } from '../../primitives/result.ts'
import { type Validator, type ValidatorSet, validatorSetHash } from '../../registry/validatorSet.ts'

export const chainId = 5_701

export const params: DriverParams = {
  epochLength: 16,
  minBlockIntervalMs: 1_000,
  idleBlockIntervalMs: 5_000,
  proposeTimeoutMs: 1_500,
  prevoteTimeoutMs: 500,
  precommitTimeoutMs: 500,
  timeoutGrowthMs: 250,
  maxTimeoutMs: 30_000,
  clockPrecisionMs: 500,
  proposalDelayMs: 2_000,
  maxBlockBytes: 1_048_576,
  maxSidecarBytes: 4_194_304,
}

export function secretKeyOf(index: number): Uint8Array {
  return secretKeyFrom(new Uint8Array(32).fill(index + 1))
}

export function addressOf(index: number): Address {
  return addressFromBytes(uintBytes(index + 1, 20))
}

export function makeValidator(index: number, power: bigint, changes: Partial<Validator> = {}) {
  const validator: Validator = {
    address: addressOf(index),
    publicKey: publicKeyOf(secretKeyOf(index)),
    stake: power,
    reputation: 0n,
    power,
    slotWeight: power,
    jailed: false,
    ask: 0n,
    maxParams: 0n,
    ...changes,
  }
  return validator
}

export function makeSet(powers: readonly (bigint | number)[]): ValidatorSet {
  return {
    epoch: 0,
    validators: powers.map((power, index) => makeValidator(index, BigInt(power))),
  }
}

/** A name for tests that need no value behind it. */
export function nameOf(text: string): Hash {
  return hashOf('test', new TextEncoder().encode(text))
}

/** A vote with a signature that says nothing, for tests of the machine. */
export function fakeVote(
  kind: VoteKind,
  index: number,
  round: number,
  hash: Hash | null,
  height = 1n,
): Vote {
  const signature = new Uint8Array(96).fill(index + 1)
  return { kind, height, round, hash, validatorsHash: nameOf('set'), index, signature }
}

export type ToyValue = {
  readonly height: bigint
  readonly time: bigint
  readonly sidecars: readonly Hash[]
  readonly filling: Uint8Array
}

export function encodeToy({ height, time, sidecars, filling }: ToyValue): Uint8Array {
  return new Writer()
    .uint(height, 8)
    .uint(time, 8)
    .list(sidecars, (name, writer) => writer.hash(name))
    .blob(filling)
    .bytes()
}

export function decodeToy(bytes: Uint8Array): ToyValue | null {
  const decoded = decode(bytes, (reader) => ({
    height: reader.uint(8),
    time: reader.uint(8),
    sidecars: reader.list(8, (from) => from.hash()),
    filling: reader.blob(1_000_000),
  }))
  return decoded.ok ? decoded.value : null
}

/** Runs `speed` times as fast as the wall clock, from a round number of seconds. */
export function fastClock(speed: number, startMs = 1_800_000_000_000): Clock {
  const begun = performance.now()
  return {
    now: () => startMs + (performance.now() - begun) * speed,
    after: (delayMs, action) => {
      const timer = setTimeout(action, delayMs / speed)
      return () => clearTimeout(timer)
    },
  }
}

/** Whether a message may pass, or what passes in its place; replaced to cut links. */
type Filter = (from: string, to: string, bytes: Uint8Array) => boolean | Uint8Array

export type Hub = {
  readonly join: (name: string) => DriverNetwork
  readonly leave: (name: string) => void
  readonly setFilter: (filter: Filter) => void
}

type Port = {
  receive: ((peer: string, bytes: Uint8Array) => void) | null
  connected: ((peer: string) => void) | null
}

/** Full mesh in memory; messages arrive in order, in a later turn of the event loop. */
export function createHub(): Hub {
  const ports = new Map<string, Port>()
  let filter: Filter = () => true

  function join(name: string): DriverNetwork {
    const port: Port = { receive: null, connected: null }
    ports.set(name, port)
    const peers = () => [...ports.keys()].filter((other) => other !== name)
    const send = (to: string, bytes: Uint8Array) => {
      const passed = filter(name, to, bytes)
      if (passed === false) return
      const copy = (passed === true ? bytes : passed).slice()
      setImmediate(() => {
        if (ports.get(name) === port) ports.get(to)?.receive?.(name, copy)
      })
    }
    for (const peer of peers()) setImmediate(() => ports.get(peer)?.connected?.(name))
    return {
      peers,
      send,
      broadcast: (bytes) => {
        for (const peer of peers()) send(peer, bytes)
      },
      onMessage: (receive) => {
        port.receive = receive
        return () => {
          port.receive = null
        }
      },
      onConnect: (connected) => {
        port.connected = connected
        return () => {
          port.connected = null
        }
      },
    }
  }

  return {
    join,
    leave: (name) => {
      ports.delete(name)
    },
    setFilter: (next) => {
      filter = next
    },
  }
}

type Stored = { readonly bytes: Uint8Array; readonly commit: Commit }

/** What a node keeps besides consensus: its chain, and what it was told. */
export type ToyChain = {
  readonly blocks: Map<bigint, Stored>
  readonly head: () => Head
  readonly events: DriverEvent[]
  readonly evidence: Evidence[]
  readonly misbehaved: { readonly peer: string; readonly fault: Fault }[]
  readonly behind: bigint[]
  readonly reports: unknown[]
  /** Replaced by tests that want other values. */
  fill: (height: bigint, round: number) => BuiltValue
  hasWork: boolean
  workArrived: () => void
}

export function createToyChain(clock: Clock): ToyChain {
  const genesisTime = BigInt(Math.floor(clock.now() / 1000)) - 1n
  const blocks = new Map<bigint, Stored>()
  return {
    blocks,
    head: () => {
      const height = BigInt(blocks.size)
      const stored = blocks.get(height)
      return { height, time: stored ? decodeToy(stored.bytes)!.time : genesisTime }
    },
    events: [],
    evidence: [],
    misbehaved: [],
    behind: [],
    reports: [],
    hasWork: true,
    workArrived: () => {},
    fill: (height, round) => {
      const time = BigInt(Math.floor(clock.now() / 1000))
      const blob = uintBytes(height * 1000n + BigInt(round), 2_000)
      const sidecars = [{ name: sha256Hash(blob), bytes: blob }]
      const names = sidecars.map(({ name }) => name)
      const filling = new Uint8Array(100_000).fill(Number(height % 251n))
      return { bytes: encodeToy({ height, time, sidecars: names, filling }), sidecars, time }
    },
  }
}

/** Modules of a driver on a toy chain, to be completed with a signer, log and network. */
export function toyModules(
  clock: Clock,
  chain: ToyChain,
  set: ValidatorSet,
  network: DriverNetwork,
): DriverModules {
  return {
    clock,
    chainId,
    params,
    head: chain.head,
    setAt: () => set,
    buildValue: async (height, round) => chain.fill(height, round),
    judge: async (height, bytes) => {
      const value = decodeToy(bytes)
      if (value?.height !== height) return refuse({ code: 'toy/height' })
      return value.time > chain.head().time
        ? ok({ time: value.time })
        : refuse({ code: 'toy/time' })
    },
    requiredSidecars: (bytes) => decodeToy(bytes)?.sidecars ?? [],
    sidecarName: sha256Hash,
    commit: async (height, bytes, commit) => {
      if (height !== chain.head().height + 1n) return
      if (envelopeHashOf(bytes) !== commit.envelopeHash) throw new Error('not what was decided')
      chain.blocks.set(height, { bytes, commit })
    },
    loadCommitted: async (height) => chain.blocks.get(height) ?? null,
    signer: null,
    wal: noWal,
    network,
    hasWork: () => chain.hasWork,
    onWork: (arrived) => {
      chain.workArrived = arrived
      return () => {
        chain.workArrived = () => {}
      }
    },
    behind: (_, height) => chain.behind.push(height),
    misbehaved: (peer, fault) => chain.misbehaved.push({ peer, fault }),
    onEvidence: (evidence) => chain.evidence.push(evidence),
    onEvent: (event) => chain.events.push(event),
    report: (error) => chain.reports.push(error),
  }
}

export async function until(what: string, holds: () => boolean, limitMs = 15_000): Promise<void> {
  const begun = performance.now()
  while (!holds()) {
    if (performance.now() - begun > limitMs) throw new Error(`gave up waiting: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

/** Two chains agree as far as both go. */
export function sameBlocks(a: ToyChain, b: ToyChain): boolean {
  const shared = Math.min(a.blocks.size, b.blocks.size)
  return Array.from({ length: shared }, (_, i) => BigInt(i + 1)).every(
    (height) =>
      a.blocks.get(height)!.commit.envelopeHash === b.blocks.get(height)!.commit.envelopeHash,
  )
}

export function setHashOf(set: ValidatorSet): Hash {
  return validatorSetHash(set)
}
