import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { envelopeHashOf, partBytes } from '../../chain/envelope.ts'
import { createValueStore, type ValueStore } from '../../consensus/valueStore.ts'
import type { EnvelopePart, WireMessage } from '../../consensus/wire.ts'
import { type Hash, sha256Hash } from '../../primitives/hash.ts'
import { decodeToy, encodeToy, nameOf } from './fixtures.ts'

const blobs = [1, 2].map((i) => new Uint8Array(1_000).fill(i))
const bytes = encodeToy({
  height: 1n,
  time: 1n,
  sidecars: blobs.map(sha256Hash),
  filling: new Uint8Array(3 * partBytes).fill(5),
})
const value = envelopeHashOf(bytes)

function makeStore(maxSidecarBytes = 2_500): ValueStore {
  return createValueStore({
    height: 1n,
    maxEnvelopeBytes: 300_000,
    maxSidecarBytes,
    requiredSidecars: (envelope) => decodeToy(envelope)?.sidecars ?? [],
    sidecarName: sha256Hash,
  })
}

const full = makeStore()
full.addOwn(bytes, blobs)
const nothing = { value, parts: new Uint8Array(), sidecars: null }
const messages = full.supply(nothing, Number.POSITIVE_INFINITY)
const parts = messages.flatMap((message) => (message.type === 'part' ? [message.part] : []))

function give(store: ValueStore, message: WireMessage) {
  if (message.type === 'part') return store.addPart(message.part)
  assert.equal(message.type, 'sidecar')
  return store.addSidecar(value, message.type === 'sidecar' ? message.bytes : new Uint8Array())
}

describe('the value store', () => {
  it('puts a value together from parts in any order, then its sidecars', () => {
    const store = makeStore()
    store.want([value])
    for (const part of parts.toReversed()) {
      assert.equal(store.bytesOf(value), null)
      assert.ok(store.addPart(part).ok)
    }
    assert.deepEqual(store.bytesOf(value), bytes)
    assert.equal(store.sidecarsOf(value), null)
    assert.deepEqual(store.addSidecar(value, blobs[1]!), { ok: true, value: 'added' })
    assert.deepEqual(store.addSidecar(value, blobs[0]!), { ok: true, value: 'completed' })
    assert.equal(store.sidecarsOf(value)?.size, 2)
  })

  it('supplies what a peer lacks and no more, within its budget', () => {
    const store = makeStore()
    store.want([value])
    let rounds = 0
    while (store.sidecarsOf(value) === null) {
      const supply = full.supply(store.progress(value), partBytes)
      assert.ok(supply.length > 0 && supply.length <= 3, `${supply.length} messages`)
      for (const message of supply) {
        const given = give(store, message)
        assert.ok(given.ok && given.value !== 'ignored')
      }
      rounds++
    }
    assert.ok(rounds >= 3)
    assert.deepEqual(full.supply(store.progress(value), Number.POSITIVE_INFINITY), [])
  })

  it('takes up what came before the proposal, or before the envelope was whole', () => {
    const store = makeStore()
    for (const blob of blobs)
      assert.deepEqual(store.addSidecar(value, blob), { ok: true, value: 'ignored' })
    for (const part of parts.slice(1)) store.addPart(part)
    store.want([value])
    assert.equal(store.bytesOf(value), null)
    assert.deepEqual(store.addPart(parts[0]!), { ok: true, value: 'completed' })
    assert.equal(store.sidecarsOf(value)?.size, 2)
  })

  it('bounds what came too early, forgetting the oldest', () => {
    const store = makeStore()
    store.addSidecar(value, blobs[0]!)
    for (let i = 0; i < 5; i++) store.addSidecar(nameOf(`flood ${i}`), new Uint8Array(1_000_000))
    store.want([value])
    for (const part of parts) store.addPart(part)
    assert.deepEqual(store.progress(value).sidecars, Uint8Array.of(0))
  })

  it('blames nobody for a sidecar that another peer has sent too', () => {
    const store = makeStore()
    store.want([value])
    for (const part of parts) store.addPart(part)
    for (let i = 0; i < 4; i++) assert.ok(store.addSidecar(value, blobs[0]!).ok)
  })

  it('keeps what is wanted and nothing else', () => {
    const store = makeStore()
    store.want([value])
    for (const part of parts) store.addPart(part)
    assert.deepEqual(store.addPart(parts[0]!), { ok: true, value: 'ignored' })
    store.want([])
    assert.equal(store.bytesOf(value), null)
    assert.deepEqual(store.supply(nothing, 1_000), [])
  })

  const second = parts[1]!
  const wrong: readonly (readonly [string, Partial<EnvelopePart>, string])[] = [
    ['a size beyond the bound', { size: 300_001 }, 'part/size'],
    ['no size', { size: 0 }, 'part/size'],
    ['another size', { size: second.size - 1 }, 'part/name'],
    ['another root', { partsRoot: nameOf('x') }, 'part/name'],
    ['a short part', { bytes: second.bytes.subarray(1) }, 'part/length'],
    ['a changed part', { bytes: second.bytes.map((byte) => byte ^ 1) }, 'part/path'],
    ['the place of another', { index: 0 }, 'part/path'],
    ['a place beyond the last', { index: 4, bytes: new Uint8Array() }, 'part/length'],
    ['a path too short', { path: second.path.slice(1) }, 'part/path'],
  ]
  for (const [name, changes, code] of wrong)
    it(`refuses a part with ${name}`, () => {
      const store = makeStore()
      store.want([value])
      const added = store.addPart({ ...second, ...changes })
      assert.equal(added.ok ? null : added.fault.code, code)
    })

  it('refuses sidecars that nobody requires, and too many bytes of them', () => {
    const store = makeStore()
    store.want([value])
    for (const part of parts) store.addPart(part)
    const stranger = store.addSidecar(value, Uint8Array.of(9))
    assert.ok(!stranger.ok && stranger.fault.code === 'sidecar/unknown')
    const small = makeStore(1_500)
    small.want([value])
    for (const part of parts) small.addPart(part)
    assert.ok(small.addSidecar(value, blobs[0]!).ok)
    const second = small.addSidecar(value, blobs[1]!)
    assert.deepEqual(second, {
      ok: false,
      fault: { code: 'sidecar/size', max: 1_500, got: 2_000 },
    })
  })

  it('names what it has for values it has never heard of', () => {
    const unknown: Hash = nameOf('unknown')
    assert.deepEqual(makeStore().progress(unknown), {
      value: unknown,
      parts: new Uint8Array(),
      sidecars: null,
    })
  })
})
