import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { createLedger } from '../../network/ledger.ts'
import type { PeerId } from '../../network/peer.ts'
import { createPeerBook } from '../../network/peerBook.ts'
import { createPeerHeights } from '../../network/peerHeights.ts'
import { manualClock } from './manualClock.ts'

const [a, b, c] = ['a', 'b', 'c'] as readonly string[] as readonly [PeerId, PeerId, PeerId]

describe('peer book', () => {
  it('bans at its threshold, for a while, and forgives a slip', () => {
    const clock = manualClock()
    const book = createPeerBook({ banAt: 100, fadePerSecond: 1, banMs: 60_000 }, clock)
    assert.equal(book.penalize(a, 60), false)
    clock.advance(30_000)
    assert.equal(book.score(a), 30)
    assert.equal(book.penalize(a, 60), false)
    assert.equal(book.penalize(a, 10), true)
    assert.ok(book.isBanned(a))
    assert.deepEqual(book.bans(), [{ peer: a, reason: '100 points', until: 90_000 }])
    clock.advance(60_000)
    assert.equal(book.isBanned(a), false)
    assert.equal(book.score(a), 0)
    assert.deepEqual(book.bans(), [])
  })

  it('remembers only so many peers', () => {
    const book = createPeerBook({ maxPeers: 2 }, manualClock())
    for (const peer of [a, b, a, c]) book.penalize(peer, 10)
    assert.deepEqual([a, b, c].map(book.score), [20, 0, 10])
    for (const peer of [a, b, c]) book.ban(peer, 'test')
    assert.deepEqual([a, b, c].map(book.isBanned), [false, true, true])
  })
})

describe('ledger', () => {
  it('bounds each peer and all together, and keeps room for what is urgent', () => {
    const ledger = createLedger({ peerBytes: 800, totalBytes: 1_600 })
    assert.equal(ledger.take(a, 701, false), false)
    assert.ok(ledger.take(a, 700, false))
    assert.equal(ledger.take(a, 1, false), false)
    assert.ok(ledger.take(a, 100, true))
    assert.equal(ledger.take(a, 1, true), false)
    assert.ok(ledger.take(b, 600, false))
    assert.equal(ledger.take(c, 1, false), false)
    assert.ok(ledger.take(c, 200, true))
    assert.equal(ledger.take(c, 1, true), false)
    assert.equal(ledger.total(), 1_600)
    for (const [peer, bytes] of [
      [a, 800],
      [b, 600],
      [c, 200],
    ] as const)
      ledger.release(peer, bytes)
    assert.equal(ledger.total(), 0)
    assert.equal(ledger.held(a), 0)
  })
})

describe('peer heights', () => {
  it('chooses among those that are far enough and not to be avoided', () => {
    const clock = manualClock()
    const heights = createPeerHeights(clock)
    assert.equal(heights.best(), 0n)
    assert.equal(heights.choose(1n, 0), null)
    heights.set(a, 5n)
    heights.set(b, 9n)
    heights.set(c, 9n)
    assert.equal(heights.best(), 9n)
    assert.deepEqual(
      [0, 0.5, 0.99].map((random) => heights.choose(6n, random)),
      [b, c, c],
    )
    heights.avoid(b, 1_000)
    heights.lower(c, 4n)
    heights.lower(a, 7n)
    assert.equal(heights.best(), 5n)
    assert.equal(heights.choose(6n, 0), null)
    clock.advance(1_000)
    assert.equal(heights.choose(6n, 0), b)
    heights.forget(b)
    assert.equal(heights.best(), 5n)
  })
})
