import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'vitest'
import { decodeDuplicateVote, encodeDuplicateVote } from '../../consensus/evidence.ts'
import type { Input } from '../../consensus/machineState.ts'
import { Step } from '../../consensus/machineState.ts'
import {
  decodeProposal,
  decodeVote,
  encodeProposal,
  encodeVote,
  type Proposal,
  proposalSignBytes,
  type Vote,
  VoteKind,
  voteSignBytes,
} from '../../consensus/messages.ts'
import type { Status } from '../../consensus/status.ts'
import { decodeInput, encodeInput } from '../../consensus/wal.ts'
import { decodeWire, encodeWire, type WireMessage } from '../../consensus/wire.ts'
import { toHex } from '../../primitives/bytes.ts'
import { type Hash, zeroHash } from '../../primitives/hash.ts'
import { nameOf } from './fixtures.ts'

const vote: Vote = {
  kind: VoteKind.Precommit,
  height: 258n,
  round: 3,
  hash: nameOf('a'),
  validatorsHash: nameOf('set'),
  index: 2,
  signature: new Uint8Array(96).fill(9),
}

const proposal: Proposal = {
  height: 258n,
  round: 3,
  validRound: -1,
  envelopeHash: nameOf('a'),
  size: 70_000,
  partsRoot: nameOf('parts'),
  time: 1_800_000_000n,
  validatorsHash: nameOf('set'),
  proposer: 1,
  signature: new Uint8Array(96).fill(7),
}

const status: Status = {
  height: 258n,
  round: 3,
  step: Step.Prevote,
  hasProposal: true,
  prevotes: Uint8Array.of(5),
  precommits: Uint8Array.of(0),
  proof: { round: 1, value: nameOf('a'), prevotes: Uint8Array.of(7) },
  want: { value: nameOf('a'), parts: Uint8Array.of(1), sidecars: Uint8Array.of(0) },
  ask: true,
}

const commit = {
  height: 258n,
  round: 3,
  envelopeHash: nameOf('a'),
  validatorsHash: nameOf('set'),
  bitmap: Uint8Array.of(7),
  signature: new Uint8Array(96),
}

const part = {
  height: 258n,
  value: nameOf('a'),
  size: 70_000,
  partsRoot: nameOf('parts'),
  index: 1,
  bytes: new Uint8Array(4_464).fill(3),
  path: [new Uint8Array(32).fill(4)],
}

const wire: readonly WireMessage[] = [
  { type: 'proposal', proposal },
  { type: 'votes', votes: [vote, { ...vote, hash: null, kind: VoteKind.Prevote }] },
  { type: 'part', part },
  { type: 'sidecar', height: 258n, value: nameOf('a'), bytes: Uint8Array.of(1, 2, 3) },
  { type: 'status', status },
  { type: 'status', status: { ...status, proof: null, ask: false } },
  { type: 'status', status: { ...status, want: null, hasProposal: false } },
  { type: 'status', status: { ...status, want: { ...status.want!, sidecars: null } } },
  { type: 'committed', commit, bytes: new Uint8Array(300).fill(1) },
]

const inputs: readonly Input[] = [
  { type: 'proposal', proposal, timely: true },
  { type: 'proposal', proposal: { ...proposal, validRound: 2 }, timely: false },
  { type: 'complete', value: nameOf('a') },
  { type: 'judged', value: nameOf('a'), time: 5n },
  { type: 'judged', value: nameOf('a'), time: null },
  { type: 'vote', vote },
  { type: 'timeout', step: Step.Precommit, round: 4 },
]

const decoders = { decodeVote, decodeProposal, decodeWire, decodeInput, decodeDuplicateVote }

describe('encodings', () => {
  it('give back what was encoded', () => {
    assert.deepEqual(decodeVote(encodeVote(vote)), { ok: true, value: vote })
    const nil = { ...vote, hash: null }
    assert.deepEqual(decodeVote(encodeVote(nil)), { ok: true, value: nil })
    assert.deepEqual(decodeProposal(encodeProposal(proposal)), { ok: true, value: proposal })
    for (const message of wire)
      assert.deepEqual(decodeWire(encodeWire(message)), { ok: true, value: message })
    for (const input of inputs)
      assert.deepEqual(decodeInput(encodeInput(input)), { ok: true, value: input })
  })

  it('are canonical: what decodes encodes to the same bytes', () => {
    const mutated = fc.tuple(
      fc.constantFrom(...wire.map(encodeWire)),
      fc.nat({ max: 400 }),
      fc.integer({ min: 0, max: 255 }),
    )
    fc.assert(
      fc.property(mutated, ([bytes, at, value]) => {
        const changed = Uint8Array.from(bytes)
        changed[at % changed.length] = value
        const decoded = decodeWire(changed)
        if (decoded.ok) assert.deepEqual(encodeWire(decoded.value), changed)
      }),
      { numRuns: 2_000 },
    )
  })

  it('refuse every prefix and every trailing byte', () => {
    for (const bytes of [...wire.map(encodeWire)]) {
      for (let length = 0; length < Math.min(bytes.length, 400); length++)
        assert.equal(decodeWire(bytes.subarray(0, length)).ok, false)
      assert.equal(decodeWire(Uint8Array.of(...bytes, 0)).ok, false)
    }
  })

  it('refuse a status with sidecars of no value', () => {
    const bytes = encodeWire({ type: 'status', status: { ...status, want: null, proof: null } })
    bytes[14]! |= 16
    assert.equal(decodeWire(bytes).ok, false)
  })

  it('never throw on random bytes', () => {
    for (const [name, decodeBytes] of Object.entries(decoders))
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 600 }), fc.nat({ max: 6 }), (bytes, kind) => {
          if (bytes.length > 0) bytes[0] = kind
          assert.equal(typeof decodeBytes(bytes).ok, 'boolean', name)
        }),
        { numRuns: 500 },
      )
  })

  it('carry evidence', () => {
    const evidence = { first: { ...vote, hash: null }, second: vote }
    const bytes = encodeDuplicateVote(evidence)
    assert.deepEqual(decodeDuplicateVote(bytes), { ok: true, value: evidence })
    assert.ok(bytes.length <= 4_096)
  })
})

describe('bytes to sign', () => {
  it('are those of the specification', () => {
    const hex = toHex(voteSignBytes(5_701, vote)).slice(2)
    const domain = toHex(new TextEncoder().encode('waggle/consensus/v1')).slice(2)
    const numbers = '0000000000001645' + '02' + '0000000000000102' + '00000003'
    assert.equal(hex, domain + numbers + nameOf('a').slice(2) + nameOf('set').slice(2))
  })

  it('are the same for all voters, and sign nil as zeros', () => {
    assert.deepEqual(voteSignBytes(1, vote), voteSignBytes(1, { ...vote, index: 9 } as Vote))
    const nil = toHex(voteSignBytes(1, { ...vote, hash: null }))
    assert.ok(nil.includes(zeroHash.slice(2)))
  })

  it('differ in every field that a vote binds', () => {
    const others: readonly Vote[] = [
      { ...vote, kind: VoteKind.Prevote },
      { ...vote, height: 259n },
      { ...vote, round: 4 },
      { ...vote, hash: null },
      { ...vote, validatorsHash: nameOf('other set') },
    ]
    const all = [vote, ...others].map((each) => toHex(voteSignBytes(1, each)))
    assert.equal(new Set([...all, toHex(voteSignBytes(2, vote))]).size, 7)
  })

  it('differ in every field that a proposal binds, and from every vote', () => {
    const others: readonly Proposal[] = [
      { ...proposal, height: 259n },
      { ...proposal, round: 4 },
      { ...proposal, validRound: 0 },
      { ...proposal, envelopeHash: nameOf('b') as Hash },
      { ...proposal, time: 1n },
      { ...proposal, validatorsHash: nameOf('other set') },
    ]
    const all = [proposal, ...others].map((each) => toHex(proposalSignBytes(1, each)))
    assert.equal(new Set([...all, toHex(voteSignBytes(1, vote))]).size, 8)
  })
})
