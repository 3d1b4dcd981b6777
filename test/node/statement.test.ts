import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'vitest'
import { decodeAnnouncement, encodeAnnouncement } from '../../node/announcement.ts'
import { startAll } from '../../node/lifecycle.ts'
import { decodeCertify, encodeCertify, isEarly } from '../../node/statement.ts'
import { concatBytes, fromHex } from '../../primitives/bytes.ts'
import { hashOf } from '../../primitives/hash.ts'

const call = {
  job: hashOf('job'),
  range: 3,
  before: hashOf('before'),
  after: hashOf('after'),
  weights: hashOf('weights'),
  losses: [1n, 2n, 3n],
  custodians: 0n,
  sidecar: hashOf('sidecar'),
}

describe('calldata of certify', () => {
  const bytes = fromHex(encodeCertify(call))

  it('reads back what was written', () => {
    assert.deepEqual(decodeCertify(bytes), call)
  })

  it('is read in its canonical form only, and nothing else throws', () => {
    assert.equal(decodeCertify(concatBytes(bytes, new Uint8Array(1))), null)
    assert.equal(decodeCertify(bytes.subarray(0, -1)), null)
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (noise) => {
        assert.equal(decodeCertify(noise), null)
        assert.equal(decodeCertify(concatBytes(bytes.subarray(0, 4), noise)), null)
      }),
    )
  })
})

describe('certificates that come before their block', () => {
  it('are told from those that are wrong', () => {
    assert.equal(isEarly({ code: 'jobs/tooEarly' }), true)
    assert.equal(isEarly({ code: 'jobs/unknown' }), true)
    const other = (expected: bigint, got: bigint) =>
      isEarly({ code: 'jobs/otherRange', expected, got } as never)
    assert.equal(other(3n, 4n), true)
    assert.equal(other(3n, 5n), false)
    assert.equal(other(3n, 2n), false)
    assert.equal(isEarly({ code: 'jobs/otherWeights' }), false)
  })
})

describe('announcements', () => {
  it('go over the wire and back, within the bound', () => {
    const announcement = { transaction: Uint8Array.of(1, 2), sidecar: Uint8Array.of(3) }
    const bytes = encodeAnnouncement(announcement)
    assert.deepEqual(decodeAnnouncement(bytes, 1), { ok: true, value: announcement })
    assert.equal(decodeAnnouncement(bytes, 0).ok, false)
    assert.equal(decodeAnnouncement(bytes.subarray(1), 1).ok, false)
  })
})

describe('starting services', () => {
  const service = (name: string, said: string[], fails?: 'start' | 'stop') => ({
    name,
    start: async () => {
      said.push(`+${name}`)
      if (fails === 'start') throw new Error('no')
    },
    stop: async () => {
      said.push(`-${name}`)
      if (fails === 'stop') throw new Error('no')
    },
  })

  it('goes in order, and stopping backwards, whoever refuses', async () => {
    const said: string[] = []
    const stop = await startAll([
      service('a', said),
      service('b', said, 'stop'),
      service('c', said),
    ])
    await assert.rejects(stop(), /did not stop/)
    assert.deepEqual(said, ['+a', '+b', '+c', '-c', '-b', '-a'])
  })

  it('stops what runs when one does not start, and names it', async () => {
    const said: string[] = []
    await assert.rejects(
      startAll([service('a', said), service('b', said, 'start')]),
      /could not start b/,
    )
    assert.deepEqual(said, ['+a', '+b', '-a'])
  })
})
