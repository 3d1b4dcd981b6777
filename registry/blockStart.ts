/**
 * What happens at the start of every block, before its first transaction: the beacon is recorded,
 * votes are counted, jobs get their seeds, and at an epoch's first block the books are closed.
 */
import type { ChainParams } from '../params/chainParams.ts'
import type { Address } from '../primitives/address.ts'
import { weiPerGwei } from '../primitives/brand.ts'
import type { Hash } from '../primitives/hash.ts'
import { recordBeacon } from './beacon.ts'
import { passChallenges } from './challenges.ts'
import { drawSet, freezeSet, validatorSetAt } from './epochSets.ts'
import {
  emissionOf,
  nextReputation,
  nextTurns,
  nextWork,
  punctual,
  serviceQuality,
} from './formulas.ts'
import { seedJobs } from './jobBook.ts'
import { recordFees } from './ledger.ts'
import { delegatorsPart, expectReward, releaseReward } from './pools.ts'
import { moveBasePrice } from './prices.ts'
import type { World } from './records.ts'
import { recordEpoch } from './reputationHistory.ts'
import { readService, recordDuty, recordEarning, recordProposal, writeService } from './service.ts'
import { slotCounts } from './slots.ts'
import { dropIdle, readStakes } from './stakes.ts'
import { epochOf } from './validatorSet.ts'
import { recordMinted } from './withdrawals.ts'

export type BlockStart = {
  readonly height: bigint
  readonly timestamp: bigint
  readonly mixHash: Hash
  readonly proposer: Address
  /** Who signed the parent's commit; empty in block 1. */
  readonly signers: readonly Address[]
  /** Who should have signed it. @default read from the state */
  readonly voters?: readonly Address[] | undefined
  /** Wei that the parent's transactions burned as fees. */
  readonly parentFees: bigint
}

export async function beginBlock(
  world: World,
  params: ChainParams,
  start: BlockStart,
): Promise<void> {
  await recordBeacon(world, start.height, start.mixHash)
  await countVotes(world, params, start)
  await recordFees(world, start.parentFees)
  await seedJobs(world, start.height, start.mixHash)
  const inEpoch = start.height % BigInt(params.epochLength)
  if (inEpoch === 0n) await changeEpoch(world, params, epochOf(start.height, params.epochLength))
  await passChallenges(world, params, start.height, start.mixHash)
  await recordProposal(world, start.proposer)
  if (inEpoch === 1n)
    for (const { address } of await readStakes(world)) await releaseReward(world, address)
}

async function countVotes(world: World, params: ChainParams, start: BlockStart): Promise<void> {
  if (start.height === 1n) return
  const epoch = epochOf(start.height - 1n, params.epochLength)
  const voters =
    start.voters ?? (await validatorSetAt(world, epoch)).validators.map(({ address }) => address)
  const signers = new Set<Address>(start.signers)
  for (const address of voters) await recordDuty(world, address, signers.has(address))
}

/** Close epoch `epoch − 1`, whose last block is the parent, and freeze the set of `epoch + 1`. */
async function changeEpoch(world: World, params: ChainParams, epoch: number): Promise<void> {
  let minted = 0n
  const working = new Set<Address>()
  const ended = await validatorSetAt(world, epoch - 1)
  const slots = slotCounts(ended, params.epochLength)
  const due = new Map(ended.validators.map(({ address }, i) => [address, BigInt(slots[i]!)]))
  for (const { address, stake } of await readStakes(world)) {
    const service = await readService(world, address)
    const turnsDue = nextTurns(service.turnsDue, due.get(address) ?? 0n)
    const turnsTaken = nextTurns(service.turnsTaken, service.turns)
    const served = serviceQuality(service.reputation, service)
    const quality = punctual(served, turnsDue, turnsTaken)
    const emission = emissionOf(service.ownBurn)
    minted += emission
    if (emission > 0n) working.add(address)
    const others = await delegatorsPart(world, address, stake, emission, BigInt(epoch))
    await expectReward(world, address, others * weiPerGwei)
    await recordEarning(world, address, (emission - others) * weiPerGwei)
    const reputation = nextReputation(service.reputation, quality, params.reputationShift)
    const work = nextWork(service.work, service.ownBurn)
    if (service.due > 0n || reputation > 0n)
      await recordEpoch(world, address, { epoch: epoch - 1, reputation, work, emission })
    await writeService(world, address, {
      reputation,
      work,
      signed: 0n,
      due: 0n,
      doneWei: 0n,
      missedWei: 0n,
      ownBurn: 0n,
      turns: 0n,
      turnsDue,
      turnsTaken,
    })
  }
  await recordMinted(world, minted)
  await moveBasePrice(world, params, ended.validators.length)
  const current = await validatorSetAt(world, epoch)
  const drawn = await drawSet(world, params.minStake, epoch + 1)
  const next = drawn ?? { ...current, epoch: epoch + 1 }
  await freezeSet(world, next)
  for (const { address } of [...current.validators, ...next.validators]) working.add(address)
  await dropIdle(world, params.minStake, working)
}
