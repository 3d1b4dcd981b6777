/**
 * Frozen validator sets by epoch. The set of epoch e + 1 is a function of the state after the last
 * block of epoch e − 1, so it is known a whole epoch before it acts. The last {@link keptEpochs} are
 * kept: lease draws and parent commits look back.
 */
import { maxValidators } from '../params/protocol.ts'
import { bytesToUint, fromHex, type Hex } from '../primitives/bytes.ts'
import { invariant } from '../primitives/result.ts'
import { powerCap, slotWeight, votingPower, workingStake } from './formulas.ts'
import { addressOfWord, hexOfWord, slotOf } from './layout.ts'
import { countedDelegation } from './pools.ts'
import type { World } from './records.ts'
import { readService } from './service.ts'
import { isJailed, readStakes, type Stake } from './stakes.ts'
import type { Validator, ValidatorSet } from './validatorSet.ts'

/** Epochs whose sets stay readable. */
export const keptEpochs = 256

/** Percent of all voting power that one validator has at most. */
const maxPowerPercent = 33n

/** Words of one member in storage. */
const memberWords = 9n

/**
 * The set that acts in `epoch`; present for the current, the next and the last kept epochs.
 *
 * @param known - the set as it was read before on the same chain: only who is jailed is read again.
 */
export async function validatorSetAt(
  world: World,
  epoch: number,
  known?: ValidatorSet,
): Promise<ValidatorSet> {
  const base = slotOf('set', epoch % keptEpochs)
  const stored = Number(await world.staking.get(base)) - 1
  invariant(stored === epoch, `validatorSetAt: epoch ${epoch} is not kept (slot has ${stored})`)
  if (known !== undefined) return { epoch, validators: await jailedNow(world, known.validators) }
  const count = Number(await world.staking.get(base + 1n))
  const validators: Validator[] = []
  for (let i = 0; i < count; i++)
    validators.push(await readMember(world, base + 2n + BigInt(i) * memberWords))
  return { epoch, validators }
}

async function jailedNow(
  world: World,
  members: readonly Validator[],
): Promise<readonly Validator[]> {
  const now: Validator[] = []
  for (const member of members) {
    const jailed = await isJailed(world, member.address)
    now.push(jailed === member.jailed ? member : { ...member, jailed })
  }
  return now
}

/** Whether the set of `epoch` can be read. */
export async function isSetKept(world: World, epoch: number): Promise<boolean> {
  const stored = await world.staking.get(slotOf('set', epoch % keptEpochs))
  return stored === BigInt(epoch) + 1n
}

async function readMember(world: World, base: bigint): Promise<Validator> {
  const word = (i: number) => world.staking.get(base + BigInt(i))
  const address = addressOfWord(await word(0))
  const high = hexOfWord(await word(1), 64)
  const low = hexOfWord(await word(2), 32)
  return {
    address,
    publicKey: `${high}${low.slice(2)}` as Hex,
    stake: await word(3),
    reputation: await word(4),
    power: await word(5),
    slotWeight: await word(6),
    ask: await word(7),
    maxParams: await word(8),
    jailed: await isJailed(world, address),
  }
}

/** Freeze `set` for its epoch, in the place of the one that is no longer kept. */
export async function freezeSet(world: World, set: ValidatorSet): Promise<void> {
  const base = slotOf('set', set.epoch % keptEpochs)
  await world.staking.put(base, BigInt(set.epoch) + 1n)
  await world.staking.put(base + 1n, BigInt(set.validators.length))
  for (const [i, validator] of set.validators.entries()) {
    const key = fromHex(validator.publicKey)
    const words = [
      BigInt(validator.address),
      bytesToUint(key.subarray(0, 32)),
      bytesToUint(key.subarray(32)),
      validator.stake,
      validator.reputation,
      validator.power,
      validator.slotWeight,
      validator.ask,
      validator.maxParams,
    ]
    for (const [at, word] of words.entries())
      await world.staking.put(base + 2n + BigInt(i) * memberWords + BigInt(at), word)
  }
}

/**
 * The set that the present stakes and records make for `epoch`: the largest stakes, delegations
 * counted, of those who have `minStake` of their own and are not jailed. Null if there is none; the
 * set before it then stays.
 */
export async function drawSet(
  world: World,
  minStake: bigint,
  epoch: number,
): Promise<ValidatorSet | null> {
  const able: Stake[] = []
  for (const stake of await readStakes(world)) {
    if (stake.stake < minStake || stake.jailedSince !== 0n) continue
    const delegated = await countedDelegation(world, stake.address, stake.stake)
    able.push({ ...stake, stake: stake.stake + delegated })
  }
  if (able.length === 0) return null
  const chosen = able
    .sort((a, b) => compare(b.stake, a.stake) || compare(a.address, b.address))
    .slice(0, maxValidators)
    .sort((a, b) => compare(a.address, b.address))
  return { epoch, validators: await weigh(world, chosen) }
}

async function weigh(world: World, stakes: readonly Stake[]): Promise<readonly Validator[]> {
  const services = new Map<string, Awaited<ReturnType<typeof readService>>>()
  for (const { address } of stakes) services.set(address, await readService(world, address))
  const totalStake = stakes.reduce((sum, { stake }) => sum + stake, 0n)
  const totalWork = stakes.reduce((sum, { address }) => sum + services.get(address)!.work, 0n)
  const powers = stakes.map(({ address, stake }) => {
    const { work, reputation } = services.get(address)!
    return votingPower(stake, workingStake(stake, work, totalStake, totalWork), reputation)
  })
  const cap = powerCap(powers, maxPowerPercent)
  return stakes.map(({ address, publicKey, stake, ask, maxParams }, i) => {
    const { work, reputation } = services.get(address)!
    const working = workingStake(stake, work, totalStake, totalWork)
    const power = powers[i]!
    return {
      address,
      publicKey,
      stake,
      reputation,
      power: power < cap ? power : cap,
      slotWeight: slotWeight(stake, working, reputation, totalWork),
      jailed: false,
      ask,
      maxParams,
    }
  })
}

function compare<T extends bigint | string>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0
}
