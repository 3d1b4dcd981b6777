import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'vitest'
import type { ChainParams } from '../../params/chainParams.ts'
import { moduleAddresses } from '../../params/protocol.ts'
import { merkleLeaf, merkleLevels, merklePath, merkleRoot } from '../../primitives/merkle.ts'
import {
  answerChallenge,
  type Challenge,
  openChallenges,
  type Part,
  readChallenge,
} from '../../registry/challenges.ts'
import { custodyOf } from '../../registry/custody.ts'
import { registerDataset } from '../../registry/datasets.ts'
import { splitFee } from '../../registry/formulas.ts'
import { ProofKind } from '../../registry/job.ts'
import { openJob, totalFee } from '../../registry/jobBook.ts'
import { readJob } from '../../registry/jobRecord.ts'
import { declineKeeping, keepersOf, rankKeepers, vouchersOf } from '../../registry/keepers.ts'
import { leaseFee } from '../../registry/misses.ts'
import { readPenalties } from '../../registry/penaltyHistory.ts'
import { nextLease } from '../../registry/schedule.ts'
import { readService } from '../../registry/service.ts'
import { certify } from '../../registry/settlement.ts'
import { jail, readStake } from '../../registry/stakes.ts'
import type { Validator } from '../../registry/validatorSet.ts'
import { account, dataset, digest, jobOf, startBlock, startedWorld, testParams } from './world.ts'

const params: ChainParams = { ...testParams, challengeInterval: 4, challengeBlocks: 8, replicas: 2 }
const stakes = Array.from({ length: 5 }, () => 1_000_000n)
const rows = Array.from({ length: 20 }, (_, row) => new Uint8Array(10).fill(row))
const levels = merkleLevels(rows.map(merkleLeaf))
const root = merkleRoot(rows.map(merkleLeaf))
const job = jobOf({ proofKind: ProofKind.StepProof, dataset: root })

const weightsPart: Part = { data: Uint8Array.of(7), path: [] }
/** Stands for the proof system's check, which has tests of its own. */
const checkWeights = (_job: unknown, commitment: string, _index: number, { data }: Part) =>
  commitment === digest('after') && data[0] === 7

const partFor = ({ kind, index }: Challenge): Part =>
  kind === 'weights' ? weightsPart : { data: rows[index]!, path: merklePath(levels, index) }

/** A proven job with one certificate, and how to go on. `vouchers`: bits over the five. */
async function certified(vouchers = 0b00111n) {
  const world = await startedWorld(stakes)
  const owned = { ...dataset, root, rows: rows.length }
  assert.ok((await registerDataset(world, owned)).ok)
  const wei = totalFee(job, params) + params.openFee
  world.mint(moduleAddresses.jobs, wei)
  const opened = await openJob(world, params, job, wei, 0n)
  assert.ok(opened.ok)
  let height = 0n
  const to = async (last: bigint) => {
    while (height < last) await startBlock(world, ++height, stakes.length, params)
  }
  await to(3n)
  const record = (await readJob(world, opened.value))!
  const lease = (await nextLease(world, params, record, 2n))!
  assert.ok(await custodyOf(world, params, job, lease, 2n))
  const claim = {
    job: opened.value,
    range: 0,
    before: digest('before'),
    after: digest('after'),
    weights: digest('weights'),
    losses: Array.from({ length: 16 }, () => 5n),
    custodians: vouchers,
  }
  const settled = await certify(world, params, claim, lease.able[0]!, account(700), 3n)
  assert.ok(settled.ok)
  const answer = (challenge: Challenge, part = partFor(challenge), at = height) =>
    answerChallenge(
      world,
      params,
      { drawnAt: challenge.drawnAt, part },
      challenge.keeper,
      at,
      checkWeights,
    )
  return { world, id: opened.value, to, answer }
}

const codeOf = (verdict: { ok: boolean; fault?: { code: string } }) =>
  verdict.ok ? 'ok' : verdict.fault!.code

describe('a challenge', () => {
  it('is drawn at its interval, of what has been certified, and answered with a part', async () => {
    const { world, to, answer } = await certified()
    assert.deepEqual(await openChallenges(world, params, 3n), [])
    const seen = new Set<string>()
    for (let height = 4n; height <= 60n; height += 4n) {
      await to(height)
      const [challenge, ...more] = await openChallenges(world, params, height)
      assert.ok(challenge !== undefined && more.length === 0)
      assert.equal(challenge.drawnAt, height)
      assert.equal(challenge.root, challenge.kind === 'rows' ? root : digest('after'))
      assert.equal(challenge.blob, challenge.kind === 'rows' ? dataset.blob : digest('weights'))
      seen.add(challenge.kind)
      const pot = await world.purse.balance(moduleAddresses.custody)
      const had = await world.purse.balance(challenge.keeper)
      const paid = await answer(challenge)
      assert.deepEqual(paid, { ok: true, value: pot / 64n })
      assert.equal(await world.purse.balance(challenge.keeper), had + pot / 64n)
      assert.equal((await readChallenge(world, params, height))?.status, 'answered')
      assert.equal(codeOf(await answer(challenge)), 'custody/noChallenge')
    }
    assert.deepEqual([...seen].sort(), ['rows', 'weights'])
  })

  it('is not drawn of jobs that are executed again, or have no certificate yet', async () => {
    const world = await startedWorld(stakes)
    for (const proofKind of [ProofKind.Replay, ProofKind.StepProof]) {
      const other = jobOf({ proofKind, nonce: proofKind === ProofKind.Replay ? 0n : 1n })
      const wei = totalFee(other, params) + params.openFee
      world.mint(moduleAddresses.jobs, wei)
      assert.ok((await openJob(world, params, other, wei, 0n)).ok)
    }
    for (let height = 1n; height <= 20n; height++)
      await startBlock(world, height, stakes.length, params)
    assert.deepEqual(await openChallenges(world, params, 20n), [])
  })

  it('takes no other part, from nobody else, and not too late', async () => {
    const { world, to, answer } = await certified()
    let height = 0n
    let challenge: Challenge | undefined
    for (height = 4n; challenge?.kind !== 'rows'; height += 4n) {
      await to(height)
      challenge = (await openChallenges(world, params, height)).at(-1)
    }
    const { index, keeper, drawnAt } = challenge
    const other = (index + 1) % rows.length
    const good = partFor(challenge)
    for (const part of [
      { data: rows[other]!, path: merklePath(levels, other) },
      { data: rows[other]!, path: good.path },
      { data: good.data, path: good.path.slice(1) },
      { data: good.data, path: [...good.path, good.path[0]!] },
      { data: good.data.subarray(1), path: good.path },
      { data: new Uint8Array(), path: [] },
    ])
      assert.equal(codeOf(await answer(challenge, part)), 'custody/wrongPart')
    const stranger = await answerChallenge(
      world,
      params,
      { drawnAt, part: good },
      account(999),
      drawnAt,
      checkWeights,
    )
    assert.deepEqual(stranger, { ok: false, fault: { code: 'custody/notKeeper', keeper } })
    assert.equal(codeOf(await answer(challenge, good, drawnAt + 8n)), 'custody/noChallenge')
    assert.equal(codeOf(await answer({ ...challenge, drawnAt: 5n })), 'custody/noChallenge')
    assert.equal(codeOf(await answer({ ...challenge, drawnAt: 0n })), 'custody/noChallenge')
    assert.equal(codeOf(await answer(challenge, good, drawnAt + 7n)), 'ok')
  })

  it('that passes costs a tenth of the pay and reputation, once, and no coin is lost', async () => {
    const { world, to } = await certified()
    await to(4n)
    const [{ keeper }] = (await openChallenges(world, params, 4n)) as [Challenge]
    const before = (await readStake(world, keeper))!.stake
    const pot = await world.purse.balance(moduleAddresses.custody)
    const supply = world.supply()
    await to(11n)
    assert.equal((await readChallenge(world, params, 4n))?.status, 'open')
    assert.equal((await readService(world, keeper)).missed, 0n)
    await to(12n)
    const fee = leaseFee(job, 0, params)
    const gwei = splitFee(fee).worker / 10n / 10n ** 9n
    assert.ok(gwei > 0n)
    assert.equal((await readChallenge(world, params, 4n))?.status, 'missed')
    assert.equal((await readStake(world, keeper))!.stake, before - gwei)
    assert.equal((await readService(world, keeper)).missed, 1n)
    assert.equal((await readService(world, keeper)).missedWei, fee)
    const taken = gwei * 10n ** 9n
    const told = [{ height: 12n, wei: taken, own: taken }]
    assert.deepEqual(await readPenalties(world, 'missedChallenges', keeper), told)
    assert.equal(await world.purse.balance(moduleAddresses.custody), pot + taken / 2n)
    assert.equal(world.supply(), supply - (taken - taken / 2n))
    await to(15n)
    assert.equal((await readStake(world, keeper))!.stake, before - gwei)
  })
})

describe('keepers', () => {
  it('of weights are first those who vouched, and as many as the chain wants', async () => {
    const { world, id } = await certified(0b11100n)
    const vouched = await vouchersOf(world, id)
    assert.deepEqual(vouched, [account(3), account(4), account(5)])
    const weights = { kind: 'weights', name: id, job } as const
    const keepers = await keepersOf(world, params, weights, 4n)
    assert.equal(keepers.length, 2)
    for (const keeper of keepers) assert.ok(vouched.includes(keeper))
    const all = await keepersOf(world, { ...params, replicas: 4 }, weights, 4n)
    assert.equal(all.length, 4)
    assert.deepEqual(new Set(all.slice(0, 3)), new Set(vouched))
  })

  it('who are jailed give way to the next, and nobody else moves', async () => {
    const { world } = await certified()
    const subject = { kind: 'rows', name: root } as const
    const [first, second] = await keepersOf(world, params, subject, 4n)
    await jail(world, first!, 4n)
    const after = await keepersOf(world, params, subject, 4n)
    assert.equal(after[0], second)
    assert.equal(after.length, 2)
    assert.ok(!after.includes(first!))
  })

  it('may step back for what is yet to be drawn, but not from what they vouched for', async () => {
    const { world, id, to, answer } = await certified(0b11111n)
    const subject = { kind: 'rows', name: root } as const
    const [first, second] = await keepersOf(world, params, subject, 4n)
    assert.deepEqual(await declineKeeping(world, root, first!), { ok: true, value: null })
    assert.equal(codeOf(await declineKeeping(world, root, first!)), 'custody/hasDeclined')
    assert.equal((await keepersOf(world, params, subject, 4n))[0], second)
    assert.equal(codeOf(await declineKeeping(world, id, account(1))), 'custody/vouched')
    await to(4n)
    const [challenge] = (await openChallenges(world, params, 4n)) as [Challenge]
    if (challenge.kind === 'rows') await declineKeeping(world, root, challenge.keeper)
    assert.ok((await answer(challenge)).ok)
  })

  it('are ranked by stake, and only what leaves moves', () => {
    const member = (n: number, stake: bigint): Validator => ({
      address: account(n),
      publicKey: '0x00',
      stake,
      reputation: 0n,
      power: stake,
      slotWeight: 1n,
      jailed: false,
      ask: 0n,
      maxParams: 1n,
    })
    const members = [1n, 2n, 3n, 4n, 6n].map((stake, i) => member(i + 1, stake * 1_000_000n))
    const firsts = new Map<string, number>()
    for (let i = 0; i < 4_000; i++) {
      const [first] = rankKeepers(digest(`subject ${i}`), members)
      firsts.set(first!.address, (firsts.get(first!.address) ?? 0) + 1)
    }
    for (const { address, stake } of members) {
      const expected = (4_000 * Number(stake)) / 16_000_000
      assert.ok(Math.abs(firsts.get(address)! - expected) < 5 * Math.sqrt(expected))
    }
    fc.assert(
      fc.property(fc.string(), fc.integer({ min: 0, max: 4 }), (salt, leaver) => {
        const ranked = rankKeepers(digest(salt), members)
        const left = members.filter((_, i) => i !== leaver)
        assert.deepEqual(
          rankKeepers(digest(salt), left),
          ranked.filter(({ address }) => address !== members[leaver]!.address),
        )
      }),
    )
  })
})
