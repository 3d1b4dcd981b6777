/**
 * Datasets: rows that jobs may train on, named by the Merkle root over them. The chain holds the
 * description; the rows are a blob, or those of several datasets.
 */

import { type Address, zeroAddress } from '../primitives/address.ts'
import { utf8ToBytes } from '../primitives/bytes.ts'
import { type Hash, zeroHash } from '../primitives/hash.ts'
import { invariant, ok, type Result, refuse } from '../primitives/result.ts'
import { jointName } from './jointName.ts'
import {
  addressOfWord,
  getBytes,
  hashOfWord,
  listItem,
  listItems,
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
  /** The datasets whose rows it has, one after the other; absent: rows of its own. */
  readonly joint?: Joint
}

/** What a joint dataset is made of. It has no blob and no owner of its own. */
export type Joint = { readonly salt: Hash; readonly parts: readonly Dataset[] }

/** Where a dataset's rows lie: in one blob, or in those of its parts, in their order. */
export type RowBlobs = {
  /** Zero where there are parts. */
  readonly datasetBlob: Hash
  readonly joint?: {
    readonly salt: Hash
    readonly parts: readonly { readonly root: Hash; readonly blob: Hash }[]
  }
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
/** Zero for datasets that have rows of their own. */
const saltPlace = (root: Hash): bigint => slotOf('jointSalt', root)

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

  await write(world, { root, title, blob, rows, features, classes, owner })
  return ok(await listPush(world.registry, BigInt(root), 'datasets'))
}

/**
 * Know the rows of `parts`, one after the other, as a dataset too; returns its name. The caller has seen
 * that the parts are alike and have fewer than 2^32 rows. It is not in the list of datasets.
 */
export async function writeJoint(
  world: World,
  title: string,
  salt: Hash,
  parts: readonly Dataset[],
): Promise<Hash> {
  const root = jointName(salt, parts)
  if ((await world.registry.get(saltPlace(root))) !== 0n) return root
  const rows = parts.reduce((sum, part) => sum + part.rows, 0)
  const { features, classes } = parts[0]!
  await write(world, { root, title, blob: zeroHash, rows, features, classes, owner: zeroAddress })
  await world.registry.put(saltPlace(root), BigInt(salt))
  for (const part of parts) await listPush(world.registry, BigInt(part.root), 'jointParts', root)
  return root
}

async function write(world: World, dataset: Dataset): Promise<void> {
  const { root, title } = dataset
  for (const field of fields) await world.registry.put(place(root, field), BigInt(dataset[field]))
  await putBytes(world.registry, titlePlace(root), utf8ToBytes(title))
}

export async function readDataset(world: World, root: Hash): Promise<Dataset | null> {
  const get = (field: (typeof fields)[number]) => world.registry.get(place(root, field))
  const rows = Number(await get('rows'))
  if (rows === 0) return null
  const title = await getBytes(world.registry, titlePlace(root), maxTitleBytes)
  const owner = addressOfWord(await get('owner'))
  const joint = owner === zeroAddress ? await readJoint(world, root) : null
  return {
    root,
    title: new TextDecoder().decode(title),
    blob: hashOfWord(await get('blob')),
    rows,
    features: Number(await get('features')),
    classes: Number(await get('classes')),
    owner,
    ...(joint === null ? {} : { joint }),
  }
}

async function readJoint(world: World, root: Hash): Promise<Joint | null> {
  const salt = await world.registry.get(saltPlace(root))
  if (salt === 0n) return null
  const parts: Dataset[] = []
  for (const word of await listItems(world.registry, 'jointParts', root)) {
    const part = await readDataset(world, hashOfWord(word))
    invariant(part !== null, `dataset ${root}: a part is gone`)
    parts.push(part)
  }
  return { salt: hashOfWord(salt), parts }
}

/** The datasets that rows come from: a dataset itself, or its parts. */
export function partsOf(dataset: Dataset): readonly Dataset[] {
  return dataset.joint?.parts ?? [dataset]
}

/** Where a dataset's rows lie. */
export function rowBlobsOf({ blob, joint }: Dataset): RowBlobs {
  return { datasetBlob: blob, ...(joint === undefined ? {} : { joint }) }
}

export async function datasetCount(world: World): Promise<number> {
  return Number(await world.registry.get(slotOf('datasets')))
}

/** Root of the dataset registered as number `index`. */
export async function datasetAt(world: World, index: number): Promise<Hash> {
  return hashOfWord(await listItem(world.registry, index, 'datasets'))
}
