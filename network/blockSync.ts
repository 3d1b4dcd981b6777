/**
 * Catching up: fetches a numbered sequence of records from peers that are ahead, and gives out ours.
 * What a record is, and whether it is right, is told by functions that are passed in.
 */
import { bytesToUint, uintBytes } from '../primitives/bytes.ts'
import { type Clock, systemClock } from '../primitives/clock.ts'
import { describeFault, type Fault, invariant, type Result } from '../primitives/result.ts'
import type { Host } from './host.ts'
import type { Topic } from './messages.ts'
import type { PeerId } from './peer.ts'
import { createPeerHeights } from './peerHeights.ts'
import {
  maxAnswerBytes,
  readRecords,
  recordQuestion,
  recordTopic,
  serveRecords,
} from './recordServer.ts'

/** Message topics; the host's `topics` must hold them. */
export const blockSyncTopics = {
  /** Height of the sender's head, 8 bytes. */
  syncHeight: { maxBytes: 8, urgent: true },
} as const satisfies Readonly<Record<string, Topic>>

export type BlockSyncOptions = {
  /** A single missing record is left to consensus for so long. @default 2,000 */
  readonly patienceMs?: number | undefined
  /** How long a peer may take for an answer. @default 20,000 */
  readonly answerMs?: number | undefined
  /** Records asked for at once, at most 256. @default 64 */
  readonly batch?: number | undefined
}

export type BlockSyncModules = {
  readonly host: Pick<
    Host,
    'request' | 'serve' | 'on' | 'broadcast' | 'onConnect' | 'onDisconnect' | 'penalize'
  >
  /** Height of our head. */
  readonly height: () => bigint
  /** The record of `height` as it goes over the wire, or null if it is not here. */
  readonly loadRecord: (height: bigint) => Promise<Uint8Array | null>
  /**
   * Check and apply the record of the next height; when it resolves, `height` has grown. A fault is
   * the peer's, and counts against it, but for a {@link LackFault}; a failure of our own is thrown.
   */
  readonly applyRecord: (
    height: bigint,
    record: Uint8Array,
    peer: PeerId,
  ) => Promise<Result<unknown, Fault>>
  readonly report: (problem: unknown) => void
  readonly clock?: Clock | undefined
}

/**
 * A record that is true but not whole, as an honest peer gives it that has forgotten the rest: it is
 * asked for nothing for a while, and not blamed.
 */
export type LackFault = { readonly code: 'sync/lacking'; readonly height: bigint }

/** What a peer gave instead of what it should have. */
type BlockSyncFault =
  | {
      readonly code: 'sync/badRecord'
      readonly peer: PeerId
      readonly height: bigint
      readonly why: string
    }
  | { readonly code: 'sync/badAnswer'; readonly peer: PeerId; readonly why: string }

export type BlockSync = {
  /** Once. */
  readonly start: () => void
  /** Resolves when nothing is being applied any more. */
  readonly stop: () => Promise<void>
  /** `peer` has shown that it is at `height`: catch up without patience. */
  readonly notifyBehind: (peer: PeerId, height: bigint) => void
  /** Our head has grown: tell the peers. */
  readonly announce: () => void
  /** The greatest height that a peer claims, or ours if that is greater. */
  readonly target: () => bigint
}

/** Points for a record that is wrong; two within a minute and a half ban. */
const badRecordPoints = 60

const lackCode: LackFault['code'] = 'sync/lacking'

/** How long a peer is not asked after it gave something wrong or not whole, and after it gave nothing. */
const wrongMs = 60_000
const silentMs = 3_000

/** How often to look whether there is something to do. */
const tickMs = 250

/** Serves at once; call it before the host starts. */
export function createBlockSync(options: BlockSyncOptions, modules: BlockSyncModules): BlockSync {
  const { patienceMs = 2_000, answerMs = 20_000, batch = 64 } = options
  const { host, height, loadRecord, applyRecord, report, clock = systemClock } = modules
  const heights = createPeerHeights(clock)
  const stopping = Promise.withResolvers<null>()
  let running = false
  let working: Promise<void> | null = null
  let cancelTick = () => {}
  /** When our head was first seen at its present height. */
  let since = { height: height(), at: clock.now() }
  let urgent = 0n

  serveRecords(host, loadRecord)
  host.on('syncHeight', (peer, bytes) => {
    if (bytes.length === 8) heights.set(peer, bytesToUint(bytes))
  })
  host.onConnect(({ id, height: theirs }) => heights.set(id, theirs))
  host.onDisconnect(heights.forget)

  function tick(): void {
    look()
    if (running) cancelTick = clock.after(tickMs, tick)
  }

  /** Begin to catch up if there is a reason to and nothing is under way. */
  function look(): void {
    const ours = height()
    if (since.height !== ours) since = { height: ours, at: clock.now() }
    const lag = heights.best() - ours
    const patient = lag === 1n && urgent <= ours && clock.now() - since.at < patienceMs
    if (!running || working !== null || lag <= 0n || patient) return
    working = catchUp()
      .catch(report)
      .finally(() => {
        working = null
      })
  }

  /** Batch after batch, until nobody is ahead. */
  async function catchUp(): Promise<void> {
    while (running) {
      const from = height() + 1n
      const peer = heights.choose(from, Math.random())
      if (peer === null) return
      const records = await ask(peer, from)
      if (records === null) continue
      if (records.length === 0) heights.lower(peer, from - 1n)
      await applyAll(peer, from, records)
    }
  }

  async function ask(peer: PeerId, from: bigint): Promise<readonly Uint8Array[] | null> {
    const limits = { timeoutMs: answerMs, maxBytes: maxAnswerBytes }
    const asked = host.request(peer, recordTopic, recordQuestion(from, batch), limits)
    const answer = await Promise.race([asked, stopping.promise])
    if (answer === null) return null
    if (!answer.ok) {
      heights.avoid(peer, silentMs)
      return null
    }
    const records = readRecords(answer.value)
    if (records.ok) return records.value
    wrong(peer, { code: 'sync/badAnswer', peer, why: describeFault(records.fault) })
    return null
  }

  async function applyAll(
    peer: PeerId,
    from: bigint,
    records: readonly Uint8Array[],
  ): Promise<void> {
    for (const [i, record] of records.entries()) {
      const next = from + BigInt(i)
      // Consensus may have decided it meanwhile.
      if (next <= height()) continue
      if (!running) return
      const applied = await applyRecord(next, record, peer)
      if (!applied.ok && applied.fault.code === lackCode) return lacking(peer, applied.fault)
      if (!applied.ok)
        return wrong(peer, {
          code: 'sync/badRecord',
          peer,
          height: next,
          why: describeFault(applied.fault),
        })
      invariant(height() >= next, `block sync: record ${next} was applied, the head is ${height()}`)
    }
  }

  function lacking(peer: PeerId, fault: Fault): void {
    report(fault)
    heights.avoid(peer, wrongMs)
  }

  function wrong(peer: PeerId, fault: BlockSyncFault): void {
    report(fault)
    heights.avoid(peer, wrongMs)
    host.penalize(peer, badRecordPoints, fault.code)
  }

  return {
    start: () => {
      running = true
      tick()
    },
    stop: async () => {
      running = false
      stopping.resolve(null)
      cancelTick()
      await working
    },
    notifyBehind: (peer, theirs) => {
      heights.set(peer, theirs)
      if (theirs > urgent) urgent = theirs
      look()
    },
    announce: () => void host.broadcast('syncHeight', uintBytes(height(), 8)),
    target: () => {
      const best = heights.best()
      return best > height() ? best : height()
    },
  }
}
