/**
 * A small chain for tests: real registry and modules, and signatures replaced by hashes that the
 * tests can make without keys.
 */
import { createFeeMarket1559Tx } from '@ethereumjs/tx'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import type { Candidate } from '../../chain/builder.ts'
import { type Chain, createChain } from '../../chain/chain.ts'
import { decodeCommit, encodeCommit } from '../../chain/commit.ts'
import { envelopeHashOf } from '../../chain/envelope.ts'
import type { Rules } from '../../chain/rules.ts'
import type { ChainParams } from '../../params/chainParams.ts'
import { type Genesis, parseGenesis } from '../../params/genesis.ts'
import { paramsByHeight } from '../../params/upgrades.ts'
import { type Address, addressOfKey } from '../../primitives/address.ts'
import { concatBytes, fromHex, toHex, uintBytes, utf8ToBytes } from '../../primitives/bytes.ts'
import { type Hash, hashBytes, hashOf } from '../../primitives/hash.ts'
import { ok, refuse } from '../../primitives/result.ts'
import { beginBlock } from '../../registry/blockStart.ts'
import { validatorSetAt } from '../../registry/epochSets.ts'
import { writeGenesisRecords } from '../../registry/genesisRecords.ts'
import { validatorSetHash } from '../../registry/validatorSet.ts'
import { expectedWithdrawals } from '../../registry/withdrawals.ts'
import type { KeyValue } from '../../storage/keyValue.ts'
import { openMemory } from '../../storage/memory.ts'
import { type Engine, openEngine } from '../../vm/engine.ts'
import { nativeModules } from '../../vm/modules/all.ts'
import type { NativeModule } from '../../vm/nativeModule.ts'
import { decodeTransaction, type Transaction } from '../../vm/transaction.ts'

export const chainId = 57_005

/** Deterministic secp256k1 keys. */
export function keyOf(name: string): Uint8Array {
  const key = hashBytes(hashOf('test/key', utf8ToBytes(name)))
  secp256k1.getPublicKey(key)
  return key
}

export const alice = keyOf('alice')
export const bob = keyOf('bob')
export const validatorAddresses = ['v0', 'v1'].map((name) => addressOfKey(keyOf(name)))

function blsKeyOf(address: Address): `0x${string}` {
  return `0x${toHex(concatBytes(hashBytes(hashOf('test/bls', utf8ToBytes(address))), new Uint8Array(16))).slice(2)}`
}

const testParams: Record<keyof ChainParams, unknown> = {
  epochLength: 4,
  minBlockIntervalMs: 1_000,
  idleBlockIntervalMs: 5_000,
  proposeTimeoutMs: 1_000,
  prevoteTimeoutMs: 500,
  precommitTimeoutMs: 500,
  timeoutGrowthMs: 500,
  maxTimeoutMs: 30_000,
  clockPrecisionMs: 500,
  proposalDelayMs: 1_000,
  blockGasLimit: 30_000_000,
  executionBudgetMs: 10_000,
  executionLimitMs: 30_000,
  maxBlockBytes: 2_097_152,
  maxSidecarBytes: 4_194_304,
  maxVerifyMs: 1_500,
  certificateAgeMs: 500,
  basePrice: '1000000',
  certificateFee: '1000000000000',
  openFee: '1000000000000',
  macsPerBlock: '2147483648',
  elementsPerBlock: '524288',
  replayMacsCap: '8589934592',
  maxActiveJobs: 16,
  declineBlocks: 3,
  reputationShift: 6,
  minStake: '1000000000',
  unbondingEpochs: 4,
  challengeInterval: 8,
  challengeBlocks: 32,
  replicas: 3,
  keepEpochs: 64,
}

export function testGenesis(overrides: Partial<Record<keyof ChainParams, unknown>> = {}): Genesis {
  const parsed = parseGenesis(
    JSON.stringify({
      name: 'test',
      chainId,
      timestamp: 1_800_000_000,
      extraData: '0x',
      params: { ...testParams, ...overrides },
      upgrades: [{ name: 'first', height: 0 }],
      validators: validatorAddresses.map((address) => ({
        address,
        publicKey: blsKeyOf(address),
        possession: `0x${'00'.repeat(96)}`,
        stake: '32000000000',
        ask: '1',
        maxParams: 1_000_000,
      })),
      balances: {
        [addressOfKey(alice)]: '1000000000000000000000',
        [addressOfKey(bob)]: '1000000000000000000000',
      },
      treasury: { balance: '5000000000000000000' },
      firstJob: null,
    }),
  )
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.fault))
  return parsed.value
}

/** The reveal that the test's rules accept. */
function revealOf(publicKey: string, height: bigint): Uint8Array {
  const part = (i: number) =>
    hashBytes(hashOf('test/reveal', utf8ToBytes(publicKey), uintBytes(height, 8), uintBytes(i, 1)))
  return concatBytes(part(0), part(1), part(2))
}

export type RulesOptions = {
  readonly params?: Partial<Record<keyof ChainParams, unknown>> | undefined
  readonly modules?: readonly NativeModule[] | undefined
  /** What evidence does. @default it is refused */
  readonly applyEvidence?: Rules['consensus']['applyEvidence'] | undefined
}

export async function testRules(
  genesis: Genesis,
  modules: readonly NativeModule[] = nativeModules(genesis.params, genesis.chainId),
  applyEvidence: RulesOptions['applyEvidence'] = async () => refuse({ code: 'test/evidence' }),
): Promise<Rules> {
  return {
    engine: await openEngine(genesis.chainId, modules),
    params: genesis.params,
    paramsAt: paramsByHeight(genesis.params, genesis.upgrades),
    registry: { beginBlock, expectedWithdrawals, validatorSetAt, writeGenesisRecords },
    consensus: {
      verifyCommit: (bytes, height, envelopeHash, set) => {
        const decoded = decodeCommit(bytes)
        if (!decoded.ok) return decoded
        const commit = decoded.value
        const right = commit.height === height && commit.envelopeHash === envelopeHash
        return right && commit.validatorsHash === validatorSetHash(set)
          ? ok(set.validators.map(({ address }) => address))
          : refuse({ code: 'test/commit' })
      },
      verifyReveal: (publicKey, height, reveal) =>
        toHex(reveal) === toHex(revealOf(publicKey, height)),
      applyEvidence,
    },
  }
}

export type TestChain = {
  readonly chain: Chain
  readonly rules: Rules
  readonly engine: Engine
  readonly store: KeyValue
}

export async function openTestChain(
  options: RulesOptions = {},
  store: KeyValue = openMemory(),
): Promise<TestChain> {
  const genesis = testGenesis(options.params)
  const rules = await testRules(genesis, options.modules, options.applyEvidence)
  return { chain: await createChain(store, genesis, rules), rules, engine: rules.engine, store }
}

export async function commitOf(
  chain: Chain,
  envelope: Uint8Array,
  height: bigint,
): Promise<Uint8Array> {
  const set = await chain.setAt(height)
  return encodeCommit({
    height,
    round: 0,
    envelopeHash: envelopeHashOf(envelope),
    validatorsHash: validatorSetHash(set!),
    bitmap: Uint8Array.of(3),
    signature: new Uint8Array(96),
  })
}

/** What the next block's builder needs besides candidates. */
export async function requestOf(chain: Chain, candidates: readonly Candidate[] = []) {
  const height = chain.head().height + 1n
  const set = (await chain.setAt(height))!
  const { address: coinbase, publicKey } = set.validators[Number(height) % set.validators.length]!
  return {
    candidates,
    coinbase,
    reveal: revealOf(publicKey, height),
    parentCommit: (await chain.commitAt(height - 1n)) ?? new Uint8Array(),
    evidence: [],
    timestamp: chain.head().header.timestamp + 1n,
  }
}

export const stoppedClock = { now: () => 0 }

/** Build and commit one block with these transactions. */
export async function advance(
  chain: Chain,
  transactions: readonly Transaction[] = [],
  evidence: readonly Uint8Array[] = [],
) {
  const candidates = transactions.map((transaction) => ({ transaction }))
  const request = { ...(await requestOf(chain, candidates)), evidence }
  const built = await chain.build(request, stoppedClock)
  if (!built.ok) throw new Error(show(built))
  const { envelope, outcome, skipped } = built.value
  const commit = await commitOf(chain, envelope, outcome.height)
  const committed = await chain.commit(envelope, commit)
  if (!committed.ok) throw new Error(show(committed))
  return { envelope, commit, outcome, skipped }
}

/** A verdict as text, for the message of a failing assertion. */
export function show(verdict: { readonly ok: boolean; readonly fault?: unknown }): string {
  return JSON.stringify(verdict.ok ? 'ok' : verdict.fault, (_, value: unknown) =>
    typeof value === 'bigint' ? value.toString() : value,
  )
}

export type Call = {
  readonly to?: Address | undefined
  readonly data?: string | undefined
  readonly value?: bigint | undefined
  readonly nonce?: bigint | undefined
  readonly gasLimit?: bigint | undefined
  readonly maxFeePerGas?: bigint | undefined
  readonly tip?: bigint | undefined
}

const nonces = new WeakMap<Engine, Map<string, bigint>>()

/** A signed EIP-1559 transaction; nonces count up by key and engine unless given. */
export function signed(engine: Engine, key: Uint8Array, call: Call): Transaction {
  const used = nonces.get(engine) ?? new Map<string, bigint>()
  nonces.set(engine, used)
  const name = toHex(key)
  const nonce = call.nonce ?? used.get(name) ?? 0n
  if (call.nonce === undefined) used.set(name, nonce + 1n)
  const tx = createFeeMarket1559Tx(
    {
      chainId: BigInt(engine.chainId),
      nonce,
      maxFeePerGas: call.maxFeePerGas ?? 10_000_000_000n,
      maxPriorityFeePerGas: call.tip ?? 1_000_000_000n,
      gasLimit: call.gasLimit ?? 1_000_000n,
      value: call.value ?? 0n,
      data: fromHex(call.data ?? '0x'),
      ...(call.to === undefined ? {} : { to: call.to }),
    },
    { common: engine.common },
  ).sign(key)
  const decoded = decodeTransaction(engine, tx.serialize())
  if (!decoded.ok) throw new Error(show(decoded))
  return decoded.value
}

export function hashText(text: string): Hash {
  return hashOf('test/text', utf8ToBytes(text))
}
