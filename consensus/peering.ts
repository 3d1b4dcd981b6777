/**
 * Talking with peers about who lacks what: statuses go out on connect, at every height and every
 * second; answers carry what the peer lacks, within bounds of rate and size.
 */
import type { DriverModules, PeerId } from './driverModules.ts'
import type { HeightDriver } from './heightDriver.ts'
import { replyTo, statusOf } from './repeater.ts'
import { wantedValues } from './round.ts'
import type { Status, ValueWant } from './status.ts'
import { encodeWire, type WireMessage } from './wire.ts'

/** Peers that are asked for bulk at a time. */
const askedPeers = 3
/** Bulk in one answer, bytes; a whole part or sidecar may go over it. */
const replyBudgetBytes = 4_194_304
/** Answers that a peer can get: a burst, and then so many a second. */
const replyBurst = 16
const repliesPerSecond = 8
/** A peer that shows us to be one height behind is asked at most this often, milliseconds. */
const nudgeIntervalMs = 250

export type PeeringModules = Pick<
  DriverModules,
  'clock' | 'network' | 'behind' | 'loadCommitted' | 'report'
> & { readonly current: () => HeightDriver }

export type Peering = {
  /** Tell every peer where we stand; ask some of them for bulk. */
  readonly announce: () => void
  /** Tell one peer, and ask it. */
  readonly greet: (peer: PeerId) => void
  readonly onStatus: (peer: PeerId, status: Status) => void
  /** A message of another height has come. */
  readonly onOtherHeight: (peer: PeerId, height: bigint) => void
}

type Allowance = { left: number; at: number }

export function createPeering(modules: PeeringModules): Peering {
  const { clock, network, behind, loadCommitted, report, current } = modules
  const allowances = new Map<PeerId, Allowance>()
  /** The greatest height that was reported of each peer ahead of us. */
  const reported = new Map<PeerId, bigint>()
  let turn = 0
  let nudgedAt = Number.NEGATIVE_INFINITY

  function send(peer: PeerId, message: WireMessage): void {
    network.send(peer, encodeWire(message))
  }

  function status(ask: boolean): Status {
    const { state, store } = current()
    return statusOf(state(), lacking(), ask)

    function lacking(): ValueWant | null {
      const value = wantedValues(state()).find((wanted) => store.sidecarsOf(wanted) === null)
      return value === undefined ? null : store.progress(value)
    }
  }

  function announce(): void {
    const peers = network.peers()
    forgetLost(peers)
    const [asking, telling] = [true, false].map((ask) =>
      encodeWire({ type: 'status', status: status(ask) }),
    )
    turn = peers.length === 0 ? 0 : (turn + askedPeers) % peers.length
    for (const [i, peer] of peers.entries()) {
      const asked = (i - turn + peers.length) % peers.length < askedPeers
      network.send(peer, asked ? asking! : telling!)
    }
  }

  function forgetLost(peers: readonly PeerId[]): void {
    const here = new Set(peers)
    for (const told of [allowances, reported])
      for (const peer of told.keys()) if (!here.has(peer)) told.delete(peer)
  }

  /** Answers cost more than statuses, so each peer's are counted. */
  function mayAnswer(peer: PeerId): boolean {
    const now = clock.now()
    const { left, at } = allowances.get(peer) ?? { left: replyBurst, at: now }
    const filled = Math.min(replyBurst, left + ((now - at) / 1000) * repliesPerSecond)
    allowances.set(peer, { left: filled < 1 ? filled : filled - 1, at: now })
    return filled >= 1
  }

  function answer(peer: PeerId, { state, store }: HeightDriver, asked: Status): void {
    const { proposal, votes } = replyTo(state(), asked)
    if (votes.length > 0) send(peer, { type: 'votes', votes })
    if (proposal !== null) send(peer, { type: 'proposal', proposal })
    if (!asked.ask) return
    const untold = proposal && { value: proposal.envelopeHash, parts: none, sidecars: null }
    const want = asked.want ?? untold
    if (want === null) return
    for (const message of store.supply(want, replyBudgetBytes)) send(peer, message)
  }

  async function sendCommitted(peer: PeerId, height: bigint): Promise<void> {
    const committed = await loadCommitted(height)
    if (committed !== null) send(peer, { type: 'committed', ...committed })
  }

  function onOtherHeight(peer: PeerId, height: bigint): void {
    const ours = current().electorate.height
    if (height > ours + 1n && height > (reported.get(peer) ?? 0n)) {
      reported.set(peer, height)
      behind(peer, height)
    }
    if (height !== ours + 1n || clock.now() - nudgedAt < nudgeIntervalMs) return
    nudgedAt = clock.now()
    send(peer, { type: 'status', status: status(true) })
  }

  return {
    announce,
    greet: (peer) => send(peer, { type: 'status', status: status(true) }),
    onStatus: (peer, got) => {
      const height = current()
      const ours = height.electorate.height
      if (got.height > ours) onOtherHeight(peer, got.height)
      else if (!mayAnswer(peer)) return
      else if (got.height === ours) answer(peer, height, got)
      else if (got.ask) sendCommitted(peer, got.height).catch(report)
    },
    onOtherHeight,
  }
}

const none = new Uint8Array()
