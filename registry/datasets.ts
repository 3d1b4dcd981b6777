/**
 * Datasets: rows that jobs may train on, named by the Merkle root over them. The chain holds the
 * description; the rows are a blob.
 */

import type { Address } from '../primitives/address.ts'
import { utf8ToBytes } from '../primitives/bytes.ts'
import type { Hash } from '../primitives/hash.ts'
import { ok, type Result, refuse } from '../primitives/result.ts'
import {
  addressOfWord,
  getBytes,
  hashOfWord,
  listItem,
  listPush,
  putBytes,
  slotOf,
} from './layout.ts'
import type { World } from './records.ts'

export type Dataset = {
  /** Merkle root over the rows; the dataset's name everywhere. */
  readonly root: Hash
  readonly title: string
  /** Content hash of the blob that holds the rows. */
  readonly blob: Hash
  readonly rows: number
  readonly features: number
  readonly classes: number
  readonly owner: Address
}

export type DatasetFault =
  | { readonly code: 'registry/known'; readonly root: Hash }
  | { readonly code: 'registry/badTitle'; readonly length: bigint; readonly max: bigint }
  | { readonly code: 'registry/badShape'; readonly field: string; readonly got: bigint }

/** Bytes of a title in UTF-8. */
const maxTitleBytes = 64

const fields = ['owner', 'blob', 'rows', 'features', 'classes'] as const
const place = (root: Hash, field: (typeof fields)[number]): bigint =>
  slotOf('dataset', root) + BigInt(fields.indexOf(field))
const titlePlace = (root: Hash): bigint => slotOf('datasetTitle', root)

/** Register a dataset; returns its index in the list. */
export async function registerDataset(
  world: World,
  dataset: Dataset,
): Promise<Result<number, DatasetFault>> {
  const { root, title, blob, rows, features, classes, owner } = dataset
  const titleBytes = utf8ToBytes(title)
  if (titleBytes.length === 0 || titleBytes.length > maxTitleBytes)
    return refuse({
      code: 'registry/badTitle',
      length: BigInt(titleBytes.length),
      max: BigInt(maxTitleBytes),
    })
  for (const [field, got, min, max] of [
    ['rows', rows, 1, 2 ** 32 - 1],
    ['features', features, 1, 61_440],
    ['classes', classes, 2, 61_440],
  ] as const)
    if (got < min || got > max)
      return refuse({ code: 'registry/badShape', field, got: BigInt(got) })
  if ((await readDataset(world, root)) !== null) return refuse({ code: 'registry/known', root })

  const put = (field: (typeof fields)[number], value: bigint) =>
    world.registry.put(place(root, field), value)
  await put('owner', BigInt(owner))
  await put('blob', BigInt(blob))
  await put('rows', BigInt(rows))
  await put('features', BigInt(features))
  await put('classes', BigInt(classes))
  await putBytes(world.registry, titlePlace(root), titleBytes)
  return ok(await listPush(world.registry, BigInt(root), 'datasets'))
}

export async function readDataset(world: World, root: Hash): Promise<Dataset | null> {
  const get = (field: (typeof fields)[number]) => world.registry.get(place(root, field))
  const rows = Number(await get('rows'))
  if (rows === 0) return null
  const title = await getBytes(world.registry, titlePlace(root), maxTitleBytes)
  return {
    root,
    title: new TextDecoder().decode(title),
    blob: hashOfWord(await get('blob')),
    rows,
    features: Number(await get('features')),
    classes: Number(await get('classes')),
    owner: addressOfWord(await get('owner')),
  }
}

export async function datasetCount(world: World): Promise<number> {
  return Number(await world.registry.get(slotOf('datasets')))
}

/** Root of the dataset registered as number `index`. */
export async function datasetAt(world: World, index: number): Promise<Hash> {
  return hashOfWord(await listItem(world.registry, index, 'datasets'))
}
