/**
 * Collections: datasets that are valued beside each other. Who founds one says how they are to be judged:
 * a training run alike for all, and rows held out of a dataset that is none of them. It holds once the
 * owners of all of them have joined. Rules E-50 and E-57 of docs/spec/economy.md.
 */
import type { ChainParams } from '../params/chainParams.ts'
import type { Address } from '../primitives/address.ts'
import { uintBytes } from '../primitives/bytes.ts'
import { type Hash, hashOf, zeroHash } from '../primitives/hash.ts'
import { invariant, ok, type Result, refuse } from '../primitives/result.ts'
import { type AdmissionFault, admitJob } from './admission.ts'
import { type Dataset, readDataset, writeJoint } from './datasets.ts'
import { maxValued } from './dataValue.ts'
import { decodeJob, encodeJob, type HeldOut, type Job } from './job.ts'
import {
  addressOfWord,
  getBytes,
  hashOfWord,
  listItem,
  listItems,
  listLength,
  listPush,
  putBytes,
  slotOf,
} from './layout.ts'
import type { World } from './records.ts'

export type Collection = {
  /** Name of its datasets taken together: what jobs over all of them train on. */
  readonly name: Hash
  readonly founder: Address
  readonly rounds: number
  readonly datasets: readonly Hash[]
  /** Bit `i`: the owner of dataset `i` agreed. */
  readonly joined: number
  /** The block in which the last of them did; 0: not all have. */
  readonly agreedAt: bigint
  /** The block from which on values are known; 0: not yet. */
  readonly valuedAt: bigint
  /** In proportion to which its datasets are paid; empty until they are known. */
  readonly values: readonly bigint[]
}

export type CollectionFault =
  | AdmissionFault
  | { readonly code: 'registry/unknown'; readonly id: Hash }
  | { readonly code: 'registry/notOwner'; readonly owner: Address }
  | { readonly code: 'registry/badShape'; readonly field: string; readonly got: bigint }
  | { readonly code: 'registry/twice'; readonly dataset: Hash }
  | { readonly code: 'registry/alreadyAgreed'; readonly name: Hash }

/** A founding: how the datasets are to be judged, and which. */
export type Founding = {
  readonly title: string
  /** The jobs of the valuation, but for owner, price and what they train on. */
  readonly trial: Omit<Job, 'heldOut' | 'base' | 'lastRows'> & { readonly heldOut: HeldOut }
  readonly datasets: readonly Hash[]
  readonly rounds: number
}

/** Fewest rounds: with one alone, chance could not be told from a gain. */
const minRounds = 8
const maxRounds = 256
/** Bytes of a trial's canonical encoding; as many as a job's. */
const maxTrialBytes = 16_384

const fields = ['founder', 'rounds', 'joined', 'agreedAt', 'valuedAt', 'salt'] as const
const place = (name: Hash, field: (typeof fields)[number]): bigint =>
  slotOf('collection', name) + BigInt(fields.indexOf(field))
const beaconPlace = (name: Hash): bigint => slotOf('collectionBeacon', name)
const trialPlace = (name: Hash): bigint => slotOf('collectionTrial', name)

/** Found a collection; those of its datasets that are the founder's own have joined. Returns its name. */
export async function foundCollection(
  world: World,
  params: ChainParams,
  { title, trial, datasets: roots, rounds }: Founding,
  height: bigint,
): Promise<Result<Hash, CollectionFault>> {
  const datasets = await readAll(world, roots)
  if (!datasets.ok) return datasets
  const judged = await readDataset(world, trial.heldOut.dataset)
  if (judged === null) return refuse({ code: 'registry/unknown', id: trial.heldOut.dataset })
  const fault = foundingFault({ trial, rounds }, datasets.value, judged)
  if (fault !== null) return refuse(fault)
  const admitted = admitJob(trial, params)
  if (!admitted.ok) return admitted

  const index = await collectionCount(world)
  const bytes = encodeJob(trial)
  const salt = hashOf('waggle/collection/v1', uintBytes(index, 8), uintBytes(rounds, 4), bytes)
  const name = await writeJoint(world, title, salt, datasets.value)
  await putBytes(world.registry, trialPlace(name), bytes)
  await put(world, name, 'founder', BigInt(trial.owner))
  await put(world, name, 'rounds', BigInt(rounds))
  await put(world, name, 'salt', BigInt(salt))
  await listPush(world.registry, BigInt(name), 'collections')
  for (const root of roots) await listPush(world.registry, BigInt(root), 'collected', name)
  for (const owner of new Set([...datasets.value, judged].map((dataset) => dataset.owner)))
    await listPush(world.registry, BigInt(owner), 'barred', name)
  await join(world, name, datasets.value, trial.owner, height)
  return ok(name)
}

/** Agree, as its owner, to have a dataset valued in a collection. */
export async function joinCollection(
  world: World,
  name: Hash,
  root: Hash,
  caller: Address,
  height: bigint,
): Promise<Result<'joined', CollectionFault>> {
  const found = await readCollection(world, name)
  const index = found?.datasets.indexOf(root) ?? -1
  if (found === null || index === -1)
    return refuse({ code: 'registry/unknown', id: found === null ? name : root })
  if (found.agreedAt > 0n) return refuse({ code: 'registry/alreadyAgreed', name })
  const dataset = await readDataset(world, root)
  invariant(dataset !== null, `collection ${name}: a dataset is gone`)
  if (dataset.owner !== caller) return refuse({ code: 'registry/notOwner', owner: dataset.owner })
  const all = await readAll(world, found.datasets)
  invariant(all.ok, `collection ${name}: a dataset is gone`)
  await join(world, name, all.value, caller, height, 1 << index)
  return ok('joined')
}

/** Sets the bits of the datasets that are `owner`'s, or of those of them that `only` names. */
async function join(
  world: World,
  name: Hash,
  datasets: readonly Dataset[],
  owner: Address,
  height: bigint,
  only = -1,
): Promise<void> {
  const own = datasets.reduce((bits, one, i) => bits | (one.owner === owner ? 1 << i : 0), 0)
  const joined = Number(await get(world, name, 'joined')) | (own & only)
  await put(world, name, 'joined', BigInt(joined))
  if (joined === 2 ** datasets.length - 1) await put(world, name, 'agreedAt', height)
}

export async function readCollection(world: World, name: Hash): Promise<Collection | null> {
  const rounds = Number(await get(world, name, 'rounds'))
  if (rounds === 0) return null
  return {
    name,
    founder: addressOfWord(await get(world, name, 'founder')),
    rounds,
    datasets: (await listItems(world.registry, 'collected', name)).map(hashOfWord),
    joined: Number(await get(world, name, 'joined')),
    agreedAt: await get(world, name, 'agreedAt'),
    valuedAt: await get(world, name, 'valuedAt'),
    values: await valuesIn(world, name),
  }
}

/** In proportion to what the datasets of a collection are paid; empty until it is known. */
export function valuesIn(world: World, name: Hash): Promise<readonly bigint[]> {
  return listItems(world.registry, 'dataValues', name)
}

export async function recordValues(
  world: World,
  name: Hash,
  values: readonly bigint[],
  height: bigint,
): Promise<void> {
  await put(world, name, 'valuedAt', height)
  for (const value of values) await listPush(world.registry, value, 'dataValues', name)
}

/** How the datasets of a collection are judged. */
export async function readTrial(
  world: World,
  name: Hash,
): Promise<{ readonly trial: Job; readonly salt: Hash }> {
  const trial = decodeJob(await getBytes(world.registry, trialPlace(name), maxTrialBytes))
  invariant(trial.ok, `collection ${name}: stored bytes do not decode`)
  return { trial: trial.value, salt: hashOfWord(await get(world, name, 'salt')) }
}

/** Remember the beacon that drew the subsets of a collection. */
export async function keepBeacon(world: World, name: Hash, beacon: Hash): Promise<void> {
  await world.registry.put(beaconPlace(name), BigInt(beacon))
}

/** Null before the first trial. */
export async function keptBeacon(world: World, name: Hash): Promise<Hash | null> {
  const word = await world.registry.get(beaconPlace(name))
  return word === 0n ? null : hashOfWord(word)
}

/** Owners of the datasets of a collection and of the rows that judge them. */
export async function ownersIn(world: World, name: Hash): Promise<readonly Address[]> {
  return (await listItems(world.registry, 'barred', name)).map(addressOfWord)
}

export function collectionCount(world: World): Promise<number> {
  return listLength(world.registry, 'collections')
}

/** Name of the collection founded as number `index`. */
export async function collectionAt(world: World, index: number): Promise<Hash> {
  return hashOfWord(await listItem(world.registry, index, 'collections'))
}

function get(world: World, name: Hash, field: (typeof fields)[number]): Promise<bigint> {
  return world.registry.get(place(name, field))
}

function put(world: World, name: Hash, field: (typeof fields)[number], value: bigint) {
  return world.registry.put(place(name, field), value)
}

/** The datasets named `roots`: 2 to 8, each once, none of them made of others. */
async function readAll(
  world: World,
  roots: readonly Hash[],
): Promise<Result<readonly Dataset[], CollectionFault>> {
  if (roots.length < 2 || roots.length > maxValued) return badShape('datasets', roots.length)
  const found: Dataset[] = []
  for (const [i, root] of roots.entries()) {
    if (roots.indexOf(root) !== i) return refuse({ code: 'registry/twice', dataset: root })
    const dataset = await readDataset(world, root)
    if (dataset === null || dataset.joint !== undefined)
      return refuse({ code: 'registry/unknown', id: root })
    found.push(dataset)
  }
  return ok(found)
}

/** What keeps datasets from being compared by such trials. */
function foundingFault(
  { trial, rounds }: Pick<Founding, 'trial' | 'rounds'>,
  datasets: readonly Dataset[],
  judged: Dataset,
): CollectionFault | null {
  const shape = (field: string, got: number) =>
    ({ code: 'registry/badShape', field, got: BigInt(got) }) as const
  const { heldOut, layers, batch } = trial
  if (rounds < minRounds || rounds > maxRounds) return shape('rounds', rounds)
  if (trial.dataset !== zeroHash) return shape('dataset', 1)
  if (datasets.some(({ root }) => root === heldOut.dataset))
    return { code: 'registry/twice', dataset: heldOut.dataset }
  if (heldOut.rows > judged.rows) return shape('heldOut', heldOut.rows)
  if (datasets.reduce((sum, { rows }) => sum + rows, 0) >= 2 ** 32) return shape('rows', 2 ** 32)
  const [inputs = 0, outputs = 0] = [layers[0], layers.at(-1)]
  for (const { features, classes, rows } of [...datasets, { ...judged, rows: batch }]) {
    if (features !== inputs) return shape('features', features)
    if (classes !== datasets[0]!.classes || classes > outputs) return shape('classes', classes)
    // Each of them is trained on alone, too.
    if (rows < batch) return shape('batch', batch)
  }
  return null
}

function badShape(field: string, got: number) {
  return refuse({ code: 'registry/badShape', field, got: BigInt(got) } as const)
}
