import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { verify, verifyReveal } from '../../consensus/bls.ts'
import {
  type UnsignedProposal,
  type UnsignedVote,
  VoteKind,
  voteSignBytes,
} from '../../consensus/messages.ts'
import { openSigner, type Signer } from '../../consensus/signer.ts'
import { chainId, nameOf, secretKeyOf } from './fixtures.ts'

let folder: string
let files = 0

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'waggle-signer-'))
})

afterAll(() => rm(folder, { recursive: true }))

const freshPath = () => join(folder, `guard-${files++}`, 'last-signed')

async function opened(path: string, key = 0): Promise<Signer> {
  const signer = await openSigner(path, secretKeyOf(key), chainId)
  assert.ok(signer.ok, JSON.stringify(signer))
  return signer.value
}

const vote: UnsignedVote = {
  kind: VoteKind.Prevote,
  height: 5n,
  round: 2,
  hash: nameOf('a'),
  validatorsHash: nameOf('set'),
  index: 0,
}

const proposal: UnsignedProposal = {
  height: 5n,
  round: 2,
  validRound: -1,
  envelopeHash: nameOf('a'),
  size: 10,
  partsRoot: nameOf('parts'),
  time: 9n,
  validatorsHash: nameOf('set'),
  proposer: 0,
}

describe('the signer', () => {
  it('signs what verifies', async () => {
    const signer = await opened(freshPath())
    const signed = await signer.signVote(vote)
    assert.ok(signed.ok)
    assert.ok(verify(signer.publicKey, voteSignBytes(chainId, vote), signed.value.signature))
    assert.ok(verifyReveal(signer.publicKey, chainId, 5n, signer.signReveal(5n)))
  })

  it('hands out the same vote again, also after a restart, and refuses another', async () => {
    const path = freshPath()
    const first = await (await opened(path)).signVote(vote)
    const signer = await opened(path)
    assert.deepEqual(await signer.signVote(vote), first)
    const at = { height: 5n, round: 2, step: 1 }
    const conflict = { ok: false, fault: { code: 'signer/conflict', at } }
    assert.deepEqual(await signer.signVote({ ...vote, hash: null }), conflict)
    assert.deepEqual(await signer.signVote({ ...vote, hash: nameOf('b') }), conflict)
    assert.deepEqual(signer.last(), first.ok && { type: 'vote', vote: first.value })
  })

  it('guards proposals too', async () => {
    const path = freshPath()
    const first = await (await opened(path)).signProposal(proposal)
    const signer = await opened(path)
    assert.deepEqual(await signer.signProposal(proposal), first)
    for (const changes of [{ time: 10n }, { envelopeHash: nameOf('b') }, { validRound: 1 }]) {
      const refused = await signer.signProposal({ ...proposal, ...changes })
      assert.ok(!refused.ok && refused.fault.code === 'signer/conflict')
    }
    assert.ok((await signer.signVote(vote)).ok, 'the prevote comes after the proposal')
    const late = await signer.signProposal(proposal)
    assert.ok(!late.ok && late.fault.code === 'signer/past')
  })

  it('never goes back in height, round or step', async () => {
    const path = freshPath()
    const precommit = { ...vote, kind: VoteKind.Precommit }
    assert.ok((await (await opened(path)).signVote(precommit)).ok)
    const signer = await opened(path)
    const earlier: readonly Partial<UnsignedVote>[] = [
      {},
      { round: 1, kind: VoteKind.Precommit },
      { height: 4n, round: 9, kind: VoteKind.Precommit },
    ]
    for (const changes of earlier) {
      const refused = await signer.signVote({ ...vote, ...changes })
      assert.ok(!refused.ok && refused.fault.code === 'signer/past')
    }
    for (const changes of [{ round: 3 }, { height: 6n, round: 0 }])
      assert.ok((await signer.signVote({ ...vote, ...changes })).ok)
  })

  it('signs one of two that are asked for at once', async () => {
    const signer = await opened(freshPath())
    const both = await Promise.all([
      signer.signVote(vote),
      signer.signVote({ ...vote, hash: null }),
    ])
    assert.deepEqual(
      both.map(({ ok }) => ok),
      [true, false],
    )
  })

  it('leaves no half-written file behind', async () => {
    const path = freshPath()
    const signer = await opened(path)
    for (let round = 0; round < 5; round++) await signer.signVote({ ...vote, round })
    assert.deepEqual(await readdir(join(path, '..')), ['last-signed'])
  })

  it("refuses a damaged file, and another key's", async () => {
    const path = freshPath()
    await (await opened(path)).signVote(vote)
    const foreign = await openSigner(path, secretKeyOf(1), chainId)
    assert.ok(!foreign.ok && foreign.fault.code === 'signer/foreign')
    const bytes = await readFile(path)
    for (const [damaged, code] of [
      [bytes.subarray(1), 'codec/'],
      [new Uint8Array(), 'codec/short'],
      [bytes.map((byte, i) => (i === 10 ? byte ^ 1 : byte)), 'signer/foreign'],
    ] as const) {
      await writeFile(path, damaged)
      const opening = await openSigner(path, secretKeyOf(0), chainId)
      assert.ok(!opening.ok && opening.fault.code.startsWith(code))
    }
  })
})
