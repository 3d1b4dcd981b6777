import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { sign } from '../../consensus/bls.ts'
import { makeCommit } from '../../consensus/commit.ts'
import {
  conflictingCommits,
  decodeConflictingCommits,
  encodeConflictingCommits,
  verifyConflictingCommits,
} from '../../consensus/conflictingCommits.ts'
import { electorateOf } from '../../consensus/electorate.ts'
import { blameFor, votesInLog } from '../../consensus/forensics.ts'
import { type Vote, VoteKind, voteSignBytes } from '../../consensus/messages.ts'
import { chainId, makeSet, nameOf, params, secretKeyOf, setHashOf } from './fixtures.ts'

const set = makeSet([10, 10, 10, 10])
const height = 7n
const electorate = electorateOf(chainId, height, set, params)
const [a, b, c] = [nameOf('A'), nameOf('B'), nameOf('C')]
const { Prevote, Precommit } = VoteKind

function vote(kind: VoteKind, round: number, hash: typeof a | null, index: number): Vote {
  const unsigned = { kind, height, round, hash, validatorsHash: setHashOf(set), index }
  return { ...unsigned, signature: sign(secretKeyOf(index), voteSignBytes(chainId, unsigned)) }
}

const votes = (kind: VoteKind, round: number, hash: typeof a | null, members: readonly number[]) =>
  members.map((index) => vote(kind, round, hash, index))

const commit = (round: number, hash: typeof a, members: readonly number[]) =>
  makeCommit(votes(Precommit, round, hash, members), set)

const guilty = (culprits: readonly number[]) => ({
  culprits,
  power: BigInt(10 * culprits.length),
  total: 40n,
})

describe('forensics of a fork', () => {
  it('names who signed both commits of one round', () => {
    const fork = [commit(2, a, [0, 2, 3]), commit(2, b, [1, 2, 3])] as const
    assert.deepEqual(blameFor(electorate, fork, []), {
      ok: true,
      value: { offence: 'equivocation', round: 2, ...guilty([2, 3]) },
    })
  })

  it('names who forgot a lock: 2 and 3 decided A, then prevoted B', () => {
    const fork = [commit(3, b, [1, 2, 3]), commit(1, a, [0, 2, 3])] as const
    const log = [
      ...votes(Prevote, 1, a, [0, 2, 3]),
      ...votes(Prevote, 2, null, [0, 1]),
      ...votes(Prevote, 3, b, [1, 2, 3]),
    ]
    const inputs = log.map((each) => ({ type: 'vote', vote: each }) as const)
    assert.deepEqual(blameFor(electorate, fork, votesInLog(inputs)), {
      ok: true,
      value: { offence: 'amnesia', round: 3, ...guilty([2, 3]) },
    })
  })

  it('blames those of the first round that broke the lock, not those who followed its proof', () => {
    // 2 and 3 prevote B in round 2 against their lock; 0 follows that proof of lock in round 4.
    const fork = [commit(1, a, [0, 2, 3]), commit(4, b, [0, 1, 2])] as const
    const log = [...votes(Prevote, 2, b, [1, 2, 3]), ...votes(Prevote, 4, b, [0, 1, 2])]
    assert.deepEqual(blameFor(electorate, fork, log), {
      ok: true,
      value: { offence: 'amnesia', round: 2, ...guilty([2, 3]) },
    })
  })

  it('finds two polkas in the round of the first commit', () => {
    const fork = [commit(1, a, [0, 2, 3]), commit(2, b, [1, 2, 3])] as const
    const log = [
      ...votes(Prevote, 1, a, [0, 2, 3]),
      ...votes(Prevote, 1, b, [1, 2, 3]),
      ...votes(Prevote, 2, b, [0, 1, 2, 3]),
    ]
    assert.deepEqual(blameFor(electorate, fork, log), {
      ok: true,
      value: { offence: 'equivocation', round: 1, ...guilty([2, 3]) },
    })
  })

  it('counts power, not heads', () => {
    const heavy = makeSet([50, 10, 10, 26, 50])
    const at = electorateOf(chainId, height, heavy, params)
    const cast = (hash: typeof a, index: number) => {
      const validatorsHash = setHashOf(heavy)
      const unsigned = { kind: Precommit, height, round: 0, hash, validatorsHash, index }
      return { ...unsigned, signature: sign(secretKeyOf(index), voteSignBytes(chainId, unsigned)) }
    }
    const first = [0, 4].map((index) => cast(a, index))
    const second = [1, 2, 3, 4, 0].slice(2).map((index) => cast(b, index))
    const blame = blameFor(at, [makeCommit(first, heavy), makeCommit(second, heavy)], [])
    assert.ok(blame.ok)
    assert.deepEqual(blame.value.culprits, [0, 4])
    assert.equal(blame.value.power, 100n)
  })

  it('frames nobody by forged, foreign or missing votes', () => {
    const fork = [commit(1, a, [0, 2, 3]), commit(3, b, [1, 2, 3])] as const
    const incomplete = { ok: false, fault: { code: 'forensics/incomplete', from: 1, to: 3 } }
    const forged = votes(Prevote, 2, c, [0, 1, 2]).map((each) => ({
      ...each,
      signature: vote(Prevote, 2, b, 3).signature,
    }))
    const foreign = votes(Prevote, 2, c, [0, 1, 2]).map((each) => ({ ...each, height: 6n }))
    const strangers = votes(Prevote, 2, c, [0, 1, 2]).map((each) => ({ ...each, index: 40 }))
    for (const log of [[], forged, foreign, strangers, votes(Prevote, 3, b, [1, 2])])
      assert.deepEqual(blameFor(electorate, fork, log), incomplete)
  })

  it('wants a fork, and genuine commits', () => {
    const one = commit(1, a, [0, 2, 3])
    const same = blameFor(electorate, [one, commit(2, a, [0, 1, 2])], [])
    assert.ok(!same.ok && same.fault.code === 'forensics/noFork')
    const weak = blameFor(electorate, [one, commit(2, b, [1, 2])], [])
    assert.ok(!weak.ok && weak.fault.code === 'forensics/commit')
  })
})

describe('conflicting commits as evidence', () => {
  const pair = conflictingCommits(commit(2, a, [0, 2, 3]), commit(2, b, [1, 2, 3]))

  it('convicts the signers of both, and survives its encoding', () => {
    const decoded = decodeConflictingCommits(encodeConflictingCommits(pair))
    assert.deepEqual(decoded, { ok: true, value: pair })
    const verified = verifyConflictingCommits(pair, set, chainId)
    assert.deepEqual(verified, { ok: true, value: set.validators.slice(2) })
  })

  it('refuses other pairs', () => {
    const codeOf = (first: typeof pair.first, second: typeof pair.first) => {
      const verified = verifyConflictingCommits({ first, second }, set, chainId)
      return verified.ok ? 'ok' : verified.fault.code
    }
    const { first, second } = pair
    assert.equal(codeOf(second, first), 'conflict/order')
    assert.equal(codeOf(first, first), 'conflict/order')
    const later = conflictingCommits(first, commit(3, second.envelopeHash, [1, 2, 3]))
    assert.equal(codeOf(later.first, later.second), 'conflict/unrelated')
    assert.equal(codeOf(first, { ...second, signature: first.signature }), 'commit/signature')
    assert.equal(codeOf({ ...first, bitmap: Uint8Array.of(12) }, second), 'commit/power')
    const bytes = encodeConflictingCommits(pair)
    for (const damaged of [bytes.subarray(1), bytes.subarray(0, -1), Uint8Array.of(1)])
      assert.ok(!decodeConflictingCommits(damaged).ok)
  })
})
