/**
 * Keeps the connections to the given addresses: dials each for ever, with growing pauses that are
 * drawn at random so that two nodes do not run into each other again and again.
 */
import type { Clock } from '../primitives/clock.ts'
import type { PeerId } from './peer.ts'

export type RedialOptions = {
  /** Multiaddrs, with or without `/p2p/…`. */
  readonly addresses: readonly string[]
  /** First pause after a failure. */
  readonly minMs: number
  /** Longest pause. */
  readonly maxMs: number
  /** Connections that there may be, whoever opened them. */
  readonly maxConnections: number
}

export type RedialModules = {
  readonly clock: Clock
  /** Uniform in [0, 1). */
  readonly random: () => number
  /** Who answers there. @throws {Error} if nobody does. */
  readonly dial: (address: string) => Promise<PeerId>
  /** Whether there is a connection with `peer`, whoever dialled it. */
  readonly isConnected: (peer: PeerId) => boolean
  /** Peers that are connected, whoever dialled. */
  readonly connections: () => number
  readonly self: PeerId
  /** A dial failed; `pauseMs` until the next. */
  readonly failed: (address: string, error: unknown, pauseMs: number) => void
}

export type Redial = {
  readonly start: () => void
  readonly stop: () => void
  /** A peer is here: others that have been away may be back as well, and are tried soon. */
  readonly cameUp: () => void
  /** The last connection with `peer` is gone: dial it soon. */
  readonly lost: (peer: PeerId) => void
  /** Keep a further address. */
  readonly add: (address: string) => void
  /** Try an address that a peer told us of; it is given up after a few failures in a row. */
  readonly learn: (address: string, teller: PeerId) => void
}

/**
 * Addresses learned from peers that are kept at once, how many of them from one source, and failures
 * after which one is given up. A source is an address that the operator gave, with all whom we know
 * through it, or else all who dialled us, together: names are cheap, so many peers may be one attacker,
 * who cannot fill the table all the same.
 */
const maxLearned = 256
const maxFromOne = 64
const maxFailures = 5

/**
 * Dials under way at once, of those that have not taken long: with more, a crowd that has lost each other
 * would all shake hands with all at the same time, twice each, and none would be done soon. A dial that
 * takes longer than this leaves its place to another, so that addresses at which nobody answers keep
 * nobody waiting for long.
 */
const maxDials = 4
const dialShareMs = 1_000

/** The source of what is told by peers that we have not dialled. */
const uninvited = 'uninvited'

type Target = {
  readonly address: string
  /** Through which address of the operator we know it; null for those addresses themselves. */
  readonly source: string | null
  failures: number
  peer: PeerId | null
  pauseMs: number
  dialling: boolean
  cancel: () => void
}

export function createRedial(options: RedialOptions, modules: RedialModules): Redial {
  const { minMs, maxMs } = options
  const { clock, random, dial, isConnected, connections, self, failed } = modules
  const share = Math.ceil(options.maxConnections / 16)
  const targets = new Map<string, Target>()
  /** Due, with no place yet. */
  const waiting = new Set<Target>()
  let dials = 0
  let hurriedAt = Number.NEGATIVE_INFINITY
  let running = false

  for (const address of options.addresses) add(address)

  function add(address: string): void {
    if (targets.get(address)?.source === null) return
    const learned = targets.get(address)
    learned?.cancel()
    if (learned !== undefined) waiting.delete(learned)
    keep(address, null)
  }

  function learn(address: string, teller: PeerId): void {
    const source = sourceOf(teller)
    const learned = [...targets.values()].filter((target) => target.source !== null)
    const fromIt = learned.filter((target) => target.source === source).length
    if (!targets.has(address) && learned.length < maxLearned && fromIt < maxFromOne)
      keep(address, source)
  }

  function sourceOf(teller: PeerId): string {
    const dialled = [...targets.values()].find(({ peer }) => peer === teller)
    return dialled === undefined ? uninvited : (dialled.source ?? dialled.address)
  }

  /**
   * Whether a learned address may be dialled: the last sixteenth of all connections is the operator's,
   * and once half of all are taken, a source gets no more beyond a sixteenth, less one. Those who dial us
   * leave three sixteenths free, so that two bad sources leave room for a good one.
   */
  function hasRoom({ source }: Target): boolean {
    if (source === null) return true
    const all = [...targets.values()]
    const taken = connections() + all.filter(({ dialling }) => dialling).length
    if (taken >= options.maxConnections - share) return false
    const fromIt = all.filter((target) => target.source === source && isUnderWay(target))
    return 2 * taken < options.maxConnections || fromIt.length < Math.max(1, share - 1)
  }

  function isUnderWay({ dialling, peer }: Target): boolean {
    return dialling || (peer !== null && isConnected(peer))
  }

  function keep(address: string, source: string | null): void {
    const peer = peerInAddress(address)
    if (peer === self) return
    const target: Target = {
      address,
      source,
      failures: 0,
      peer,
      pauseMs: minMs,
      dialling: false,
      cancel: () => {},
    }
    targets.set(address, target)
    if (running) schedule(target, 0)
  }

  function schedule(target: Target, delayMs: number): void {
    target.cancel()
    target.cancel = clock.after(delayMs, () => void attempt(target))
  }

  /** Whether to dial now; if not because of what is connected, it is looked at again later. */
  function isDue(target: Target): boolean {
    if (!running || target.dialling) return false
    const connected = isUnderWay(target)
    if (connected) target.pauseMs = minMs
    if (!connected && hasRoom(target)) return true
    schedule(target, maxMs)
    return false
  }

  /** A place among the dials that count, until it is given back or its time is over. */
  function takePlace(): () => void {
    let held = true
    const giveBack = () => {
      if (!held) return
      held = false
      cancel()
      dials--
      callNext()
    }
    const cancel = clock.after(dialShareMs, giveBack)
    dials++
    return giveBack
  }

  /** Give free places to some that wait, drawn at random; the operator's addresses come first. */
  function callNext(): void {
    while (dials < maxDials && waiting.size > 0) {
      const all = [...waiting].filter(({ source }) => source === null)
      const some = all.length > 0 ? all : [...waiting]
      const target = some[Math.floor(random() * some.length)]!
      waiting.delete(target)
      void attempt(target)
    }
  }

  async function attempt(target: Target): Promise<void> {
    if (!isDue(target)) return
    if (dials >= maxDials) {
      waiting.add(target)
      return
    }
    target.dialling = true
    const giveBack = takePlace()
    try {
      const peer = await dial(target.address)
      target.failures = 0
      if (peer === self) targets.delete(target.address)
      else target.peer = peer
    } catch (error) {
      failed(target.address, error, target.pauseMs)
      if (target.source !== null && ++target.failures >= maxFailures) targets.delete(target.address)
    }
    target.dialling = false
    giveBack()
    if (!running || targets.get(target.address) !== target) return
    // Also after a success: the hello may yet fail, and then the pause must have grown.
    schedule(target, target.pauseMs * (0.5 + random()))
    target.pauseMs = Math.min(maxMs, 2 * target.pauseMs)
  }

  function lost(peer: PeerId): void {
    for (const target of targets.values())
      if (target.peer === peer && running && !target.dialling)
        schedule(target, target.pauseMs * (0.5 + random()))
  }

  /** Not oftener than the longest pause: peers that come and go make nobody dial more than usual. */
  function cameUp(): void {
    if (!running || clock.now() - hurriedAt < maxMs) return
    hurriedAt = clock.now()
    for (const target of targets.values())
      if (!waiting.has(target) && !isUnderWay(target)) schedule(target, minMs * random())
  }

  function start(): void {
    running = true
    for (const target of targets.values()) schedule(target, 0)
  }

  function stop(): void {
    running = false
    waiting.clear()
    for (const target of targets.values()) target.cancel()
  }

  return { start, stop, cameUp, lost, add, learn }
}

/** The peer id that ends a multiaddr, if one does. */
export function peerInAddress(address: string): PeerId | null {
  return (/\/p2p\/([1-9A-HJ-NP-Za-km-z]+)$/.exec(address)?.[1] ?? null) as PeerId | null
}
