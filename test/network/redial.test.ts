import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import type { PeerId } from '../../network/peer.ts'
import { createRedial, type RedialModules } from '../../network/redial.ts'
import { type ManualClock, manualClock } from './manualClock.ts'

const self = '12D3KooWMe' as PeerId
const peer = '12D3KooWPeer' as PeerId

type World = {
  readonly clock: ManualClock
  readonly dialled: number[]
  up: boolean
  connected: boolean
}

function makeRedial(addresses: readonly string[], modules: Partial<RedialModules> = {}) {
  const clock = manualClock()
  const world: World = { clock, dialled: [], up: false, connected: false }
  const redial = createRedial(
    { addresses, minMs: 100, maxMs: 800, maxConnections: 128 },
    {
      clock,
      random: () => 0.5,
      dial: async () => {
        world.dialled.push(clock.now())
        if (!world.up) throw new Error('refused')
        world.connected = true
        return peer
      },
      isConnected: () => world.connected,
      connections: () => (world.connected ? 1 : 0),
      self,
      failed: () => {},
      ...modules,
    },
  )
  /** Advance, letting what was begun finish in between. */
  const pass = async (ms: number) => {
    for (let passed = 0; passed <= ms; passed += 50) {
      clock.advance(passed === 0 ? 0 : 50)
      for (let i = 0; i < 10; i++) await Promise.resolve()
    }
  }
  return { redial, world, pass }
}

describe('redial', () => {
  it('tries for ever, with pauses that grow up to a bound', async () => {
    const { redial, world, pass } = makeRedial(['/ip4/127.0.0.1/tcp/1'])
    redial.start()
    await pass(4_000)
    assert.deepEqual(world.dialled, [0, 100, 300, 700, 1_500, 2_300, 3_100, 3_900])
    redial.stop()
    await pass(2_000)
    assert.equal(world.dialled.length, 8)
  })

  it('dials four at once, and others when one of them is done or takes long', async () => {
    const begun: string[] = []
    let finish = () => {}
    const addresses = Array.from({ length: 9 }, (_, i) => `/ip4/127.0.0.1/tcp/${i + 1}`)
    const { redial, pass } = makeRedial(addresses, {
      dial: (address) => {
        begun.push(address)
        return new Promise((resolve) => {
          finish = () => resolve(`peer of ${address}` as PeerId)
        })
      },
    })
    redial.start()
    redial.learn('/ip4/127.0.0.1/tcp/77', peer)
    await pass(900)
    assert.equal(begun.length, 4)
    finish()
    await pass(0)
    assert.equal(begun.length, 5)
    await pass(100)
    assert.equal(begun.length, 8, 'the first three have had their second')
    await pass(1_000)
    assert.equal(new Set(begun).size, 10)
    assert.ok(begun.indexOf('/ip4/127.0.0.1/tcp/77') >= 9, 'learned addresses come last')
    redial.stop()
  })

  it('tries all that are away soon after one is back, not oftener than the longest pause', async () => {
    const { redial, world, pass } = makeRedial(['/ip4/127.0.0.1/tcp/1'])
    redial.start()
    await pass(1_550)
    assert.deepEqual(world.dialled, [0, 100, 300, 700, 1_500])
    redial.cameUp()
    redial.cameUp()
    await pass(100)
    assert.deepEqual(world.dialled.slice(5), [1_600])
    redial.cameUp()
    await pass(500)
    assert.equal(world.dialled.length, 6)
    redial.stop()
    redial.cameUp()
    await pass(1_000)
    assert.equal(world.dialled.length, 6)
  })

  it('rests while connected, and dials soon after the connection is lost', async () => {
    const { redial, world, pass } = makeRedial(['/ip4/127.0.0.1/tcp/1'])
    world.up = true
    redial.start()
    await pass(5_000)
    assert.deepEqual(world.dialled, [0])
    world.connected = false
    redial.lost(peer)
    await pass(150)
    assert.equal(world.dialled.length, 2)
  })

  it('leaves a peer alone that has dialled us', async () => {
    const { redial, world, pass } = makeRedial([`/ip4/127.0.0.1/tcp/1/p2p/${peer}`])
    world.connected = true
    redial.start()
    await pass(2_000)
    assert.deepEqual(world.dialled, [])
  })

  it('does not dial itself, whether it knows or finds out', async () => {
    const dialled: string[] = []
    const dial = async (address: string) => {
      dialled.push(address)
      return self
    }
    const { redial, pass } = makeRedial(
      [`/ip4/127.0.0.1/tcp/1/p2p/${self}`, '/ip4/127.0.0.1/tcp/1', '/ip4/127.0.0.1/tcp/1'],
      { dial },
    )
    redial.start()
    await pass(5_000)
    assert.deepEqual(dialled, ['/ip4/127.0.0.1/tcp/1'])
  })

  it('takes further addresses while it runs', async () => {
    const { redial, world, pass } = makeRedial([])
    redial.start()
    redial.add('/ip4/127.0.0.1/tcp/1')
    await pass(50)
    assert.equal(world.dialled.length, 1)
  })

  it('gives up an address that a peer told of, unless the operator asks for it', async () => {
    const { redial, world, pass } = makeRedial([])
    redial.start()
    redial.learn('/ip4/127.0.0.1/tcp/1', peer)
    await pass(10_000)
    assert.equal(world.dialled.length, 5)
    redial.learn('/ip4/127.0.0.1/tcp/1', peer)
    redial.add('/ip4/127.0.0.1/tcp/1')
    await pass(20_000)
    assert.ok(world.dialled.length > 20)
  })
})
