/**
 * What waits to be sent to one peer: a lane per topic, each over a long-lived stream of its own, so
 * that a vote never stands behind a block. Queues are bounded by the ledger; what does not fit is
 * dropped with a fault, and a peer that stops reading is given up.
 */
import type { Stream } from '@libp2p/interface'
import { ok, type Result, refuse } from '../primitives/result.ts'
import type { PeerFault, SendFault } from './faults.ts'
import type { Ledger } from './ledger.ts'
import type { PeerId } from './peer.ts'
import { StallError, writeFrame } from './streams.ts'

export type OutboxOptions = {
  readonly peer: PeerId
  /** How long a frame may wait for the peer to read. */
  readonly stallMs: number
}

export type OutboxModules = {
  readonly ledger: Ledger
  /** @throws {Error} if the peer cannot be reached. */
  readonly openStream: (topic: string) => Promise<Stream>
  /** The peer does not read: cut it. */
  readonly stalled: (fault: PeerFault) => void
}

export type Outbox = {
  /** Queue one message. `bytes` must not change any more. */
  readonly push: (topic: string, bytes: Uint8Array, urgent: boolean) => Result<'queued', SendFault>
  /** Drop everything; nothing is sent any more. */
  readonly close: () => void
}

/** Streams opened for one frame before it is dropped. */
const attempts = 2

/** Counted on top of each message, so that many small ones are bounded as well. */
const overheadBytes = 64

type Lane = { readonly queue: Uint8Array[]; running: boolean; stream: Stream | null }

export function createOutbox(options: OutboxOptions, modules: OutboxModules): Outbox {
  const { peer, stallMs } = options
  const { ledger, openStream, stalled } = modules
  const lanes = new Map<string, Lane>()
  let open = true

  function push(topic: string, bytes: Uint8Array, urgent: boolean): Result<'queued', SendFault> {
    if (!open) return refuse({ code: 'network/notConnected', peer })
    const cost = bytes.length + overheadBytes
    if (!ledger.take(peer, cost, urgent))
      return refuse({
        code: 'network/queueFull',
        peer,
        topic,
        queued: ledger.held(peer),
        bytes: bytes.length,
      })
    const lane = laneOf(topic)
    lane.queue.push(bytes)
    if (!lane.running) void drain(topic, lane)
    return ok('queued')
  }

  function laneOf(topic: string): Lane {
    const known = lanes.get(topic)
    if (known !== undefined) return known
    const lane: Lane = { queue: [], running: false, stream: null }
    lanes.set(topic, lane)
    return lane
  }

  /** Never rejects: what cannot be sent is dropped, as it would be by a network. */
  async function drain(topic: string, lane: Lane): Promise<void> {
    lane.running = true
    while (open && lane.queue.length > 0) {
      const bytes = lane.queue[0]!
      await sendOne(topic, lane, bytes)
      if (!open) break
      lane.queue.shift()
      ledger.release(peer, bytes.length + overheadBytes)
    }
    lane.running = false
  }

  async function sendOne(topic: string, lane: Lane, bytes: Uint8Array): Promise<void> {
    for (let attempt = 0; open && attempt < attempts; attempt++) {
      try {
        lane.stream ??= await openStream(topic)
        await writeFrame(lane.stream, bytes, stallMs)
        return
      } catch (error) {
        lane.stream?.abort(error instanceof Error ? error : new Error(String(error)))
        lane.stream = null
        if (error instanceof StallError)
          return stalled({ code: 'peer/stalled', peer, topic, stalledMs: stallMs })
      }
    }
  }

  function close(): void {
    open = false
    for (const lane of lanes.values()) {
      for (const bytes of lane.queue) ledger.release(peer, bytes.length + overheadBytes)
      lane.queue.length = 0
      lane.stream?.abort(new Error('the outbox is closed'))
    }
    lanes.clear()
  }

  return { push, close }
}
