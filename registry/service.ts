/**
 * Service records: what each validator did, and the reputation and work that follow. Written only by
 * verified facts: commits, certificates and missed leases.
 */
import type { Address } from '../primitives/address.ts'
import { reputationAfterMiss, type Service } from './formulas.ts'
import { slotOf } from './layout.ts'
import type { Records, World } from './records.ts'

/** A validator's record in the reputation module. */
export type ServiceRecord = Service & {
  readonly reputation: bigint
  /** `W`, gwei. */
  readonly work: bigint
  /** Wei burned by its own certificates in this epoch. */
  readonly ownBurn: bigint
  /** Totals since genesis. */
  readonly certificates: bigint
  readonly missed: bigint
  readonly proposed: bigint
  readonly earnedWei: bigint
  /** Blocks proposed in this epoch, and moving sums of those due and proposed, in 256ths. */
  readonly turns: bigint
  readonly turnsDue: bigint
  readonly turnsTaken: bigint
}

const fields = [
  'reputation',
  'signed',
  'due',
  'doneWei',
  'missedWei',
  'work',
  'ownBurn',
  'certificates',
  'missed',
  'proposed',
  'earnedWei',
  'turns',
  'turnsDue',
  'turnsTaken',
] as const satisfies readonly (keyof ServiceRecord)[]

type Field = (typeof fields)[number]

const place = (validator: Address, field: Field): bigint =>
  slotOf('service', validator) + BigInt(fields.indexOf(field))

export async function readService(world: World, validator: Address): Promise<ServiceRecord> {
  const entries: [Field, bigint][] = []
  for (const field of fields)
    entries.push([field, await world.reputation.get(place(validator, field))])
  return Object.fromEntries(entries) as Record<Field, bigint>
}

/** Overwrite the named fields. */
export async function writeService(
  world: World,
  validator: Address,
  changes: Partial<ServiceRecord>,
): Promise<void> {
  for (const field of fields) {
    const value = changes[field]
    if (value !== undefined) await world.reputation.put(place(validator, field), value)
  }
}

async function add(
  records: Records,
  validator: Address,
  field: Field,
  amount: bigint,
): Promise<void> {
  const slot = place(validator, field)
  await records.put(slot, (await records.get(slot)) + amount)
}

/** A block in which every member of the set owed its vote for the parent. */
export async function recordDuty(world: World, validator: Address, signed: boolean): Promise<void> {
  await add(world.reputation, validator, 'due', 1n)
  if (signed) await add(world.reputation, validator, 'signed', 1n)
}

export async function recordProposal(world: World, validator: Address): Promise<void> {
  await add(world.reputation, validator, 'proposed', 1n)
  await add(world.reputation, validator, 'turns', 1n)
}

/** Coin earned: settlements, proposer parts and emission. For people; no rule reads it. */
export async function recordEarning(world: World, validator: Address, wei: bigint): Promise<void> {
  await add(world.reputation, validator, 'earnedWei', wei)
}

/** A settled certificate of `validator`. */
export async function recordCertificate(
  world: World,
  validator: Address,
  fee: bigint,
  burned: bigint,
): Promise<void> {
  await add(world.reputation, validator, 'doneWei', fee)
  await add(world.reputation, validator, 'ownBurn', burned)
  await add(world.reputation, validator, 'certificates', 1n)
}

/** A lease that `validator` held and let expire. */
export async function recordMiss(world: World, validator: Address, fee: bigint): Promise<void> {
  await add(world.reputation, validator, 'missedWei', fee)
  await add(world.reputation, validator, 'missed', 1n)
  const slot = place(validator, 'reputation')
  await world.reputation.put(slot, reputationAfterMiss(await world.reputation.get(slot)))
}
