/**
 * A chain without a network: the real registry, schedule and rewards, driven block by block, and people
 * around them who open jobs, work, vouch, propose and delegate.
 */
import { proposer } from '../consensus/proposer.ts'
import type { ChainParams } from '../params/chainParams.ts'
import { moduleAddresses } from '../params/protocol.ts'
import type { Address } from '../primitives/address.ts'
import { weiPerGwei } from '../primitives/brand.ts'
import { uintBytes } from '../primitives/bytes.ts'
import { type Hash, hashBytes, hashOf } from '../primitives/hash.ts'
import { invariant } from '../primitives/result.ts'
import { beginBlock } from '../registry/blockStart.ts'
import { registerDataset } from '../registry/datasets.ts'
import { delegate, readDelegations } from '../registry/delegations.ts'
import { drawSet, freezeSet, validatorSetAt } from '../registry/epochSets.ts'
import type { Job } from '../registry/job.ts'
import { openJob, totalFee } from '../registry/jobBook.ts'
import { readStake, register } from '../registry/stakes.ts'
import { epochOf, type ValidatorSet } from '../registry/validatorSet.ts'
import { expectedWithdrawals } from '../registry/withdrawals.ts'
import type { Conduct } from './conduct.ts'
import { seedHash } from './dice.ts'
import { createMemoryWorld, type MemoryWorld } from './memoryWorld.ts'
import { coin, datasetRoot, gasCost, nodeCost } from './setting.ts'

export type Member = { readonly address: Address; readonly conduct: Conduct; busyUntil: bigint }

/** Somebody who acts in every block, after it has begun. */
export type Actor = (sim: Simulation, height: bigint) => Promise<void>

export type Simulation = {
  readonly params: ChainParams
  readonly world: MemoryWorld
  readonly seed: number
  readonly members: ReadonlyMap<Address, Member>
  /** Wei for a multiply-accumulate, outside the chain. */
  readonly computeCost: bigint
  readonly addValidator: (address: Address, stakeGwei: bigint, conduct: Conduct) => Promise<void>
  readonly addActor: (actor: Actor) => void
  /** What customers train on. */
  readonly rows: () => Hash
  readonly useRows: (dataset: Hash) => void
  /** Coin to begin with. */
  readonly endow: (account: Address, wei: bigint) => void
  /** What an account pays, or gains, outside the chain. */
  readonly spend: (account: Address, wei: bigint) => void
  readonly open: (job: Job, height: bigint) => Promise<Hash | null>
  readonly entrust: (from: Address, to: Address, wei: bigint) => Promise<void>
  readonly setAt: (height: bigint) => Promise<ValidatorSet>
  /** The proposer of the running block. */
  readonly proposer: () => Address
  /** What `mixHash` is at `height` if `by` proposes. */
  readonly beaconOf: (height: bigint, by: Address) => Hash
  readonly begin: () => Promise<void>
  readonly block: (height: bigint) => Promise<void>
  /** All that `accounts` have gained since they were endowed, wei. */
  readonly profitOf: (accounts: readonly Address[]) => Promise<bigint>
}

export function createSimulation(
  params: ChainParams,
  seed: number,
  computePercent: bigint,
): Simulation {
  const world = createMemoryWorld()
  const members = new Map<Address, Member>()
  const actors: Actor[] = []
  const spent = new Map<Address, bigint>()
  const endowed = new Map<Address, bigint>()
  const sets = new Map<number, ValidatorSet>()
  const computeCost = (params.basePrice * computePercent) / 100n
  let rows: Hash = datasetRoot
  let leader: Address = moduleAddresses.treasury

  const add = (to: Map<Address, bigint>, account: Address, wei: bigint) =>
    to.set(account, (to.get(account) ?? 0n) + wei)
  const spend = (account: Address, wei: bigint) => void add(spent, account, wei)
  const endow = (account: Address, wei: bigint) => {
    add(endowed, account, wei)
    world.mint(account, wei)
  }

  async function addValidator(address: Address, stakeGwei: bigint, conduct: Conduct) {
    const wei = stakeGwei * weiPerGwei
    endow(address, wei + 10n * coin)
    await world.purse.transfer(address, moduleAddresses.staking, wei)
    const publicKey = `0x${address.slice(2).padStart(96, '8')}` as const
    const ask = (((computeCost * 100n) / 67n) * conduct.askPercent) / 100n
    const { maxParams } = conduct
    const registered = await register(
      world,
      params,
      { validator: address, publicKey, ask, maxParams },
      wei,
    )
    invariant(registered.ok, 'simulation: a validator registers')
    members.set(address, { address, conduct, busyUntil: 0n })
  }

  async function entrust(from: Address, to: Address, wei: bigint) {
    endow(from, wei)
    await world.purse.transfer(from, moduleAddresses.staking, wei)
    invariant((await delegate(world, to, from, wei, 0n)).ok, 'simulation: a delegation is taken')
  }

  async function open(job: Job, height: bigint): Promise<Hash | null> {
    const wei = totalFee(job, params) + params.openFee
    if (world.balanceOf(job.owner) < wei) return null
    spend(job.owner, gasCost)
    await world.purse.transfer(job.owner, moduleAddresses.jobs, wei)
    const opened = await openJob(world, params, job, wei, height)
    if (opened.ok) return opened.value
    await world.purse.transfer(moduleAddresses.jobs, job.owner, wei)
    return null
  }

  async function begin() {
    const named = { root: datasetRoot, title: 'rows', blob: datasetRoot, rows: 60_000 }
    const dataset = { ...named, features: 784, classes: 10, owner: moduleAddresses.treasury }
    invariant((await registerDataset(world, dataset)).ok, 'simulation: the dataset registers')
    for (const epoch of [0, 1]) {
      const set = await drawSet(world, params.minStake, epoch)
      invariant(set !== null, 'simulation: somebody agrees')
      await freezeSet(world, set)
    }
  }

  async function setAt(height: bigint): Promise<ValidatorSet> {
    const epoch = epochOf(height, params.epochLength)
    const set = sets.get(epoch) ?? (await validatorSetAt(world, epoch))
    sets.set(epoch, set)
    sets.delete(epoch - 2)
    return set
  }

  const beaconOf = (height: bigint, by: Address) =>
    hashOf(
      'waggle/simulate/beacon',
      hashBytes(seedHash(seed)),
      uintBytes(height, 8),
      uintBytes(BigInt(by), 20),
    )

  async function block(height: bigint) {
    const set = await setAt(height)
    const at = (round: number) =>
      set.validators[proposer(set, height, round, params.epochLength)]!.address
    const { conduct } = members.get(at(0))!
    leader = (await conduct.proposes(sim, height)) ? at(0) : at(1)
    const minted = await expectedWithdrawals(world, params, height)
    await beginBlock(world, params, {
      height,
      timestamp: height,
      mixHash: beaconOf(height, leader),
      proposer: leader,
      signers: set.validators.map(({ address }) => address),
      parentFees: 0n,
    })
    if (height % BigInt(params.epochLength) === 0n)
      for (const { address } of members.values()) spend(address, nodeCost)
    for (const actor of actors) await actor(sim, height)
    for (const { address, gwei } of minted) world.mint(address, gwei * weiPerGwei)
  }

  async function profitOf(accounts: readonly Address[]): Promise<bigint> {
    let profit = 0n
    for (const account of accounts) {
      const stake = await readStake(world, account)
      const bonded = stake === null ? 0n : (stake.stake + stake.unbonding) * weiPerGwei
      let delegated = 0n
      for (const { wei, leavingWei, reward } of await readDelegations(world, account))
        delegated += wei + leavingWei + reward
      const has = world.balanceOf(account) + bonded + delegated
      profit += has - (endowed.get(account) ?? 0n) - (spent.get(account) ?? 0n)
    }
    return profit
  }

  const sim: Simulation = {
    params,
    world,
    seed,
    members,
    computeCost,
    addValidator,
    addActor: (actor) => void actors.push(actor),
    rows: () => rows,
    useRows: (dataset) => {
      rows = dataset
    },
    endow,
    spend,
    open,
    entrust,
    setAt,
    proposer: () => leader,
    beaconOf,
    begin,
    block,
    profitOf,
  }
  return sim
}
