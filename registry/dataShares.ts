/**
 * Who gets the datasets' part of a fee. Rules E-1, E-55 and E-59 of docs/spec/economy.md.
 */
import type { Address } from '../primitives/address.ts'
import type { Hash } from '../primitives/hash.ts'
import { valuesIn } from './collections.ts'
import { partsOf, readDataset } from './datasets.ts'
import { shareByValue } from './dataValue.ts'
import type { World } from './records.ts'
import { collectionOf } from './trials.ts'

export type DataShare = { readonly dataset: Hash; readonly owner: Address; readonly wei: bigint }

/**
 * Shares of `wei` for the owners of the rows that `job` trains on: by value where they are several,
 * nothing for those that are only being valued. What is left over is the caller's to burn.
 */
export async function dataShares(
  world: World,
  job: { readonly id: Hash; readonly dataset: Hash },
  wei: bigint,
): Promise<readonly DataShare[]> {
  const dataset = await readDataset(world, job.dataset)
  if (dataset === null || (await collectionOf(world, job.id)) !== null) return []
  const parts = partsOf(dataset)
  const joint = dataset.joint !== undefined
  const shares = joint ? shareByValue(wei, await valuesIn(world, job.dataset)) : [wei]
  return parts.map(({ root, owner }, i) => ({ dataset: root, owner, wei: shares[i] ?? 0n }))
}
