import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'vitest'
import { decodeBlockRecord } from '../../node/blockRecord.ts'
import { createSidecarStore } from '../../node/sidecarStore.ts'
import { Writer } from '../../primitives/codec.ts'
import {
  decodeProofSidecar,
  decodeReplaySidecar,
  encodeProofSidecar,
  encodeReplaySidecar,
  sidecarName,
} from '../../registry/sidecar.ts'
import { openMemory } from '../../storage/memory.ts'
import { account, digest } from '../registry/world.ts'

const bytes = Uint8Array.of(1, 2, 3)
const name = sidecarName(bytes)

describe('the store of sidecars', () => {
  it('keeps bytes, height and what they cost', async () => {
    const store = createSidecarStore(openMemory())
    assert.equal(await store.get(name), null)
    store.note(name, { proveMs: 1_200.4 })
    store.note(name, { verifyMs: 80 })
    await store.put(9n, name, bytes)
    assert.deepEqual(await store.get(name), { height: 9n, proveMs: 1_201, verifyMs: 80, bytes })
  })

  it('forgets those of old blocks, and only those', async () => {
    const store = createSidecarStore(openMemory())
    const old = Uint8Array.of(9)
    await store.put(3n, sidecarName(old), old)
    await store.put(4n, name, bytes)
    await store.prune(-5n)
    await store.prune(4n)
    assert.equal(await store.get(sidecarName(old)), null)
    assert.deepEqual((await store.get(name))?.bytes, bytes)
  })
})

describe('sidecars', () => {
  it('of the two kinds are not taken for each other', () => {
    const custody = new Uint8Array(96).fill(7)
    const proven = encodeProofSidecar({ custody, proof: bytes })
    assert.deepEqual(decodeProofSidecar(proven), { ok: true, value: { custody, proof: bytes } })
    assert.equal(decodeReplaySidecar(proven).ok, false)
    const replayed = encodeReplaySidecar({ worker: account(1), after: digest('after') })
    assert.equal(decodeReplaySidecar(replayed).ok, true)
    assert.equal(decodeProofSidecar(replayed).ok, false)
  })

  it('are refused, never thrown, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => {
        const decoded = decodeProofSidecar(noise)
        if (decoded.ok) assert.deepEqual(encodeProofSidecar(decoded.value), noise)
      }),
    )
  })
})

describe('records of blocks', () => {
  const record = (sidecars: readonly Uint8Array[]) =>
    new Writer()
      .blob(Uint8Array.of(5))
      .blob(Uint8Array.of(6))
      .list(sidecars, (sidecar, writer) => writer.blob(sidecar))
      .bytes()

  it('hold envelope, commit and sidecars', () => {
    const decoded = decodeBlockRecord(record([bytes]), 3)
    assert.ok(decoded.ok)
    assert.deepEqual(decoded.value.sidecars, [bytes])
  })

  it('are bounded, and total', () => {
    assert.equal(decodeBlockRecord(record([bytes]), 2).ok, false)
    assert.equal(decodeBlockRecord(record(Array(257).fill(bytes)), 3).ok, false)
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (noise) => {
        decodeBlockRecord(noise, 100)
      }),
    )
  })
})
