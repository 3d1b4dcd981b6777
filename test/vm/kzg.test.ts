import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import type { Hex } from '../../primitives/bytes.ts'
import { openingsOnly, verifyOpening } from '../../vm/kzg.ts'

/** The public vector of the point-evaluation precompile, after the versioned hash. @see EIP-4844 */
const z: Hex = '0x564c0a11a0f704f4fc3e8acfe0f8245f0ad1347b378fbf96e206da11a5d36306'
const y: Hex = '0x24d25032e67a7e6a4910df5834b8fe70e6bcfeeac0352434196bdf4b2485d5a1'
const commitment: Hex =
  '0x8f59a8d2a1a625a17f3fea0fe5eb8c896db3764f3185481bc22f91b4aaffcca25f26936857bc3a7c2539ea8ec3a952b7'
const proof: Hex =
  '0x873033e038326e87ed3e1276fd140253fa08e9fc25fb2d9a98527fc22a2c9612fbeafdad446cbc7bcdbdcd780af2c16a'
const infinity: Hex = `0xc0${'00'.repeat(47)}`
const zero: Hex = `0x${'00'.repeat(32)}`

describe('openings of KZG commitments', () => {
  it('takes the public vector and no other value, place or proof', () => {
    assert.equal(verifyOpening(commitment, z, y, proof), true)
    assert.equal(verifyOpening(commitment, z, z, proof), false)
    assert.equal(verifyOpening(commitment, y, y, proof), false)
    assert.equal(verifyOpening(commitment, z, y, commitment), false)
  })

  it('knows the polynomial that is zero everywhere', () => {
    assert.equal(verifyOpening(infinity, z, zero, infinity), true)
    assert.equal(verifyOpening(infinity, zero, zero, infinity), true)
    assert.equal(verifyOpening(infinity, z, y, infinity), false)
  })

  it('calls bytes that are no point or scalar bad input', () => {
    const order = '0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001'
    for (const [c, at, value, p] of [
      [`0x${'11'.repeat(48)}`, z, y, proof],
      [commitment, order, y, proof],
      [commitment, z, order, proof],
      [commitment, z, y, '0x'],
    ] as const)
      assert.throws(() => openingsOnly.verifyProof(c, at, value, p), /C_KZG_BADARGS/)
  })
})
