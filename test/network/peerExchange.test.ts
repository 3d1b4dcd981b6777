import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import type { PeerId, PeerInfo } from '../../network/peer.ts'
import { createPeerExchange } from '../../network/peerExchange.ts'
import type { Answer } from '../../network/requests.ts'
import { utf8ToBytes } from '../../primitives/bytes.ts'
import { Writer } from '../../primitives/codec.ts'
import { ok } from '../../primitives/result.ts'
import { manualClock } from './manualClock.ts'
import { startHost, stopHostsAfterEach, until } from './testHost.ts'

stopHostsAfterEach()

const id = (letter: string) => `12D3KooW${letter.repeat(44)}` as PeerId
const peer = (letter: string, address: string, listen: readonly string[]): PeerInfo => ({
  id: id(letter),
  address,
  direction: 'inbound',
  height: 0n,
  validator: null,
  listen,
  connectedAt: 0,
  score: 0,
  queuedBytes: 0,
})

/** An exchange among `peers`, its answers and what it learned from `told`. */
function exchange(peers: readonly PeerInfo[], told: readonly string[]) {
  const learned: string[] = []
  let answer: Answer = async () => null
  const made = createPeerExchange(
    { maxPeers: 10, minOutbound: 4, discover: true },
    {
      clock: manualClock(),
      self: id('S'),
      peers: () => peers,
      isConnected: (other) => peers.some((known) => known.id === other),
      request: async () =>
        ok(new Writer().list(told.map(utf8ToBytes), (item, to) => to.blob(item)).bytes()),
      serve: (_topic, _max, given) => {
        answer = given
      },
      learn: (address) => void learned.push(address),
    },
  )
  const ask = async (asker: PeerId) => {
    const bytes = await answer(asker, Uint8Array.of(1))
    return new TextDecoder().decode(bytes ?? new Uint8Array())
  }
  return { made, learned, ask }
}

describe('peer exchange', () => {
  it('makes a mesh of nodes that know one address', async () => {
    const first = await startHost('first')
    const bootstrap = first.addresses()
    const others = await Promise.all(['b', 'c', 'd'].map((name) => startHost(name, { bootstrap })))
    const all = [first, ...others]
    await until('all are connected', () => all.every((host) => host.peers().length === 3))
  })

  it('leaves alone who does not want to discover', async () => {
    const first = await startHost('first')
    const options = { bootstrap: first.addresses(), discover: false }
    const [b, c] = await Promise.all(['b', 'c'].map((name) => startHost(name, options)))
    await until('both know the first', () => first.peers().length === 2)
    await new Promise((resolve) => setTimeout(resolve, 300))
    assert.deepEqual([b!.peers().length, c!.peers().length], [1, 1])
  })

  it('tells only true addresses that the asker can reach', async () => {
    const far = `/ip4/10.0.0.1/tcp/9000/p2p/${id('A')}`
    const near = `/ip4/127.0.0.1/tcp/9000/p2p/${id('A')}`
    const { ask } = exchange(
      [
        peer('A', '/ip4/10.0.0.1/tcp/55', [
          far,
          near,
          `/ip4/10.0.0.9/tcp/1/p2p/${id('V')}`,
          '/dns4/x/tcp/1',
        ]),
        peer('F', '/ip4/10.0.0.2/tcp/55', []),
        peer('N', '/ip4/127.0.0.1/tcp/55', []),
      ],
      [],
    )
    const toFar = await ask(id('F'))
    assert.ok(toFar.includes(far) && !toFar.includes(near) && !toFar.includes(id('V')))
    assert.ok(!toFar.includes('dns4'))
    assert.ok((await ask(id('N'))).includes(near))
    assert.ok(!(await ask(id('A'))).includes(far))
  })

  it('takes only what is an address, and neither itself nor whom it knows', async () => {
    const good = `/ip4/10.0.0.1/tcp/9000/ws/p2p/${id('G')}`
    const told = [
      good,
      `/ip4/10.0.0.1/tcp/9000/p2p/${id('S')}`,
      `/ip4/10.0.0.1/tcp/9000/p2p/${id('A')}`,
      '/ip4/10.0.0.1/tcp/9000',
      `/dns4/example/tcp/1/p2p/${id('D')}`,
      `/ip4/10.0.0.1/tcp/0/p2p/${id('Z')}`,
      `/ip4/10.0.0.1/tcp/9000/p2p-circuit/p2p/${id('R')}`,
    ]
    const { made, learned } = exchange([peer('A', '/ip4/10.0.0.1/tcp/55', [])], told)
    made.start()
    made.stop()
    made.start()
    for (let i = 0; i < 20; i++) await Promise.resolve()
    assert.ok(learned.length > 0 && learned.every((address) => address === good))
  })
})
