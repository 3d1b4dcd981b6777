import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { type Commit, decodeCommit, encodeCommit } from '../../chain/commit.ts'
import { sign } from '../../consensus/bls.ts'
import { makeCommit, signersOf, verifyCommit } from '../../consensus/commit.ts'
import { type Vote, VoteKind, voteSignBytes } from '../../consensus/messages.ts'
import { Bug } from '../../primitives/result.ts'
import type { ValidatorSet } from '../../registry/validatorSet.ts'
import { addressOf, chainId, makeSet, nameOf, secretKeyOf, setHashOf } from './fixtures.ts'

const set = makeSet([10, 20, 30, 40])

function precommit(index: number, changes: Partial<Vote> = {}, of: ValidatorSet = set): Vote {
  const unsigned = {
    kind: VoteKind.Precommit,
    height: 5n,
    round: 1,
    hash: nameOf('a'),
    validatorsHash: setHashOf(of),
    index,
    ...changes,
  }
  return { ...unsigned, signature: sign(secretKeyOf(index), voteSignBytes(chainId, unsigned)) }
}

const commit = makeCommit(
  [3, 1, 2].map((index) => precommit(index)),
  set,
)

function faultOf(changes: Partial<Commit>, of: ValidatorSet = set): string | null {
  const verified = verifyCommit({ ...commit, ...changes }, of, chainId)
  return verified.ok ? null : verified.fault.code
}

describe('a commit', () => {
  it('is verified against the set that signed it', () => {
    assert.deepEqual(verifyCommit(commit, set, chainId), { ok: true, value: 'verified' })
    assert.deepEqual(signersOf(commit, set), [1, 2, 3].map(addressOf))
    assert.deepEqual(commit.bitmap, Uint8Array.of(0b1110))
  })

  it('survives its encoding', () => {
    assert.deepEqual(decodeCommit(encodeCommit(commit)), { ok: true, value: commit })
  })

  it('does not depend on the order of votes', () => {
    assert.deepEqual(
      makeCommit(
        [1, 2, 3].map((index) => precommit(index)),
        set,
      ),
      commit,
    )
  })

  it('is refused with fewer powers than two thirds, the numbers told', () => {
    const weak = makeCommit([precommit(0), precommit(1), precommit(2)], set)
    assert.deepEqual(verifyCommit(weak, set, chainId), {
      ok: false,
      fault: { code: 'commit/power', got: 60n, total: 100n },
    })
  })

  it('is refused with exactly two thirds', () => {
    const thirds = makeSet([1, 1, 1])
    const two = makeCommit(
      [0, 1].map((index) => precommit(index, {}, thirds)),
      thirds,
    )
    assert.equal(verifyCommit(two, thirds, chainId).ok, false)
  })

  const wrong: readonly (readonly [string, Partial<Commit>, string])[] = [
    ['the hash of another set', { validatorsHash: nameOf('other') }, 'commit/set'],
    ['a long bitmap', { bitmap: Uint8Array.of(0b1110, 0) }, 'commit/bitmapLength'],
    ['an empty bitmap', { bitmap: new Uint8Array() }, 'commit/bitmapLength'],
    ['a bit beyond the set', { bitmap: Uint8Array.of(0b11110) }, 'commit/bitmapBit'],
    ['no signers', { bitmap: Uint8Array.of(0) }, 'commit/power'],
    ['a signer who did not sign', { bitmap: Uint8Array.of(0b1111) }, 'commit/signature'],
    ['another value', { envelopeHash: nameOf('b') }, 'commit/signature'],
    ['another height', { height: 6n }, 'commit/signature'],
    ['another round', { round: 2 }, 'commit/signature'],
    ['a spoilt signature', { signature: commit.signature.toReversed() }, 'commit/signature'],
    ['no signature', { signature: new Uint8Array(96) }, 'commit/signature'],
  ]
  for (const [name, changes, code] of wrong)
    it(`is refused with ${name}`, () => assert.equal(faultOf(changes), code))

  it('is refused on another chain', () => {
    assert.equal(verifyCommit(commit, set, chainId + 1).ok, false)
  })

  it('is refused by a set with other powers', () => {
    assert.equal(faultOf({}, makeSet([10, 20, 30, 41])), 'commit/set')
  })

  it('is not made from prevotes, nil or votes that disagree', () => {
    for (const changes of [{ kind: VoteKind.Prevote }, { hash: null }, { round: 2 }])
      assert.throws(() => makeCommit([precommit(0), precommit(1, changes)], set), Bug)
    assert.throws(() => makeCommit([], set), Bug)
  })
})
