import assert from 'node:assert/strict'
import { buildPoseidon } from 'circomlibjs'
import { it } from 'vitest'
import { poseidon, poseidonOrder } from '../../primitives/poseidon.ts'

it("is circomlib's hash for every number of inputs", async () => {
  const theirs = await buildPoseidon()
  for (let count = 1; count <= 16; count++) {
    const inputs = Array.from({ length: count }, (_, i) => poseidonOrder - BigInt(i * i + 1))
    assert.equal(poseidon(inputs), theirs.F.toObject(theirs(inputs)))
  }
})

it('knows no other number of inputs', () => {
  assert.throws(() => poseidon([]))
  assert.throws(() => poseidon(new Array<bigint>(17).fill(0n)))
})
