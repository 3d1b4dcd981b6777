/**
 * Collections of datasets and their valuation as the server sees them.
 */
import type { Chain } from '../chain/chain.ts'
import type { Hash } from '../primitives/hash.ts'
import { invariant } from '../primitives/result.ts'
import {
  type Collection,
  collectionAt,
  collectionCount,
  readCollection,
  readTrial,
} from '../registry/collections.ts'
import { readDataset } from '../registry/datasets.ts'
import type { Job } from '../registry/job.ts'
import type { World } from '../registry/records.ts'
import { type Trial, trialsOf } from '../registry/valuation.ts'
import { pageOf, worldOf } from './headState.ts'
import type { Page, Window } from './workViews.ts'

/** Named datasets, and together how many rows they have. */
type CollectionEntry = Collection & { readonly title: string; readonly rows: number }

export type CollectionView = CollectionEntry & {
  /** What the trials have in common; its price is the least that one may offer. */
  readonly trial: Job
  /** What has to be trained, and how far it is; empty until it is drawn. */
  readonly trials: readonly Trial[]
}

export type CollectionViews = {
  readonly collection: (name: Hash) => Promise<CollectionView | null>
  readonly collections: (window: Window) => Promise<Page<CollectionEntry>>
}

export function createCollectionViews({ chain }: { readonly chain: Chain }): CollectionViews {
  async function entryOf(world: World, name: Hash): Promise<CollectionEntry | null> {
    const found = await readCollection(world, name)
    if (found === null) return null
    const joint = await readDataset(world, name)
    invariant(joint !== null, `collection ${name}: is a dataset`)
    return { ...found, title: joint.title, rows: joint.rows }
  }

  return {
    collection: async (name) => {
      const world = await worldOf(chain)
      const entry = await entryOf(world, name)
      if (entry === null) return null
      const { trial } = await readTrial(world, name)
      return { ...entry, trial, trials: await trialsOf(world, name, chain.head().height) }
    },
    collections: async (window) => {
      const world = await worldOf(chain)
      return pageOf(await collectionCount(world), window, async (at) => {
        const entry = await entryOf(world, await collectionAt(world, at))
        invariant(entry !== null, 'collections: what is listed is there')
        return entry
      })
    },
  }
}
