import assert from 'node:assert/strict'
import type { Stream } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { afterEach, describe, it } from 'vitest'
import { encodeFrame } from '../../network/frames.ts'
import { encodeHello, type Hello } from '../../network/hello.ts'
import type { HostOptions } from '../../network/hostOptions.ts'
import type { PeerId } from '../../network/peer.ts'
import { createTransport, type Transport } from '../../network/transport.ts'
import { concatBytes, uintBytes, utf8ToBytes } from '../../primitives/bytes.ts'
import { hashOf } from '../../primitives/hash.ts'
import {
  faultCodes,
  faultOf,
  isConnected,
  makeHost,
  sample,
  startHost,
  stopHostsAfterEach,
  type TestHost,
  until,
  value,
  whenConnected,
} from './testHost.ts'

stopHostsAfterEach()

const vote = utf8ToBytes('vote')

describe('hello between hosts', () => {
  it.each<[string, Partial<HostOptions>]>([
    ['hello/version', { protocolVersion: 2 }],
    ['hello/chainId', { chainId: 8 }],
    ['hello/genesis', { genesisHash: hashOf('another genesis') }],
    ['hello/rules', { rulesHashAt: () => hashOf('other rules') }],
  ])('refuses what differs, and both sides learn it: %s', async (code, difference) => {
    const a = await startHost('a')
    const b = await startHost('b', { ...difference, bootstrap: a.addresses() })
    for (const host of [a, b])
      await until(`${code} is reported`, () =>
        host.reported.some((fault) => helloCode(fault) === code),
      )
    assert.deepEqual([...a.peers(), ...b.peers()], [])
  })

  function helloCode(fault: object): string {
    const inner = 'fault' in fault ? fault.fault : fault
    return typeof inner === 'object' && inner !== null && 'code' in inner ? String(inner.code) : ''
  }
})

describe('connections', () => {
  it('stand once and stay when both dial at the same time', async () => {
    const events: string[] = []
    const watch = (host: TestHost) => {
      host.onConnect(() => events.push('up'))
      host.onDisconnect(() => events.push('down'))
    }
    const [portA, portB] = [await freePort(), await freePort()]
    const address = (port: number) => `/ip4/127.0.0.1/tcp/${port}`
    const a = await makeHost('a', { listen: [address(portA)], bootstrap: [address(portB)] })
    const b = await makeHost('b', { listen: [address(portB)], bootstrap: [address(portA)] })
    watch(a)
    watch(b)
    await Promise.all([a.start(), b.start()])
    await whenConnected(a, b)
    await new Promise((resolve) => setTimeout(resolve, 1_500))
    assert.deepEqual(events, ['up', 'up'])
  })

  it('come back within seconds when a peer restarts at its address', async () => {
    const listen = [`/ip4/127.0.0.1/tcp/${await freePort()}`]
    const heard: PeerId[] = []
    const prepare = (host: TestHost) => host.on('vote', (peer) => void heard.push(peer))
    const first = await startHost('a', { listen }, prepare)
    const b = await startHost('b', { bootstrap: listen })
    await whenConnected(first, b)
    await first.stop()
    await until('the loss is noticed', () => b.peers().length === 0)
    assert.equal(faultOf(b.send(first.peerId, 'vote', vote)), 'network/notConnected')
    await new Promise((resolve) => setTimeout(resolve, 500))
    const again = await startHost('a', { listen }, prepare)
    await until('connected again', () => isConnected(b, again.peerId), 5_000)
    value(b.send(again.peerId, 'vote', vote))
    await until('messages flow again', () => heard.length === 1)
  })

  it('end with a ban, and are not taken up again', async () => {
    const a = await startHost('a')
    const b = await startHost('b', { bootstrap: a.addresses() })
    await whenConnected(a, b)
    a.ban(b.peerId, 'test')
    await until('b is cut', () => a.peers().length === 0 && b.peers().length === 0)
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    assert.deepEqual(b.peers(), [])
    assert.deepEqual(
      a.bans().map(({ peer, reason }) => [peer, reason]),
      [[b.peerId, 'test']],
    )
  })
})

describe('queues', () => {
  it('drop what does not fit, keep votes flowing, and cut who never reads', async () => {
    const heard: number[] = []
    const slow = await startHost('slow', {}, (host) => {
      host.on('bulk', () => new Promise(() => {}))
      host.on('vote', (_, bytes) => void heard.push(bytes.length))
    })
    const limits = { peerBytes: 16_777_216, stallMs: 3_000 }
    const fast = await startHost('fast', { bootstrap: slow.addresses(), limits })
    await whenConnected(slow, fast)
    const bulk = sample(4_000_000)
    const outcomes = Array.from({ length: 6 }, () => fast.send(slow.peerId, 'bulk', bulk))
    assert.deepEqual(
      outcomes.map(({ ok }) => ok),
      [true, true, true, false, false, false],
    )
    assert.equal(faultOf(outcomes[3]!), 'network/queueFull')
    value(fast.send(slow.peerId, 'vote', vote))
    await until('the vote overtakes', () => heard.length === 1)
    assert.ok(fast.peers()[0]!.queuedBytes > 1_000_000)
    await until('the slow reader is cut', () => faultCodes(fast).includes('peer/stalled'))
  })

  it('refuse what is longer than its topic allows', async () => {
    const a = await startHost('a')
    const b = await startHost('b', { bootstrap: a.addresses() })
    await whenConnected(a, b)
    assert.deepEqual(b.send(a.peerId, 'vote', sample(1_025)), {
      ok: false,
      fault: { code: 'network/tooLarge', topic: 'vote', max: 1_024, got: 1_025 },
    })
    assert.equal(b.broadcast('vote', sample(1_025)), 0)
    assert.deepEqual(faultCodes(b), ['network/tooLarge'])
    assert.throws(() => b.send(a.peerId, 'unheard of', vote), /not among the host's topics/)
  })
})

describe('handlers', () => {
  it('that throw are reported, and the next message comes all the same', async () => {
    const heard: string[] = []
    const a = await startHost('a', {}, (host) => {
      host.on('vote', (_, bytes) => {
        const text = new TextDecoder().decode(bytes)
        heard.push(text)
        if (text === 'throw') throw new Error('handler threw')
        return text === 'reject' ? Promise.reject(new Error('handler rejected')) : undefined
      })
      host.serve('broken', 8, async () => {
        throw new Error('answer threw')
      })
    })
    const b = await startHost('b', { bootstrap: a.addresses() })
    await whenConnected(a, b)
    for (const text of ['throw', 'reject', 'last'])
      value(b.send(a.peerId, 'vote', utf8ToBytes(text)))
    await until('all were heard', () => heard.length === 3)
    assert.deepEqual(heard, ['throw', 'reject', 'last'])
    const limits = { timeoutMs: 10_000, maxBytes: 8 }
    assert.equal(faultOf(await b.request(a.peerId, 'broken', vote, limits)), 'network/refused')
    const messages = a.reported.map((problem) => String(problem))
    assert.deepEqual(
      messages,
      ['handler threw', 'handler rejected', 'answer threw'].map((m) => `Error: ${m}`),
    )
  })

  it('that never answer cost the asker its timeout, no more', async () => {
    const a = await startHost('a', {}, (host) => {
      host.serve('silent', 8, () => new Promise(() => {}))
      host.serve('long', 8, async () => sample(1_000))
    })
    const b = await startHost('b', { bootstrap: a.addresses() })
    await whenConnected(a, b)
    const ask = (topic: string) =>
      b.request(a.peerId, topic, vote, { timeoutMs: 300, maxBytes: 999 })
    assert.deepEqual(await ask('silent'), {
      ok: false,
      fault: { code: 'network/timeout', peer: a.peerId, topic: 'silent', timeoutMs: 300 },
    })
    const many = await Promise.all(Array.from({ length: 40 }, () => ask('silent')))
    assert.equal(many.filter((result) => faultOf(result) === 'network/busy').length, 8)
    const long = await b.request(a.peerId, 'long', vote, { timeoutMs: 10_000, maxBytes: 999 })
    assert.equal(faultOf(long), 'frame/size')
    assert.ok(b.score(a.peerId) > 50)
  })
})

describe('a hostile peer', () => {
  const strangers = new Set<Transport>()
  afterEach(async () => {
    await Promise.all([...strangers].map((stranger) => stranger.stop()))
    strangers.clear()
  })

  /** A bare libp2p node, connected to `host`, that may say anything. */
  async function stranger(host: TestHost) {
    const options = { seed: sample(32, 99), listen: [], maxConnections: 10, maxGossipBytes: 65_535 }
    const transport = await createTransport(options, () => false)
    strangers.add(transport)
    await transport.start()
    const connection = await transport.dial(multiaddr(host.addresses()[0]!))
    const speak = async (protocol: string, bytes: Uint8Array): Promise<Stream> => {
      const stream = await connection.newStream(protocol)
      stream.send(bytes)
      return stream
    }
    return { speak, connection, id: transport.peerId.toString() as PeerId }
  }

  const hello: Hello = {
    protocolVersion: 1,
    chainId: 7,
    genesisHash: hashOf('test/genesis'),
    rulesHash: hashOf('test/rules'),
    height: 0n,
    validator: null,
    listen: [],
  }

  it('is not heard before its hello, and dropped if none comes', async () => {
    const heard: Uint8Array[] = []
    const limits = { helloTimeoutMs: 1_000 }
    const host = await startHost('host', { limits }, (it) => {
      it.on('vote', (_, bytes) => void heard.push(bytes))
      it.serve('echo', 8, async (_, bytes) => bytes)
    })
    const { speak, connection } = await stranger(host)
    await speak('/waggle/tell/1/vote', encodeFrame(vote))
    await speak('/waggle/ask/1/echo', encodeFrame(vote))
    await until('it is dropped', () => connection.status !== 'open')
    assert.deepEqual(heard, [])
    assert.deepEqual(host.peers(), [])
  })

  it('is dropped for a malformed hello', async () => {
    const host = await startHost('host')
    const { speak, connection } = await stranger(host)
    await speak('/waggle/hello/1', encodeFrame(encodeHello(hello).subarray(0, 50)))
    await until('it is dropped', () => connection.status !== 'open')
    assert.deepEqual(faultCodes(host), ['peer/hello'])
  })

  it('is banned at its second malformed frame', async () => {
    const heard: Uint8Array[] = []
    const host = await startHost('host', {}, (it) =>
      it.on('vote', (_, bytes) => void heard.push(bytes)),
    )
    const { speak, connection, id } = await stranger(host)
    await speak('/waggle/hello/1', encodeFrame(encodeHello(hello)))
    await until('it is a peer', () => host.peers().length === 1)
    await speak('/waggle/tell/1/vote', concatBytes(encodeFrame(vote), uintBytes(1_025, 4)))
    await until('the first is noted', () => faultCodes(host).includes('peer/misbehaved'))
    assert.ok(host.score(id) > 50)
    await speak('/waggle/tell/1/vote', uintBytes(0, 4))
    await until('it is banned', () => connection.status !== 'open' && host.peers().length === 0)
    assert.deepEqual(
      host.bans().map(({ peer }) => peer),
      [id],
    )
  })

  it('may tear a frame: nothing is delivered and nothing is held against it', async () => {
    const heard: string[] = []
    const host = await startHost('host', {}, (it) =>
      it.on('vote', (_, bytes) => void heard.push(new TextDecoder().decode(bytes))),
    )
    const { speak, id } = await stranger(host)
    await speak('/waggle/hello/1', encodeFrame(encodeHello(hello)))
    await until('it is a peer', () => host.peers().length === 1)
    const torn = await speak('/waggle/tell/1/vote', concatBytes(uintBytes(100, 4), vote))
    torn.abort(new Error('torn'))
    const whole = await speak('/waggle/tell/1/vote', encodeFrame(utf8ToBytes('whole')))
    await whole.close()
    await until('the whole one arrives', () => heard.length === 1)
    assert.deepEqual(heard, ['whole'])
    assert.equal(host.score(id), 0)
  })
})

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const host = await startHost('port finder')
  const port = Number(/tcp\/(\d+)/.exec(host.addresses()[0]!)?.[1])
  await host.stop()
  return port
}
