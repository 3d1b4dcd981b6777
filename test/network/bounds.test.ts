import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { createAllowance } from '../../network/allowance.ts'
import { createLedger } from '../../network/ledger.ts'
import type { PeerId, PeerInfo } from '../../network/peer.ts'
import { createPeerExchange } from '../../network/peerExchange.ts'
import { createRedial } from '../../network/redial.ts'
import { ok } from '../../primitives/result.ts'
import { manualClock } from './manualClock.ts'
import { faultCodes, isConnected, startHost, stopHostsAfterEach, until } from './testHost.ts'

stopHostsAfterEach()

const nobody = 'nobody' as PeerId
/** A number without digits that a peer id may not have. */
const named = (i: number) => 'x'.repeat(i + 1)
const somebody = 'somebody' as PeerId

describe('what a peer may send', () => {
  it('is a burst, then a steady rate, and each peer has its own', () => {
    const clock = manualClock()
    const allowance = createAllowance({ perSecond: 10, burst: 20 }, clock)
    const taken = (peer: PeerId) => {
      let count = 0
      while (allowance.take(peer, 1)) count++
      return count
    }
    assert.equal(taken(nobody), 20)
    assert.equal(taken(somebody), 20)
    clock.advance(500)
    assert.equal(taken(nobody), 5)
    clock.advance(60_000)
    assert.equal(taken(nobody), 20)
    assert.ok(!allowance.take(nobody, 21))
    allowance.forget(nobody)
    assert.equal(taken(nobody), 20)
  })

  it('is dropped beyond that, and a flood bans', async () => {
    let heard = 0
    const host = await startHost('a', { limits: { messagesPerSecond: 10 } }, (made) =>
      made.on('vote', () => void heard++),
    )
    const flood = await startHost('flood', { bootstrap: host.addresses() })
    await until('connected', () => isConnected(flood, host.peerId))
    for (let i = 0; i < 200; i++) flood.send(host.peerId, 'vote', Uint8Array.of(1))
    await until('banned', () => host.bans().length === 1)
    assert.ok(heard <= 25, `${heard} messages`)
    assert.ok(faultCodes(host).includes('peer/misbehaved'))
    await until('cut', () => !isConnected(host, flood.peerId))
  })

  it('waits in memory within 64 MiB for one and 512 MiB for all, less an eighth for votes', () => {
    const ledger = createLedger()
    const mib = 2 ** 20
    const peers = Array.from({ length: 12 }, (_, i) => `p${i}` as PeerId)
    for (const peer of peers) while (ledger.take(peer, mib, false));
    assert.equal(ledger.held(peers[0]!), 56 * mib)
    assert.equal(ledger.total(), 448 * mib)
    for (const peer of peers) while (ledger.take(peer, mib, true));
    assert.equal(ledger.held(peers[0]!), 64 * mib)
    assert.equal(ledger.total(), 512 * mib)
  })
})

describe('an attacker with many names', () => {
  it('cannot take the connections that we open', async () => {
    const host = await startHost('a', { limits: { maxConnections: 8 }, discover: false })
    const options = { bootstrap: host.addresses(), discover: false }
    const crowd = await Promise.all(
      Array.from({ length: 9 }, (_, i) => startHost(`crowd ${i}`, options)),
    )
    await until('the crowd is in', () => host.peers().length === 6)
    const friend = await startHost('friend', { discover: false })
    host.connect(friend.addresses()[0]!)
    await until('the friend is in', () => isConnected(host, friend.peerId))
    const inbound = host.peers().filter(({ direction }) => direction === 'inbound')
    assert.ok(inbound.length <= 6, `${inbound.length} inbound`)
    assert.equal(crowd.length, 9)
  })

  it('cannot fill the table of addresses: one source has a quarter of it', async () => {
    const clock = manualClock()
    const dialled = new Set<string>()
    const redial = createRedial(
      { addresses: [], minMs: 100, maxMs: 800, maxConnections: 128 },
      {
        clock,
        random: () => 0.5,
        dial: async (address) => {
          dialled.add(address)
          throw new Error('nobody')
        },
        isConnected: () => false,
        connections: () => 0,
        self: nobody,
        failed: () => {},
      },
    )
    redial.start()
    for (let i = 1; i <= 300; i++) redial.learn(`/ip4/10.6.6.${i}/tcp/1`, `sybil ${i}` as PeerId)
    clock.advance(0)
    // Four are dialled at once, and each of them fails at once.
    for (let i = 0; i < 200; i++) await Promise.resolve()
    assert.equal(dialled.size, 64)
  })

  it("cannot displace the operator's peers, nor those known through another of them", async () => {
    const maxConnections = 128
    const clock = manualClock()
    // Two addresses of the operator's, one of them the attacker's; and whoever dials us.
    const [good, bad] = ['/ip4/10.0.0.1/tcp/1/p2p/good', '/ip4/10.6.6.6/tcp/1/p2p/bad']
    const up = new Set<string>(Array.from({ length: 96 }, (_, i) => `sybil${i}`))
    const redial = createRedial(
      { addresses: [good, bad], minMs: 100, maxMs: 800, maxConnections },
      {
        clock,
        random: () => 0.5,
        dial: async (address) => {
          if (up.size >= maxConnections) throw new Error('full')
          const peer = address.split('/').at(-1) as PeerId
          up.add(peer)
          return peer
        },
        isConnected: (peer) => up.has(peer),
        connections: () => up.size,
        self: nobody,
        failed: () => {},
      },
    )
    const pass = async (ms: number) => {
      for (let at = 0; at < ms; at += 100) {
        clock.advance(100)
        for (let i = 0; i < 10; i++) await Promise.resolve()
      }
    }
    redial.start()
    await pass(200)
    // The attacker is first, tells of names that all answer, and these tell of more.
    const names = Array.from({ length: 100 }, (_, i) => `bad${named(i)}`)
    for (const [i, name] of names.entries()) {
      redial.learn(`/ip4/10.6.7.${i}/tcp/1/p2p/${name}`, (i < 50 ? 'bad' : 'crowd') as PeerId)
      redial.learn(`/ip4/10.6.8.${i}/tcp/1/p2p/more${named(i)}`, name as PeerId)
    }
    await pass(2_000)
    for (let i = 0; i < 4; i++)
      redial.learn(`/ip4/10.0.1.${i}/tcp/1/p2p/friend${named(i)}`, 'good' as PeerId)
    await pass(2_000)
    const friends = [...up].filter((peer) => peer.startsWith('friend'))
    assert.ok(up.has('good') && friends.length >= 2, `${friends.length} of another source`)
    // What the operator gave comes back whenever it is lost.
    up.delete('good')
    redial.lost('good' as PeerId)
    await pass(1_000)
    assert.ok(up.has('good'))
  })

  it('cannot stop us from looking for others by being many', async () => {
    const asked: string[] = []
    const exchangeWith = (direction: PeerInfo['direction']) => {
      const peers = Array.from(
        { length: 12 },
        (_, i) => ({ id: `${direction} ${i}`, direction, address: '', listen: [] }) as never,
      ) as PeerInfo[]
      const made = createPeerExchange(
        { maxPeers: 10, minOutbound: 4, discover: true },
        {
          clock: manualClock(),
          self: nobody,
          peers: () => peers,
          isConnected: () => true,
          request: async (peer) => {
            asked.push(peer)
            return ok(new Uint8Array(4))
          },
          serve: () => {},
          learn: () => {},
        },
      )
      made.start()
      made.stop()
    }
    exchangeWith('outbound')
    assert.equal(asked.length, 0)
    exchangeWith('inbound')
    assert.ok(asked.length >= 12)
  })
})
