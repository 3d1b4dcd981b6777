import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { decodeState, encodeState, initialState } from '../../compute/modelState.ts'
import {
  aggregate,
  fastAggregateVerify,
  publicKeyOf,
  secretKeyFrom,
  sign,
} from '../../consensus/bls.ts'
import { createCustodian } from '../../node/custodian.ts'
import {
  type CustodyRequest,
  custodyAskBytes,
  custodyQuestionBytes,
  custodySignBytes,
  decodeCustodyAnswer,
  decodeCustodyQuestion,
  encodeCustodyAnswer,
  encodeCustodyQuestion,
} from '../../node/custodyMessage.ts'
import { createCustodyRounds } from '../../node/custodyRound.ts'
import { createLogger } from '../../node/logger.ts'
import { moduleAddresses } from '../../params/protocol.ts'
import { systemClock } from '../../primitives/clock.ts'
import type { Hash } from '../../primitives/hash.ts'
import { ok } from '../../primitives/result.ts'
import { commitWeights } from '../../proof/prover.ts'
import type { Custody } from '../../registry/custody.ts'
import { ProofKind } from '../../registry/job.ts'
import { openJob, totalFee } from '../../registry/jobBook.ts'
import { readJob } from '../../registry/jobRecord.ts'
import { nextLease } from '../../registry/schedule.ts'
import { account, digest, jobOf, startBlock, startedWorld, testParams } from '../registry/world.ts'

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
    const question = { request, asker: account(1), signature: new Uint8Array(96).fill(5) }
    const bytes = encodeCustodyQuestion(question)
    assert.equal(bytes.length, custodyQuestionBytes)
    assert.deepEqual(decodeCustodyQuestion(bytes), { ok: true, value: question })
    assert.equal(decodeCustodyQuestion(bytes.subarray(1)).ok, false)
    const answer = vouching(2)()
    assert.equal(decodeCustodyAnswer(answer).ok, true)
    assert.equal(decodeCustodyAnswer(answer.subarray(1)).ok, false)
  })

  it('are signed apart from votes and from each other', () => {
    assert.notDeepEqual(custodyAskBytes(chainId, request), custodySignBytes(chainId, request))
    const signature = sign(keys[0]!, custodySignBytes(chainId, request))
    const summed = aggregate([signature])
    assert.ok(summed !== null)
    const keysOfOne = [publicKeyOf(keys[0]!)]
    assert.equal(fastAggregateVerify(keysOfOne, custodySignBytes(8, request), summed), false)
  })
})

/** A custodian of a chain on which one proven job runs, and the validator that holds its first lease. */
async function createAsked() {
  const world = await startedWorld(
    [1n, 1n, 1n, 1n].map(() => 1_000_000n),
    (i) => publicKeyOf(keys[i]!),
  )
  const job = jobOf({ proofKind: ProofKind.StepProof })
  const wei = totalFee(job, testParams) + testParams.openFee
  world.mint(moduleAddresses.jobs, wei)
  const opened = await openJob(world, testParams, job, wei, 0n)
  assert.ok(opened.ok)
  for (let height = 1n; height <= 3n; height++) await startBlock(world, height, keys.length)
  const record = (await readJob(world, opened.value))!
  const lease = (await nextLease(world, testParams, record, 3n))!
  const holder = Number(BigInt(lease.holder!)) - 1
  const state = initialState(job, digest('seed'))
  const fetched: Hash[] = []
  let release = () => {}
  const released = new Promise<void>((resolve) => {
    release = resolve
  })
  const custodian = createCustodian({
    self: account(1),
    chainId,
    sign: (message) => sign(keys[0]!, message),
    params: testParams,
    head: () => 3n,
    world: async () => world,
    pool: {
      commit: async (task) => {
        assert.ok(task.state instanceof Uint8Array)
        const made = decodeState(job, task.state)
        assert.ok(made.ok)
        return ok({ commitment: commitWeights(job, made.value) }) as never
      },
    },
    blobs: { readAll: async () => ok(encodeState(job, state)) },
    ensureBlob: async (hash) => {
      fetched.push(hash)
      await released
      return ok(null)
    },
    log: createLogger('silent', null),
  })
  const asked: CustodyRequest = {
    job: opened.value,
    range: 0,
    after: commitWeights(job, state),
    weights: digest('weights'),
  }
  /** The question as validator `by` signs it, or as it pretends that `asker` did. */
  const question = (
    changes: Partial<CustodyRequest> = {},
    by = holder,
    asker = account(by + 1),
  ): Uint8Array => {
    const changed = { ...asked, ...changes }
    const signature = sign(keys[by]!, custodyAskBytes(chainId, changed))
    return encodeCustodyQuestion({ request: changed, asker, signature })
  }
  return { custodian, question, holder, fetched, release, asked }
}

describe('a custodian', () => {
  it('vouches for what it found, when the holder of the lease asks', async () => {
    const { custodian, question, release, asked } = await createAsked()
    release()
    const answer = decodeCustodyAnswer((await custodian.answer('peer', question()))!)
    assert.ok(answer.ok)
    const message = custodySignBytes(chainId, asked)
    assert.ok(fastAggregateVerify([publicKeyOf(keys[0]!)], message, answer.value.signature))
    const other = question({ after: digest('other weights') })
    assert.equal(await custodian.answer('peer', other), null)
  })

  it('does nothing for anybody else', async () => {
    const { custodian, question, holder, fetched, release, asked } = await createAsked()
    release()
    const other = (holder + 1) % keys.length
    const signed = question()
    const moved = encodeCustodyQuestion({
      request: { ...asked, weights: digest('other weights') },
      asker: account(holder + 1),
      signature: signed.subarray(-96),
    })
    for (const wrong of [
      question({}, other),
      question({}, other, account(holder + 1)),
      question({}, holder, account(99)),
      question({ range: 1 }),
      question({ job: digest('no job') }),
      moved,
      signed.subarray(1),
    ])
      assert.equal(await custodian.answer('peer', wrong), null)
    assert.deepEqual(fetched, [])
  })

  it('works on two questions of one asker at once, and on one however often it is repeated', async () => {
    const { custodian, question, fetched, release } = await createAsked()
    const first = question()
    const second = question({ weights: digest('more weights') })
    const answers = [
      custodian.answer('holder', first),
      custodian.answer('echo', first),
      custodian.answer('holder', second),
    ]
    for (let waited = 0; fetched.length < 2 && waited < 1_000; waited++)
      await new Promise((resolve) => setImmediate(resolve))
    assert.equal(await custodian.answer('holder', question({ weights: digest('third') })), null)
    assert.equal(fetched.length, 2)
    release()
    for (const answer of await Promise.all(answers)) assert.notEqual(answer, null)
    assert.equal(fetched.length, 2)
  })
})
