/**
 * The chain a node keeps: its head, its history, and the doors through which blocks are judged, built
 * and committed. Every answer about a block or a state is final.
 */
import type { Genesis } from '../params/genesis.ts'
import type { Clock } from '../primitives/clock.ts'
import { type Hash, hashFromBytes, zeroHash } from '../primitives/hash.ts'
import { Bug, type Fault, invariant, ok, type Result, refuse } from '../primitives/result.ts'
import { epochOf, type ValidatorSet } from '../registry/validatorSet.ts'
import type { KeyValue } from '../storage/keyValue.ts'
import type { ChainVm, Deadline } from '../vm/chainVm.ts'
import type { Overrides } from '../vm/overrides.ts'
import type { Receipt } from '../vm/receipts.ts'
import { type CallOutcome, type CallRequest, simulate } from '../vm/simulate.ts'
import {
  type SimulatedBlock,
  type SimulateFault,
  type SimulateRequest,
  simulateBlocks,
} from '../vm/simulateBlocks.ts'
import { openState, type StateStore, stateStore } from '../vm/stateStore.ts'
import { readBlock } from './blockCodec.ts'
import type { BlockFault } from './blockFault.ts'
import { type BuildRequest, type Built, buildBlock } from './builder.ts'
import type { ChainState } from './chainState.ts'
import { chainStore } from './chainStore.ts'
import { decodeEnvelope, envelopeHashOf } from './envelope.ts'
import { frozenSetAt } from './frozenSets.ts'
import type { HistoryIndex, Place } from './historyIndex.ts'
import { openGenesis } from './openGenesis.ts'
import { type SweepResult, sweepStates } from './pruning.ts'
import { openReader, type StateReader } from './reader.ts'
import { recentBlocks } from './recentBlocks.ts'
import type { Rules } from './rules.ts'
import { type StoredBlock, stateAfter } from './storedBlock.ts'
import { applyBlock, type Outcome } from './transition.ts'

/** A commit that does not belong to the envelope at this height. */
export type CommitRefusal =
  | BlockFault
  | { readonly code: 'block/commit'; readonly height: bigint; readonly fault: Fault }

/** What subscribers hear when a block is final. */
export type NewHead = { readonly head: ChainState; readonly outcome: Outcome }

export type Chain = {
  readonly genesis: Genesis
  readonly genesisHash: Hash
  readonly rules: Rules
  readonly head: () => ChainState
  /** Calls `listener` after each commit; the returned function stops that. */
  readonly onHead: (listener: (event: NewHead) => void) => () => void
  /** Where the chain stood after `height`; null above the head and where the block is not kept. */
  readonly stateAt: (height: bigint) => Promise<ChainState | null>
  readonly blockAt: (height: bigint) => Promise<StoredBlock | null>
  readonly heightOf: (blockHash: Hash) => Promise<bigint | null>
  readonly receiptsAt: (height: bigint) => Promise<readonly Receipt[] | null>
  readonly placeOf: (transaction: Hash) => Promise<Place | null>
  /** What happened, by address and topic. */
  readonly history: HistoryIndex
  readonly envelopeAt: (height: bigint) => Promise<Uint8Array | null>
  readonly commitAt: (height: bigint) => Promise<Uint8Array | null>
  /** The set that decides `height`, up to the end of the epoch after the head's. */
  readonly setAt: (height: bigint) => Promise<ValidatorSet | null>
  /** The state after `height`; null above the head. */
  readonly readAt: (height: bigint) => Promise<StateReader | null>
  /** Run on the state after `height`, in that block's context, and forget. */
  readonly call: (
    request: CallRequest,
    height: bigint,
    expired?: Deadline,
    watch?: (vm: ChainVm) => void,
    overrides?: Overrides,
  ) => Promise<CallOutcome | null>
  /** Judge a committed block again while `watch` looks on; null for genesis and above the head. */
  readonly replay: (
    height: bigint,
    watch: (vm: ChainVm) => void,
    expired: Deadline,
  ) => Promise<Result<Outcome, BlockFault> | null>
  /** Imagine blocks on top of `height`; null above the head. */
  readonly simulate: (
    request: SimulateRequest,
    height: bigint,
    expired: Deadline,
  ) => Promise<Result<readonly SimulatedBlock[], SimulateFault> | null>
  readonly build: (
    request: BuildRequest,
    clock: Pick<Clock, 'now'>,
  ) => Promise<Result<Built, BlockFault>>
  /** Judge an envelope as the head's child. The outcome is kept, so that committing is cheap. */
  readonly judge: (envelope: Uint8Array, expired?: Deadline) => Promise<Result<Outcome, BlockFault>>
  /**
   * Start at a block whose commit was verified and whose whole state is in the store, instead of at
   * genesis. Blocks before it are not here.
   *
   * @throws {Bug} unless the chain is at genesis and the state is there.
   */
  readonly adopt: (
    envelope: Uint8Array,
    commit: Uint8Array,
  ) => Promise<Result<ChainState, CommitRefusal>>
  /**
   * Forget the states of blocks below `floor`; null if there are none, or if `breathe`, called now
   * and then to let others run, said to stop. Safe to be killed at any point.
   */
  readonly prune: (floor: bigint, breathe: () => Promise<boolean>) => Promise<SweepResult | null>
  /** The lowest block whose state can be read. */
  readonly stateFloor: () => bigint
  /** The lowest block that is here. */
  readonly firstHeight: () => bigint
  /** Check the commit, apply, write, move the head. Again for a block already there: no harm. */
  readonly commit: (
    envelope: Uint8Array,
    commit: Uint8Array,
  ) => Promise<Result<ChainState, CommitRefusal>>
}

/** Outcomes kept for the next height: a few rounds' proposals. */
const keptOutcomes = 4

/**
 * Open the chain of `genesis` in `store`, starting it if the store is new.
 *
 * @param turn - lets others run between reads of the state; see `StateStore`.
 * @throws {Error} if the store belongs to another genesis.
 */
export async function createChain(
  store: KeyValue,
  genesis: Genesis,
  rules: Rules,
  turn?: StateStore['turn'],
): Promise<Chain> {
  const { engine, params, registry, consensus } = rules
  const blocks = chainStore(store)
  const states = stateStore(store, undefined, turn)
  const recent = recentBlocks(blocks)
  const origin = await openGenesis(blocks, genesis, rules)
  let head = await loadState(await blocks.headHeight())
  let headReader: { readonly of: ChainState; readonly reader: Promise<StateReader> } | null = null
  const outcomes = new Map<Hash, Outcome>()
  const listeners = new Set<(event: NewHead) => void>()
  let committing: Promise<unknown> = Promise.resolve()
  let stateFloor = await blocks.stateFloor()
  let firstHeight = await blocks.firstHeight()
  /** Keys of nodes written since a sweep of old states began; null when there is none. */
  let fresh: Set<string> | null = null
  /** Counts sweeps: an outcome from before one may leave out nodes that went since. */
  let sweeps = 0

  async function loadBlock(height: bigint): Promise<StoredBlock | null> {
    const kept = recent.get(height)
    if (kept !== null) return kept
    const names = await blocks.names(height)
    if (names === null) return null
    if (height === 0n) return { height, ...names, envelopeHash: zeroHash, block: origin }
    const envelope = decodeEnvelope((await blocks.envelope(height)) ?? new Uint8Array())
    invariant(envelope.ok, `chain: envelope of block ${height} is damaged`)
    const block = readBlock(rules, envelope.value.block)
    invariant(block.ok, `chain: block ${height} is damaged`)
    return { height, ...names, block: block.value }
  }

  async function loadState(height: bigint): Promise<ChainState> {
    const stored = await loadBlock(height)
    if (stored === null) throw new Bug(`chain: block ${height} is missing`)
    return stateAfter(stored, states)
  }

  async function stateAt(height: bigint): Promise<ChainState | null> {
    if (height > head.height || height < 0n) return null
    if (height === head.height) return head
    const stored = await loadBlock(height)
    return stored === null ? null : stateAfter(stored, states)
  }

  async function keptAt(height: bigint): Promise<ChainState | null> {
    return height < stateFloor ? null : stateAt(height)
  }

  async function readAt(height: bigint): Promise<StateReader | null> {
    if (height === head.height) return readHead()
    const state = await keptAt(height)
    return state === null ? null : openReader(engine, state)
  }

  /** One reader for all who look at the head: what one has read, the others need not. */
  function readHead(): Promise<StateReader> {
    if (headReader?.of !== head) headReader = { of: head, reader: openReader(engine, head) }
    return headReader.reader
  }

  async function setAt(height: bigint): Promise<ValidatorSet | null> {
    const epoch = epochOf(height, params.epochLength)
    const headEpoch = epochOf(head.height, params.epochLength)
    if (epoch > headEpoch + 1 || height < 0n) return null
    // A set is frozen an epoch ahead and kept for many, so the head's state has recent ones.
    const at = epoch >= headEpoch - 1 ? head : await keptAt(height)
    const reader = at === null ? null : await (at === head ? readHead() : openReader(engine, at))
    return reader === null ? null : frozenSetAt(states, registry, reader.world, epoch)
  }

  async function call(
    request: CallRequest,
    height: bigint,
    expired?: Deadline,
    watch?: (vm: ChainVm) => void,
    overrides?: Overrides,
  ): Promise<CallOutcome | null> {
    const at = await keptAt(height)
    if (at === null) return null
    const { state } = await openState(engine.common, states, at.stateRoot)
    return simulate(engine, state, at.header, request, expired, watch, overrides)
  }

  async function replay(
    height: bigint,
    watch: (vm: ChainVm) => void,
    expired: Deadline,
  ): Promise<Result<Outcome, BlockFault> | null> {
    const parent = height > head.height ? null : await keptAt(height - 1n)
    const envelope = parent === null ? null : await blocks.envelope(height)
    if (parent === null || envelope === null) return null
    return applyBlock(parent, envelope, rules, expired, watch)
  }

  async function imagine(
    request: SimulateRequest,
    height: bigint,
    expired: Deadline,
  ): Promise<Result<readonly SimulatedBlock[], SimulateFault> | null> {
    const at = await keptAt(height)
    if (at === null) return null
    const { state } = await openState(engine.common, states, at.stateRoot)
    const base = { header: at.header, state, engineAt: () => engine }
    return simulateBlocks(base, request, expired)
  }

  function keep(outcome: Outcome): void {
    outcomes.set(outcome.envelopeHash, outcome)
    if (outcomes.size > keptOutcomes) outcomes.delete(outcomes.keys().next().value!)
  }

  async function build(
    request: BuildRequest,
    clock: Pick<Clock, 'now'>,
  ): Promise<Result<Built, BlockFault>> {
    const began = sweeps
    const built = await buildBlock(head, request, rules, clock)
    if (built.ok && began === sweeps) keep(built.value.outcome)
    return built
  }

  async function judge(
    envelope: Uint8Array,
    expired?: Deadline,
  ): Promise<Result<Outcome, BlockFault>> {
    const kept = outcomes.get(envelopeHashOf(envelope))
    if (kept !== undefined && kept.height === head.height + 1n) return ok(kept)
    const began = sweeps
    const judged = await applyBlock(head, envelope, rules, expired)
    if (judged.ok && began === sweeps) keep(judged.value)
    return judged
  }

  async function commitNow(
    envelope: Uint8Array,
    commit: Uint8Array,
  ): Promise<Result<ChainState, CommitRefusal>> {
    const envelopeHash = envelopeHashOf(envelope)
    if (envelopeHash === head.envelopeHash) return ok(head)
    const height = head.height + 1n
    const set = await setAt(height)
    invariant(set !== null, `chain: no set for block ${height}`)
    const verified = consensus.verifyCommit(commit, height, envelopeHash, set)
    if (!verified.ok) return refuse({ code: 'block/commit', height, fault: verified.fault })
    const judged = await judge(envelope)
    if (!judged.ok) return judged
    const outcome = judged.value
    await blocks.append(outcome, envelope, commit)
    for (const key of outcome.nodes.keys()) fresh?.add(key)
    states.remember(outcome.nodes)
    outcomes.clear()
    recent.remember({ outcome, envelope, commit })
    head = stateAfter(outcome, states)
    for (const listener of listeners) listener({ head, outcome })
    return ok(head)
  }

  async function adopt(
    envelopeBytes: Uint8Array,
    commit: Uint8Array,
  ): Promise<Result<ChainState, CommitRefusal>> {
    invariant(head.height === 0n, `chain: a chain at block ${head.height} adopts no state`)
    const envelope = decodeEnvelope(envelopeBytes)
    if (!envelope.ok) return refuse({ code: 'block/envelope', fault: envelope.fault })
    const block = readBlock(rules, envelope.value.block)
    if (!block.ok) return block
    const height = block.value.header.number
    const hash = hashFromBytes(block.value.hash())
    const envelopeHash = envelopeHashOf(envelopeBytes)
    const adopted = stateAfter({ height, hash, envelopeHash, block: block.value }, states)
    const { world } = await openReader(engine, adopted)
    const set = await registry.validatorSetAt(world, epochOf(height, params.epochLength))
    const verified = consensus.verifyCommit(commit, height, envelopeHash, set)
    if (!verified.ok) return refuse({ code: 'block/commit', height, fault: verified.fault })
    await blocks.adopt({ height, hash, envelopeHash }, envelopeBytes, commit)
    head = adopted
    stateFloor = height
    firstHeight = height
    return ok(head)
  }

  function between<T>(action: () => Promise<T>): Promise<T> {
    const result = committing.then(action)
    committing = result.catch(() => {})
    return result
  }

  async function prune(
    floor: bigint,
    breathe: () => Promise<boolean>,
  ): Promise<SweepResult | null> {
    if (fresh !== null || floor <= stateFloor || floor > head.height) return null
    const written = new Set<string>()
    const roots: Hash[] = []
    await between(async () => {
      fresh = written
      sweeps += 1
      outcomes.clear()
      states.doubt(true)
      stateFloor = floor
      await blocks.raiseStateFloor(floor)
    })
    try {
      for (let height = floor; height <= head.height; height++)
        roots.push((await loadState(height)).stateRoot)
      return await sweepStates({ store, roots, fresh: written, between, breathe })
    } finally {
      await between(async () => {
        fresh = null
        states.doubt(false)
      })
    }
  }

  return {
    adopt,
    prune,
    stateFloor: () => stateFloor,
    firstHeight: () => firstHeight,
    genesis,
    genesisHash: hashFromBytes(origin.hash()),
    rules,
    head: () => head,
    onHead: (listener) => {
      listeners.add(listener)
      return () => {
        listeners.delete(listener)
      }
    },
    stateAt,
    blockAt: loadBlock,
    heightOf: blocks.heightOf,
    receiptsAt: recent.receiptsAt,
    placeOf: blocks.placeOf,
    history: blocks.history,
    envelopeAt: recent.envelopeAt,
    commitAt: recent.commitAt,
    setAt,
    readAt,
    call,
    replay,
    simulate: imagine,
    build,
    judge,
    commit: (envelope, commit) => between(() => commitNow(envelope, commit)),
  }
}
