/**
 * Chains of a development network with real rules and signatures, but without consensus: whoever may,
 * proposes, and all sign. For tests of what travels between nodes.
 */
import { readFileSync } from 'node:fs'
import type { BuildRequest } from '../../chain/builder.ts'
import { type Chain, createChain } from '../../chain/chain.ts'
import { encodeCommit } from '../../chain/commit.ts'
import { decodeEnvelope, envelopeHashOf } from '../../chain/envelope.ts'
import { packagedGenesis } from '../../cli/dataDir.ts'
import { devnetGenesis } from '../../cli/devnetGenesis.ts'
import { sign, signReveal } from '../../consensus/bls.ts'
import { makeCommit } from '../../consensus/commit.ts'
import { type Vote, VoteKind, voteSignBytes } from '../../consensus/messages.ts'
import { proposer } from '../../consensus/proposer.ts'
import { type Account, openAccount } from '../../node/account.ts'
import type { ValidatorKeys } from '../../node/keys.ts'
import { devnetKeys } from '../../node/keysDevnet.ts'
import { chainRules } from '../../node/rules.ts'
import { type Genesis, parseGenesis } from '../../params/genesis.ts'
import type { Address } from '../../primitives/address.ts'
import type { Hex } from '../../primitives/bytes.ts'
import type { Hash } from '../../primitives/hash.ts'
import { describeFault } from '../../primitives/result.ts'
import { type ValidatorSet, validatorSetHash } from '../../registry/validatorSet.ts'
import type { KeyValue } from '../../storage/keyValue.ts'
import { openMemory } from '../../storage/memory.ts'
import { decodeTransaction, type Transaction } from '../../vm/transaction.ts'

export type SealedChain = {
  readonly chain: Chain
  /** Build, sign and commit the next block. */
  readonly advance: (
    changes?: Partial<Pick<BuildRequest, 'candidates' | 'evidence' | 'timestamp'>>,
  ) => Promise<Sealed>
  /** The same block on a chain that lags. */
  readonly follow: (other: Chain, block: Sealed) => Promise<void>
}

export type Sealed = {
  readonly envelope: Uint8Array
  readonly commit: Uint8Array
  readonly evidence: readonly Uint8Array[]
}

export function sealedGenesis(
  validators: number,
  params: Readonly<Record<string, number | string>> = {},
): Genesis {
  const text = devnetGenesis(readFileSync(packagedGenesis, 'utf8'), validators, {
    firstJob: false,
    params,
  })
  const genesis = parseGenesis(text)
  if (!genesis.ok) throw new Error(describeFault(genesis.fault))
  return genesis.value
}

/** Rules check every proof of possession: once for a genesis is enough. */
const ruled = new WeakMap<Genesis, ReturnType<typeof chainRules>>()

export async function openSealedChain(
  genesis: Genesis,
  store: KeyValue = openMemory(),
): Promise<SealedChain> {
  const rules = ruled.get(genesis) ?? chainRules(genesis)
  ruled.set(genesis, rules)
  const chain = await createChain(store, genesis, await rules)
  const { params } = genesis
  const keys = new Map(
    genesis.validators.map((_, i) => [devnetKeys(i).publicKey, devnetKeys(i)] as const),
  )

  async function advance(
    changes: Partial<Pick<BuildRequest, 'candidates' | 'evidence' | 'timestamp'>> = {},
  ): Promise<Sealed> {
    const head = chain.head()
    const height = head.height + 1n
    const set = (await chain.setAt(height))!
    const turn = set.validators[proposer(set, height, 0, params.epochLength)]!
    const built = await chain.build(
      {
        candidates: [],
        evidence: [],
        coinbase: turn.address,
        reveal: signReveal(keys.get(turn.publicKey)!.votingKey, genesis.chainId, height),
        parentCommit: (await chain.commitAt(head.height)) ?? new Uint8Array(),
        timestamp: head.header.timestamp + 1n,
        ...changes,
      },
      { now: () => 0 },
    )
    if (!built.ok) throw new Error(describeFault(built.fault))
    const { envelope, skipped } = built.value
    if (skipped.length > 0) throw new Error(describeFault(skipped[0]!.fault))
    const hash = envelopeHashOf(envelope)
    const votes = set.validators.map(({ publicKey }, index) =>
      signVote(genesis, keys.get(publicKey)!, set, { height, round: 0, hash, index }),
    )
    const commit = encodeCommit(makeCommit(votes, set))
    await commitTo(chain, envelope, commit)
    const decoded = decodeEnvelope(envelope)
    return { envelope, commit, evidence: decoded.ok ? decoded.value.evidence : [] }
  }

  return {
    chain,
    advance,
    follow: (other, { envelope, commit }) => commitTo(other, envelope, commit),
  }
}

async function commitTo(chain: Chain, envelope: Uint8Array, commit: Uint8Array): Promise<void> {
  const committed = await chain.commit(envelope, commit)
  if (!committed.ok) throw new Error(describeFault(committed.fault))
}

/** A vote of a member of `set`, as its real key signs it. */
export function signVote(
  genesis: Genesis,
  { votingKey }: ValidatorKeys,
  set: ValidatorSet,
  vote: {
    readonly kind?: VoteKind
    readonly height: bigint
    readonly round: number
    readonly hash: Hash | null
    readonly index: number
  },
): Vote {
  const unsigned = { kind: VoteKind.Precommit, ...vote, validatorsHash: validatorSetHash(set) }
  return { ...unsigned, signature: sign(votingKey, voteSignBytes(genesis.chainId, unsigned)) }
}

/** The keys of a member of a development network. */
export function keysOf(address: Address): ValidatorKeys {
  for (let i = 0; i < 100; i++) if (devnetKeys(i).address === address) return devnetKeys(i)
  throw new Error(`${address} is no devnet validator`)
}

export function accountOf(address: Address): Account {
  return openAccount(keysOf(address).accountKey)
}

/** A call signed by a development account. */
export async function signCall(
  chain: Chain,
  account: Account,
  nonce: bigint,
  to: Address,
  data: Hex,
): Promise<Transaction> {
  const bytes = await account.sign({
    chainId: chain.genesis.chainId,
    nonce,
    to,
    data,
    gas: 1_000_000n,
    maxFeePerGas: 100_000_000_000n,
    maxPriorityFeePerGas: 1_000_000_000n,
  })
  const decoded = decodeTransaction(chain.rules.engine, bytes)
  if (!decoded.ok) throw new Error(describeFault(decoded.fault))
  return decoded.value
}
