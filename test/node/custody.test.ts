import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import {
  aggregate,
  fastAggregateVerify,
  publicKeyOf,
  secretKeyFrom,
  sign,
} from '../../consensus/bls.ts'
import {
  custodySignBytes,
  decodeCustodyAnswer,
  decodeCustodyRequest,
  encodeCustodyAnswer,
  encodeCustodyRequest,
} from '../../node/custodyMessage.ts'
import { createCustodyRounds } from '../../node/custodyRound.ts'
import { systemClock } from '../../primitives/clock.ts'
import type { Custody } from '../../registry/custody.ts'
import { account, digest } from '../registry/world.ts'

const chainId = 7
const request = { job: digest('job'), range: 2, after: digest('after'), weights: digest('blob') }
const keys = [1, 2, 3, 4].map((n) => secretKeyFrom(new Uint8Array(32).fill(n)))

const custody: Custody = {
  epoch: 0,
  members: keys.map((key, i) => ({
    address: account(i + 1),
    publicKey: publicKeyOf(key),
    stake: 1n,
    reputation: 0n,
    power: 1n,
    slotWeight: 1n,
    jailed: false,
    ask: 0n,
    maxParams: 1n,
  })),
  committee: keys.map((_, i) => account(i + 1)),
  openFrom: 1_000n,
}

/** A round of validator 1 among peers that answer as told. */
function gatherAmong(answers: Readonly<Record<string, (bytes: Uint8Array) => Uint8Array | null>>) {
  return createCustodyRounds({
    self: account(1),
    chainId,
    clock: systemClock,
    sign: (message) => sign(keys[0]!, message),
    peers: () => Object.keys(answers),
    ask: async (peer, bytes) => answers[peer]!(bytes),
    head: () => 5n,
  })
}

const vouching = (n: number) => () =>
  encodeCustodyAnswer({
    custodian: account(n),
    signature: sign(keys[n - 1]!, custodySignBytes(chainId, request)),
  })

describe('a round of custody', () => {
  it('adds up the signatures of those who vouch', async () => {
    const gather = gatherAmong({ b: vouching(2), c: () => null, d: vouching(4) })
    const vouched = await gather(request, custody, AbortSignal.timeout(10_000))
    assert.ok(vouched.ok)
    assert.equal(vouched.value.custodians, 0b1011n)
    const signers = [0, 1, 3].map((i) => custody.members[i]!.publicKey)
    const message = custodySignBytes(chainId, request)
    assert.equal(fastAggregateVerify(signers, message, vouched.value.signature), true)
  })

  it('believes no wrong signature, no stranger and no noise; it says who is missing', async () => {
    const other = { ...request, weights: digest('other blob') }
    const signature = sign(keys[1]!, custodySignBytes(chainId, other))
    const gather = gatherAmong({
      b: () => encodeCustodyAnswer({ custodian: account(2), signature }),
      c: () => encodeCustodyAnswer({ custodian: account(9), signature }),
      d: () => new Uint8Array(7),
      e: vouching(3),
    })
    const vouched = await gather(request, custody, AbortSignal.timeout(200))
    assert.deepEqual(vouched, { ok: false, fault: { code: 'custody/missing', got: 2 } })
  })
})

describe('messages of custody', () => {
  it('read back, and refuse other lengths', () => {
    const bytes = encodeCustodyRequest(request)
    assert.deepEqual(decodeCustodyRequest(bytes), { ok: true, value: request })
    assert.equal(decodeCustodyRequest(bytes.subarray(1)).ok, false)
    const answer = vouching(2)()
    assert.equal(decodeCustodyAnswer(answer).ok, true)
    assert.equal(decodeCustodyAnswer(answer.subarray(1)).ok, false)
  })

  it('are signed apart from votes', () => {
    const signature = sign(keys[0]!, custodySignBytes(chainId, request))
    const summed = aggregate([signature])
    assert.ok(summed !== null)
    const keysOfOne = [publicKeyOf(keys[0]!)]
    assert.equal(fastAggregateVerify(keysOfOne, custodySignBytes(8, request), summed), false)
  })
})
