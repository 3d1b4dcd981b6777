/**
 * Peer exchange: nodes tell each other whom they are connected to, so that one known address is
 * enough to find the rest. Only IP addresses with a peer id are told and taken, and nobody is told an
 * address that only the teller can reach.
 */
import { utf8ToBytes } from '../primitives/bytes.ts'
import type { Clock } from '../primitives/clock.ts'
import { decode, Writer } from '../primitives/codec.ts'
import type { Host } from './host.ts'
import type { PeerId, PeerInfo } from './peer.ts'
import { peerInAddress } from './redial.ts'

export type PeerExchangeOptions = {
  /** Asks no further once so many are connected, and enough of them are of our choosing. */
  readonly maxPeers: number
  /** Peers that we dialled: those who dial us may all be one attacker's. */
  readonly minOutbound: number
  /** Whether to ask; answers are given in any case. */
  readonly discover: boolean
}

export type PeerExchangeModules = {
  readonly clock: Clock
  readonly self: PeerId
  readonly peers: () => readonly PeerInfo[]
  readonly isConnected: (peer: PeerId) => boolean
  readonly request: Host['request']
  readonly serve: Host['serve']
  readonly learn: (address: string, source: PeerId) => void
}

export type PeerExchange = {
  readonly start: () => void
  readonly stop: () => void
  readonly up: (peer: PeerId) => void
}

const peersTopic = 'peers'

const maxAddresses = 64
const maxAddressBytes = 128
const maxAnswerBytes = 4 + maxAddresses * (4 + maxAddressBytes)

/** How often a peer is asked again, drawn among those that are connected. */
const askEveryMs = 15_000
/** The same while too few are of our choosing. */
const askSoonMs = 5_000

export function createPeerExchange(
  options: PeerExchangeOptions,
  modules: PeerExchangeModules,
): PeerExchange {
  const { maxPeers, minOutbound, discover } = options
  const { clock, self, peers, isConnected, request, serve, learn } = modules
  let cancel = () => {}
  let running = false

  serve(peersTopic, 1, async (asker) => {
    const near = isLoopback(peers().find(({ id }) => id === asker)?.address ?? '')
    const addresses = peers()
      .filter(({ id }) => id !== asker)
      .flatMap(({ id, listen }) => listen.filter((address) => peerInAddress(address) === id))
      .filter((address) => isDialable(address) && (near || !isLoopback(address)))
      .slice(0, maxAddresses)
    return new Writer().list(addresses.map(utf8ToBytes), (address, to) => to.blob(address)).bytes()
  })

  function isEnough(): boolean {
    return peers().length >= maxPeers && outbound() >= minOutbound
  }

  function outbound(): number {
    return peers().filter(({ direction }) => direction === 'outbound').length
  }

  function tick(): void {
    const pauseMs = outbound() < minOutbound ? askSoonMs : askEveryMs
    cancel = clock.after(pauseMs * (0.5 + Math.random()), tick)
    const known = peers()
    const peer = known[Math.floor(Math.random() * known.length)]
    if (peer !== undefined) void ask(peer.id)
  }

  /** Requests do not reject: what fails is a verdict. */
  async function ask(peer: PeerId): Promise<void> {
    if (!running || !discover || isEnough()) return
    const limits = { timeoutMs: 10_000, maxBytes: maxAnswerBytes }
    const answer = await request(peer, peersTopic, Uint8Array.of(1), limits)
    if (!answer.ok || !running) return
    const read = decode(answer.value, (reader) =>
      reader.list(maxAddresses, (from) => new TextDecoder().decode(from.blob(maxAddressBytes))),
    )
    if (!read.ok) return
    for (const address of read.value.filter(isDialable)) {
      const id = peerInAddress(address)
      if (id !== null && id !== self && !isConnected(id)) learn(address, peer)
    }
  }

  return {
    start: () => {
      running = true
      tick()
      for (const { id } of peers()) void ask(id)
    },
    stop: () => {
      running = false
      cancel()
    },
    up: (peer) => void ask(peer),
  }
}

/** A plain IP address, a port and a peer id: no name to resolve, no relay, no odd transport. */
function isDialable(address: string): boolean {
  const form =
    /^\/ip[46]\/[0-9a-f.:]{2,45}\/tcp\/[1-9]\d{0,4}(\/ws)?\/p2p\/[1-9A-HJ-NP-Za-km-z]{30,70}$/
  return address.length <= maxAddressBytes && form.test(address)
}

function isLoopback(address: string): boolean {
  return /^\/(ip4\/127\.|ip6\/::1\/)/.test(address)
}
