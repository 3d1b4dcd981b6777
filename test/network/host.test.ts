import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import type { PeerId } from '../../network/peer.ts'
import { utf8ToBytes } from '../../primitives/bytes.ts'
import {
  faultOf,
  type makeHost,
  sample,
  startHost,
  stopHostsAfterEach,
  until,
  value,
  whenConnected,
} from './testHost.ts'

stopHostsAfterEach()

const nobody = '12D3KooWNobody' as PeerId

describe.each([
  ['TCP', '/ip4/127.0.0.1/tcp/0'],
  ['WebSocket', '/ip4/127.0.0.1/tcp/0/ws'],
])('host over %s', (_name, address) => {
  it('carries messages, broadcasts, requests and gossip', async () => {
    const heard: string[] = []
    const note = (who: string) => (_: PeerId, bytes: Uint8Array) => {
      heard.push(`${who}:${bytes.length > 100 ? bytes.length : new TextDecoder().decode(bytes)}`)
    }
    const a = await startHost('a', { listen: [address] }, (host) => {
      host.on('vote', note('a'))
      host.serve('double', 16, async (_, bytes) => Uint8Array.from([...bytes, ...bytes]))
      host.serve('never', 16, async () => null)
      host.subscribe('news', () => 'relay')
    })
    const bootstrap = a.addresses()
    const prepare = (who: string) => (host: Awaited<ReturnType<typeof makeHost>>) => {
      host.on('vote', note(who))
      host.on('bulk', note(who))
      host.subscribe('news', (peer, bytes) => {
        note(`${who} gossip`)(peer, bytes)
        return 'relay'
      })
    }
    const b = await startHost('b', { listen: [address], bootstrap }, prepare('b'))
    const c = await startHost('c', { listen: [address], bootstrap }, prepare('c'))
    await whenConnected(a, b)
    await whenConnected(a, c)

    value(b.send(a.peerId, 'vote', utf8ToBytes('one')))
    value(b.send(a.peerId, 'vote', utf8ToBytes('two')))
    assert.equal(a.broadcast('vote', utf8ToBytes('all')), 2)
    assert.equal(a.broadcast('vote', utf8ToBytes('but c'), c.peerId), 1)
    value(a.send(b.peerId, 'bulk', sample(5_000_000)))
    await until('messages arrive', () => heard.length === 6)
    assert.deepEqual(
      heard.filter((line) => line.startsWith('a:')),
      ['a:one', 'a:two'],
    )
    assert.deepEqual(
      heard.toSorted((x, y) => (x < y ? -1 : 1)),
      ['a:one', 'a:two', 'b:5000000', 'b:all', 'b:but c', 'c:all'],
    )

    const limits = { timeoutMs: 10_000, maxBytes: 32 }
    const answer = value(await b.request(a.peerId, 'double', Uint8Array.of(1, 2), limits))
    assert.deepEqual(answer, Uint8Array.of(1, 2, 1, 2))
    assert.equal(
      faultOf(await b.request(a.peerId, 'never', Uint8Array.of(1), limits)),
      'network/refused',
    )
    assert.equal(
      faultOf(await b.request(a.peerId, 'unknown', Uint8Array.of(1), limits)),
      'network/closed',
    )
    assert.equal(
      faultOf(await b.request(nobody, 'double', Uint8Array.of(1), limits)),
      'network/notConnected',
    )

    heard.length = 0
    await until('gossip flows', () => {
      value(b.publish('news', crypto.getRandomValues(new Uint8Array(20))))
      return heard.some((line) => line.startsWith('c gossip'))
    })
    assert.equal(faultOf(b.publish('news', new Uint8Array(65_536))), 'network/tooLarge')
    for (const host of [a, b, c]) assert.deepEqual(host.reported, [])
  })
})
