import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'vitest'
import { createChain } from '../../chain/chain.ts'
import { publicKeyOf, sign, signReveal } from '../../consensus/bls.ts'
import { duplicateVote, encodeDuplicateVote } from '../../consensus/evidence.ts'
import { type UnsignedVote, VoteKind, voteSignBytes } from '../../consensus/messages.ts'
import { devnetKeys } from '../../node/keysDevnet.ts'
import { chainRules } from '../../node/rules.ts'
import { parseGenesis } from '../../params/genesis.ts'
import { hashOf } from '../../primitives/hash.ts'
import { validatorSetHash } from '../../registry/validatorSet.ts'
import { openMemory } from '../../storage/memory.ts'

const text = readFileSync(join(import.meta.dirname, '../../genesis.json'), 'utf8')

async function devnet() {
  const genesis = parseGenesis(text)
  assert.ok(genesis.ok)
  const rules = await chainRules(genesis.value)
  const chain = await createChain(openMemory(), genesis.value, rules)
  return { genesis: genesis.value, rules, chain, set: (await chain.setAt(1n))! }
}

describe('the rules of the devnet', () => {
  it('refuse a genesis whose validator does not prove its key', async () => {
    const genesis = parseGenesis(text)
    assert.ok(genesis.ok)
    const [first, second, ...rest] = genesis.value.validators
    const forged = {
      ...genesis.value,
      validators: [{ ...first!, possession: second!.possession }, second!, ...rest],
    }
    await assert.rejects(chainRules(forged), /validators\.0\.possession/)
  })

  it('take a reveal from its own key and height only', async () => {
    const { rules, genesis } = await devnet()
    const { votingKey } = devnetKeys(0)
    const key = publicKeyOf(votingKey)
    const reveal = signReveal(votingKey, genesis.chainId, 7n)
    assert.equal(rules.consensus.verifyReveal(key, 7n, reveal), true)
    assert.equal(rules.consensus.verifyReveal(key, 8n, reveal), false)
    assert.equal(
      rules.consensus.verifyReveal(publicKeyOf(devnetKeys(1).votingKey), 7n, reveal),
      false,
    )
    assert.equal(rules.consensus.verifyReveal(key, 7n, new Uint8Array(96)), false)
  })

  it('punish a real double vote, and nothing that only looks like one', async () => {
    const { rules, genesis, chain, set } = await devnet()
    const index = 1
    const { votingKey } = Array.from({ length: 4 }, (_, i) => devnetKeys(i)).find(
      ({ address }) => address === set.validators[index]!.address,
    )!
    const vote = (hash: ReturnType<typeof hashOf>, key = votingKey) => {
      const unsigned: UnsignedVote = {
        kind: VoteKind.Prevote,
        height: 1n,
        round: 0,
        hash,
        validatorsHash: validatorSetHash(set),
        index,
      }
      const message = voteSignBytes(genesis.chainId, unsigned)
      return { ...unsigned, signature: sign(key, message) }
    }
    const world = (await chain.readAt(0n))!.world
    const judge = async (evidence: Uint8Array) => {
      const verdict = await rules.consensus
        .applyEvidence(world, genesis.params, 2n, evidence)
        .catch((error: Error) => ({ ok: false, fault: { code: error.message } }) as const)
      return verdict.ok ? 'punished' : verdict.fault.code
    }
    const [a, b] = [vote(hashOf('a')), vote(hashOf('b'))]
    const forged = vote(hashOf('b'), devnetKeys(9).votingKey)
    assert.equal(await judge(encodeDuplicateVote(duplicateVote(a, forged))), 'evidence/signature')
    assert.equal(await judge(encodeDuplicateVote(duplicateVote(a, a))), 'evidence/order')
    assert.match(await judge(new Uint8Array(10)), /^codec\//)
    // The world of a reader cannot be written: getting that far is the conviction.
    assert.match(await judge(encodeDuplicateVote(duplicateVote(a, b))), /a view wrote/)
  })
})
