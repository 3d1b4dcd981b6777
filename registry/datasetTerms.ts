/**
 * Terms of a dataset: what its owner asks of jobs that train on it, and whose jobs may. They hold for
 * jobs that are opened from then on. Rules E-40 to E-42 of docs/spec/economy.md.
 */
import type { Address } from '../primitives/address.ts'
import type { Hash } from '../primitives/hash.ts'
import { ok, type Result, refuse } from '../primitives/result.ts'
import { type Dataset, readDataset } from './datasets.ts'
import { addressOfWord, listItem, listLength, listPush, listRemoveAt, slotOf } from './layout.ts'
import { type LicenceFault, licenceFault, readLicence, writeLicence } from './licence.ts'
import type { World } from './records.ts'

export type DatasetTerms = {
  /** Wei for each row that a step draws, on top of the dataset's part of the fee. */
  readonly rowPrice: bigint
  /** An SPDX expression, or empty: none is stated. */
  readonly licence: string
  /** Only the owner and the accounts on its list may train on it. */
  readonly listedOnly: boolean
}

export type DatasetTermsFault =
  | LicenceFault
  | { readonly code: 'registry/unknown'; readonly id: Hash }
  | { readonly code: 'registry/notOwner'; readonly owner: Address }
  | { readonly code: 'registry/badPrice'; readonly got: bigint; readonly max: bigint }
  | { readonly code: 'registry/listFull'; readonly max: bigint }

/** Most wei that one row, or one model, may cost. */
export const maxPrice: bigint = (1n << 96n) - 1n

/** Accounts on the list of one dataset. */
export const maxListed = 256

const pricePlace = (root: Hash): bigint => slotOf('datasetTerms', root)
const listedOnlyPlace = (root: Hash): bigint => slotOf('datasetTerms', root) + 1n
/** One more than the account's place in the list; 0: it is not there. */
const listedPlace = (root: Hash, account: Address): bigint => slotOf('listed', root, account)

/** What the owner asks now; a dataset whose owner never said is free and open to all. */
export async function readDatasetTerms(world: World, root: Hash): Promise<DatasetTerms> {
  return {
    rowPrice: await world.registry.get(pricePlace(root)),
    licence: await readLicence(world, root),
    listedOnly: (await world.registry.get(listedOnlyPlace(root))) === 1n,
  }
}

export async function setDatasetTerms(
  world: World,
  root: Hash,
  terms: DatasetTerms,
  caller: Address,
): Promise<Result<'set', DatasetTermsFault>> {
  const owned = await ownedBy(world, root, caller)
  if (!owned.ok) return owned
  const { rowPrice, licence, listedOnly } = terms
  if (rowPrice > maxPrice)
    return refuse({ code: 'registry/badPrice', got: rowPrice, max: maxPrice })
  const fault = licenceFault(licence)
  if (fault !== null) return refuse(fault)
  await world.registry.put(pricePlace(root), rowPrice)
  await world.registry.put(listedOnlyPlace(root), listedOnly ? 1n : 0n)
  await writeLicence(world, root, licence)
  return ok('set')
}

/** Put `account` on the dataset's list, or take it off; no change where it is as asked already. */
export async function allowAccount(
  world: World,
  root: Hash,
  account: Address,
  allowed: boolean,
  caller: Address,
): Promise<Result<'set', DatasetTermsFault>> {
  const owned = await ownedBy(world, root, caller)
  if (!owned.ok) return owned
  const place = await world.registry.get(listedPlace(root, account))
  if (allowed === place > 0n) return ok('set')
  if (allowed) {
    if ((await listedCount(world, root)) >= maxListed)
      return refuse({ code: 'registry/listFull', max: BigInt(maxListed) })
    const index = await listPush(world.registry, BigInt(account), 'listed', root)
    await world.registry.put(listedPlace(root, account), BigInt(index) + 1n)
    return ok('set')
  }
  const last = await listedAt(world, root, (await listedCount(world, root)) - 1)
  await listRemoveAt(world.registry, Number(place) - 1, 'listed', root)
  await world.registry.put(listedPlace(root, last), place)
  await world.registry.put(listedPlace(root, account), 0n)
  return ok('set')
}

/** Whether `account` may open jobs that read the dataset's rows; of a joint one, those of all its parts. */
export async function mayTrain(world: World, dataset: Dataset, account: Address): Promise<boolean> {
  const { root, owner, joint } = dataset
  for (const part of joint?.parts ?? []) if (!(await mayTrain(world, part, account))) return false
  if (account === owner || (await world.registry.get(listedOnlyPlace(root))) !== 1n) return true
  return (await world.registry.get(listedPlace(root, account))) > 0n
}

export function listedCount(world: World, root: Hash): Promise<number> {
  return listLength(world.registry, 'listed', root)
}

export async function listedAt(world: World, root: Hash, index: number): Promise<Address> {
  return addressOfWord(await listItem(world.registry, index, 'listed', root))
}

async function ownedBy(
  world: World,
  root: Hash,
  caller: Address,
): Promise<Result<Dataset, DatasetTermsFault>> {
  const dataset = await readDataset(world, root)
  if (dataset === null) return refuse({ code: 'registry/unknown', id: root })
  if (dataset.owner !== caller) return refuse({ code: 'registry/notOwner', owner: dataset.owner })
  return ok(dataset)
}
