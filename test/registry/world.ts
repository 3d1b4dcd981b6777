/**
 * A world in memory, with a ledger that can be added up: the registry's rules are tested on it alone.
 */
import type { ChainParams } from '../../params/chainParams.ts'
import { moduleAddresses } from '../../params/protocol.ts'
import type { Address } from '../../primitives/address.ts'
import { weiPerGwei } from '../../primitives/brand.ts'
import { type Hex, toHex, uintBytes } from '../../primitives/bytes.ts'
import { type Hash, hashOf } from '../../primitives/hash.ts'
import { invariant } from '../../primitives/result.ts'
import { beginBlock } from '../../registry/blockStart.ts'
import { registerDataset } from '../../registry/datasets.ts'
import { drawSet, freezeSet } from '../../registry/epochSets.ts'
import { type Job, ProofKind } from '../../registry/job.ts'
import type { PrivateFacts, Records, World } from '../../registry/records.ts'
import { register } from '../../registry/stakes.ts'
import { expectedWithdrawals } from '../../registry/withdrawals.ts'

export const testParams: ChainParams = {
  epochLength: 16,
  minBlockIntervalMs: 1_000,
  idleBlockIntervalMs: 5_000,
  proposeTimeoutMs: 3_000,
  prevoteTimeoutMs: 1_000,
  precommitTimeoutMs: 1_000,
  timeoutGrowthMs: 500,
  maxTimeoutMs: 30_000,
  clockPrecisionMs: 500,
  proposalDelayMs: 1_000,
  blockGasLimit: 30_000_000,
  executionBudgetMs: 300,
  executionLimitMs: 3_000,
  maxBlockBytes: 2_097_152,
  maxSidecarBytes: 4_194_304,
  maxVerifyMs: 1_500,
  certificateAgeMs: 500,
  basePrice: 100n,
  certificateFee: 1_000n,
  openFee: 5_000n,
  macsPerBlock: 1n << 31n,
  elementsPerBlock: 1n << 19n,
  replayMacsCap: 1n << 32n,
  maxActiveJobs: 2,
  declineBlocks: 3,
  reputationShift: 6,
  minStake: 1_000n,
  unbondingEpochs: 2,
  challengeInterval: 8,
  challengeBlocks: 32,
  replicas: 3,
  keepEpochs: 64,
}

export const account = (n: number): Address => toHex(uintBytes(n, 20)) as Address
export const digest = (text: string): Hash => hashOf('test', new TextEncoder().encode(text))

export type TestWorld = World &
  PrivateFacts & {
    readonly balances: Map<Address, bigint>
    readonly supply: () => bigint
    readonly mint: (to: Address, wei: bigint) => void
  }

export function memoryWorld(): TestWorld {
  const balances = new Map<Address, bigint>()
  const records = (): Records => {
    const slots = new Map<bigint, bigint>()
    return {
      get: async (slot) => slots.get(slot) ?? 0n,
      put: async (slot, value) => {
        invariant(value >= 0n && value < 1n << 256n, `word out of range: ${value}`)
        slots.set(slot, value)
      },
    }
  }
  const move = (of: Address, wei: bigint) => {
    const after = (balances.get(of) ?? 0n) + wei
    invariant(after >= 0n, `${of} overspent: ${after}`)
    balances.set(of, after)
  }
  return {
    staking: records(),
    registry: records(),
    jobs: records(),
    reputation: records(),
    treasury: records(),
    verifiers: records(),
    groups: records(),
    purse: {
      balance: async (of) => balances.get(of) ?? 0n,
      transfer: async (from, to, wei) => {
        invariant(wei >= 0n, `negative transfer: ${wei}`)
        move(from, -wei)
        move(to, wei)
      },
      burn: async (from, wei) => move(from, -wei),
    },
    balances,
    supply: () => [...balances.values()].reduce((sum, wei) => sum + wei, 0n),
    mint: (to, wei) => move(to, wei),
  }
}

export const dataset = {
  root: digest('rows'),
  title: 'rows',
  blob: digest('blob'),
  rows: 1_000,
  features: 8,
  classes: 3,
  owner: account(900),
} as const

export const jobOf = (changes: Partial<Job> = {}): Job => ({
  chainId: 1,
  owner: account(800),
  nonce: 0n,
  proofKind: ProofKind.Replay,
  dataset: dataset.root,
  layers: [8, 6, 3],
  batch: 4,
  steps: 40,
  leaseSteps: 16,
  fractionBits: 16,
  forwardShifts: [6, 6],
  schedule: [{ fromStep: 0, updateShifts: [0, 0], backwardShifts: [5] }],
  initBound: 16,
  pricePerMac: 1_000_000_000n,
  ...changes,
})

/** Keys that nobody signs with. */
const idleKey = (i: number): Hex => toHex(uintBytes((1n << 300n) + BigInt(i), 48))

/** Validators 1..n with stakes of `n · 10^6` gwei, sets of epochs 0 and 1, one dataset. */
export async function startedWorld(
  stakes: readonly bigint[],
  keyOf: (index: number) => Hex = idleKey,
): Promise<TestWorld> {
  const world = memoryWorld()
  for (const [i, stake] of stakes.entries()) {
    world.mint(moduleAddresses.staking, stake * weiPerGwei)
    const publicKey = keyOf(i)
    const registration = { validator: account(i + 1), publicKey, ask: 0n, maxParams: 1n << 40n }
    const registered = await register(world, testParams, registration, stake * weiPerGwei)
    invariant(registered.ok, 'registers')
  }
  for (const epoch of [0, 1])
    await freezeSet(world, (await drawSet(world, testParams.minStake, epoch))!)
  invariant((await registerDataset(world, dataset)).ok, 'registers')
  return world
}

/** Start block `height` as its proposer would, and mint what it must; everybody has signed. */
export async function startBlock(
  world: TestWorld,
  height: bigint,
  count: number,
  params: ChainParams = testParams,
): Promise<void> {
  for (const { address, gwei } of await expectedWithdrawals(world, params, height))
    world.mint(address, gwei * weiPerGwei)
  await beginBlock(world, params, {
    height,
    timestamp: height,
    mixHash: digest(`beacon ${height}`),
    proposer: account(1 + (Number(height) % count)),
    signers: Array.from({ length: count }, (_, i) => account(i + 1)),
    parentFees: 0n,
  })
}
