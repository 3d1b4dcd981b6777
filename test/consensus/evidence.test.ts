import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { sign } from '../../consensus/bls.ts'
import {
  type DuplicateVote,
  duplicateVote,
  offenceOf,
  verifyDuplicateVote,
} from '../../consensus/evidence.ts'
import { type Vote, VoteKind, voteSignBytes } from '../../consensus/messages.ts'
import { chainId, makeSet, nameOf, secretKeyOf, setHashOf } from './fixtures.ts'

const set = makeSet([1, 1, 1, 1])

function voteOf(changes: Partial<Vote> = {}, key = changes.index ?? 2): Vote {
  const unsigned = {
    kind: VoteKind.Prevote,
    height: 3n,
    round: 1,
    hash: nameOf('a'),
    validatorsHash: setHashOf(set),
    index: 2,
    ...changes,
  }
  return { ...unsigned, signature: sign(secretKeyOf(key), voteSignBytes(chainId, unsigned)) }
}

const a = voteOf()
const b = voteOf({ hash: nameOf('b') })
const nil = voteOf({ hash: null })
const evidence = duplicateVote(a, b)

function codeOf(changes: Partial<DuplicateVote>): string | null {
  const verified = verifyDuplicateVote({ ...evidence, ...changes }, set, chainId)
  return verified.ok ? null : verified.fault.code
}

describe('evidence of a double vote', () => {
  it('convicts the voter, whichever vote came first', () => {
    for (const pair of [duplicateVote(a, b), duplicateVote(b, a), duplicateVote(a, nil)])
      assert.deepEqual(verifyDuplicateVote(pair, set, chainId), {
        ok: true,
        value: set.validators[2],
      })
    assert.deepEqual(duplicateVote(a, b), duplicateVote(b, a))
    assert.deepEqual(duplicateVote(a, nil).first, nil)
  })

  it('names one offence however many votes there were', () => {
    assert.equal(offenceOf(duplicateVote(a, b)), offenceOf(duplicateVote(a, nil)))
    const later = [{ round: 2 }, { height: 4n }, { kind: VoteKind.Precommit }, { index: 1 }]
    for (const changes of later)
      assert.notEqual(
        offenceOf(duplicateVote(voteOf(changes), voteOf({ ...changes, hash: null }))),
        offenceOf(evidence),
      )
  })

  const second = evidence.second.hash
  const wrong: readonly (readonly [string, Partial<DuplicateVote>, string])[] = [
    ['one vote twice', { second: evidence.first }, 'evidence/order'],
    ['the other order', { first: evidence.second, second: evidence.first }, 'evidence/order'],
    ['two heights', { second: voteOf({ hash: second, height: 4n }) }, 'evidence/unrelated'],
    ['two rounds', { second: voteOf({ hash: second, round: 0 }) }, 'evidence/unrelated'],
    [
      'two kinds',
      { second: voteOf({ hash: second, kind: VoteKind.Precommit }) },
      'evidence/unrelated',
    ],
    ['two members', { second: voteOf({ hash: second, index: 1 }) }, 'evidence/unrelated'],
    [
      'two sets',
      { second: voteOf({ hash: second, validatorsHash: nameOf('x') }) },
      'evidence/unrelated',
    ],
    ["another's signature", { second: voteOf({ hash: second }, 1) }, 'evidence/signature'],
    [
      'a spoilt signature',
      { second: { ...evidence.second, signature: new Uint8Array(96) } },
      'evidence/signature',
    ],
  ]
  for (const [name, changes, code] of wrong)
    it(`is refused for ${name}`, () => assert.equal(codeOf(changes), code))

  it('is refused by another set or chain, and for nobody', () => {
    const other = makeSet([1, 1, 1, 2])
    assert.equal(verifyDuplicateVote(evidence, other, chainId).ok, false)
    assert.equal(verifyDuplicateVote(evidence, set, chainId + 1).ok, false)
    const nobody = [nameOf('a'), nameOf('b')].map((hash) => voteOf({ hash, index: 7 }))
    const refused = verifyDuplicateVote(duplicateVote(nobody[0]!, nobody[1]!), set, chainId)
    assert.deepEqual(refused, {
      ok: false,
      fault: { code: 'evidence/member', index: 7, members: 4 },
    })
  })
})
