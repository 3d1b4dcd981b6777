/**
 * Datasets, models, validators and their service as the server sees them.
 */

import type { Chain } from '../chain/chain.ts'
import { decodeCommit } from '../chain/commit.ts'
import { type Supply, supplyAt } from '../chain/supply.ts'
import { lightBlockAt } from '../consensus/lightBlockAt.ts'
import type { Address } from '../primitives/address.ts'
import { toHex } from '../primitives/bytes.ts'
import type { Hash } from '../primitives/hash.ts'
import { invariant } from '../primitives/result.ts'
import {
  type Dataset,
  datasetAt,
  datasetCount,
  partsOf,
  readDataset,
} from '../registry/datasets.ts'
import { listedAt, listedCount, readDatasetTerms } from '../registry/datasetTerms.ts'
import { isSetKept, validatorSetAt } from '../registry/epochSets.ts'
import { readCharges } from '../registry/jobCharges.ts'
import { readJob } from '../registry/jobRecord.ts'
import { type Model, modelAt, modelCount, readModel } from '../registry/models.ts'
import { copiesSold, readModelTerms } from '../registry/modelTerms.ts'
import type { World } from '../registry/records.ts'
import { readService } from '../registry/service.ts'
import { readStake } from '../registry/stakes.ts'
import { epochOf, totalPower, validatorSetHash } from '../registry/validatorSet.ts'
import { type CollectionViews, createCollectionViews } from './collectionView.ts'
import { pageOf, worldOf } from './headState.ts'
import type { RpcBlobs } from './modules.ts'
import type {
  DatasetView,
  DataViews,
  ModelView,
  RepViews,
  ServiceView,
  ValViews,
} from './workViews.ts'

export type DataViewModules = { readonly chain: Chain; readonly blobs: Pick<RpcBlobs, 'size'> }

export type ValViewModules = {
  readonly chain: Chain
  /** Consensus knows who proposes; null where the set is not known yet. */
  readonly proposer: ValViews['proposer']
}

/** Ancestors that one answer tells. */
const maxAncestors = 32

export function createDataViews({ chain, blobs }: DataViewModules): DataViews & CollectionViews {
  /** Of all its parts; null where one of them is not here. */
  async function sizeOf(dataset: Dataset): Promise<number | null> {
    let total = 0
    for (const { blob } of partsOf(dataset)) {
      const size = await blobs.size(blob)
      if (size === null) return null
      total += size
    }
    return total
  }
  const withSize = async (world: World, dataset: Dataset): Promise<DatasetView> => ({
    ...dataset,
    size: await sizeOf(dataset),
    terms: {
      ...(await readDatasetTerms(world, dataset.root)),
      listed: await listedCount(world, dataset.root),
    },
  })
  const termsOf = async (world: World, model: Hash) => ({
    ...(await readModelTerms(world, model)),
    sold: await copiesSold(world, model),
  })
  const modelWithSize = async (world: World, model: Model): Promise<ModelView> => ({
    ...model,
    size: await blobs.size(model.weights),
    terms: await termsOf(world, model.job),
  })

  async function ancestorsOf(world: World, base: Hash | undefined): Promise<readonly Model[]> {
    const found: Model[] = []
    for (let next = base ?? null; next !== null && found.length < maxAncestors; ) {
      const model = await readModel(world, next)
      if (model === null) break
      found.push(model)
      next = model.parent
    }
    return found
  }

  return {
    ...createCollectionViews({ chain }),
    dataset: async (root) => {
      const world = await worldOf(chain)
      const found = await readDataset(world, root)
      return found === null ? null : withSize(world, found)
    },
    datasets: async (window) => {
      const world = await worldOf(chain)
      return pageOf(await datasetCount(world), window, async (at) =>
        withSize(world, (await readDataset(world, await datasetAt(world, at)))!),
      )
    },
    model: async (job) => {
      const world = await worldOf(chain)
      const found = await readModel(world, job)
      return found === null ? null : modelWithSize(world, found)
    },
    models: async (window) => {
      const world = await worldOf(chain)
      return pageOf(await modelCount(world), window, async (at) =>
        modelWithSize(world, (await readModel(world, await modelAt(world, at)))!),
      )
    },
    lineage: async (id) => {
      const world = await worldOf(chain)
      const record = await readJob(world, id)
      if (record === null) return null
      return {
        ...(await readCharges(world, id)),
        terms: await termsOf(world, id),
        ancestors: await ancestorsOf(world, record.job.base),
      }
    },
    allowed: async (root, window) => {
      const world = await worldOf(chain)
      return pageOf(await listedCount(world, root), window, (at) => listedAt(world, root, at))
    },
  }
}

export function createValViews({ chain, proposer }: ValViewModules): ValViews {
  const epoch = () => epochOf(chain.head().height, chain.rules.params.epochLength)
  const { engine } = chain.rules
  let counted: { height: bigint; supply: Promise<Supply>; done: boolean } | null = null

  return {
    epoch,
    supply: () => {
      const head = chain.head()
      // Every account is walked: one walk at a time, whoever asks and however fast blocks come.
      if (counted === null || (counted.done && counted.height !== head.height)) {
        const walk = {
          height: head.height,
          supply: supplyAt(engine, chain.genesis, head),
          done: false,
        }
        const finish = () => {
          walk.done = true
        }
        walk.supply.then(finish, finish)
        counted = walk
      }
      return counted.supply
    },
    proposer,
    set: async (at) => {
      const world = await worldOf(chain)
      if (!(await isSetKept(world, at))) return null
      const set = await validatorSetAt(world, at)
      return { ...set, hash: validatorSetHash(set), totalPower: totalPower(set) }
    },
    validator: async (address) => {
      const { validators } = await validatorSetAt(await worldOf(chain), epoch())
      return validators.find((validator) => validator.address === address) ?? null
    },
    commit: async (height) => {
      const bytes = await chain.commitAt(height)
      const decoded = bytes === null ? null : decodeCommit(bytes)
      if (decoded === null) return null
      invariant(decoded.ok, `workView: commit of block ${height} is damaged`)
      const { bitmap, signature, ...rest } = decoded.value
      return { ...rest, bitmap: toHex(bitmap), signature: toHex(signature) }
    },
    lightBlock: async (height) => {
      const bytes = await lightBlockAt(chain, height)
      return bytes === null ? null : toHex(bytes)
    },
  }
}

export function createRepViews({ chain }: { readonly chain: Chain }): RepViews {
  const view = async (world: World, address: Address): Promise<ServiceView> => ({
    address,
    ...(await readService(world, address)),
  })

  return {
    service: async (address) => {
      const world = await worldOf(chain)
      return (await readStake(world, address)) === null ? null : view(world, address)
    },
    participation: async () => {
      const world = await worldOf(chain)
      const epoch = epochOf(chain.head().height, chain.rules.params.epochLength)
      const { validators } = await validatorSetAt(world, epoch)
      const views: ServiceView[] = []
      for (const { address } of validators) views.push(await view(world, address))
      return views
    },
  }
}
