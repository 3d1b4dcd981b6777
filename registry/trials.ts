/**
 * Which jobs are trials of a collection's valuation. Rules E-58 and E-59 of docs/spec/economy.md.
 */
import type { Address } from '../primitives/address.ts'
import type { Hash } from '../primitives/hash.ts'
import { keptBeacon, ownersIn } from './collections.ts'
import { hashOfWord, slotOf } from './layout.ts'
import type { World } from './records.ts'

const place = (job: Hash): bigint => slotOf('trialOf', job)

export async function markTrial(world: World, job: Hash, collection: Hash): Promise<void> {
  await world.jobs.put(place(job), BigInt(collection))
}

/** The collection whose valuation a job is a trial of; null: it is none. */
export async function collectionOf(world: World, job: Hash): Promise<Hash | null> {
  const word = await world.jobs.get(place(job))
  return word === 0n ? null : hashOfWord(word)
}

/**
 * The seed of a trial's training, the same for all of a valuation: who tries a subset again gets the same
 * weights, and trials differ in their rows alone. Null: the job is no trial.
 */
export async function trialSeed(world: World, job: Hash): Promise<Hash | null> {
  const collection = await collectionOf(world, job)
  return collection === null ? null : keptBeacon(world, collection)
}

/** Who may not hold a lease of a job: of a trial, the owners of what it values and is judged by. */
export async function barredFrom(world: World, job: Hash): Promise<readonly Address[]> {
  const collection = await collectionOf(world, job)
  return collection === null ? [] : ownersIn(world, collection)
}
