/**
 * Models: finished jobs' weights with their lineage, named by the job that made them.
 */
import type { Address } from '../primitives/address.ts'
import type { Hash } from '../primitives/hash.ts'
import { addressOfWord, hashOfWord, listItem, listPush, slotOf } from './layout.ts'
import type { World } from './records.ts'

export type Model = {
  /** The job that trained it; the model's name. */
  readonly job: Hash
  readonly dataset: Hash
  readonly owner: Address
  /** Content hash of the final weights' blob. */
  readonly weights: Hash
  /** Commitment to the final weights. */
  readonly commitment: Hash
  readonly height: bigint
  /** The model whose weights it was trained from; null: from random ones. */
  readonly parent: Hash | null
}

const fields = ['dataset', 'owner', 'weights', 'commitment', 'height', 'parent'] as const
const place = (job: Hash, field: (typeof fields)[number]): bigint =>
  slotOf('model', job) + BigInt(fields.indexOf(field))

/** Register what a finished job made. */
export async function registerModel(world: World, model: Model): Promise<void> {
  for (const field of fields)
    await world.registry.put(place(model.job, field), BigInt(model[field] ?? 0))
  await listPush(world.registry, BigInt(model.job), 'models')
}

export async function readModel(world: World, job: Hash): Promise<Model | null> {
  const get = (field: (typeof fields)[number]) => world.registry.get(place(job, field))
  const height = await get('height')
  if (height === 0n) return null
  const parent = await get('parent')
  return {
    job,
    dataset: hashOfWord(await get('dataset')),
    owner: addressOfWord(await get('owner')),
    weights: hashOfWord(await get('weights')),
    commitment: hashOfWord(await get('commitment')),
    height,
    parent: parent === 0n ? null : hashOfWord(parent),
  }
}

export async function modelCount(world: World): Promise<number> {
  return Number(await world.registry.get(slotOf('models')))
}

/** Name of the model registered as number `index`. */
export async function modelAt(world: World, index: number): Promise<Hash> {
  return hashOfWord(await listItem(world.registry, index, 'models'))
}
