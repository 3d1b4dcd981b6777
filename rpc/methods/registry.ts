/**
 * `data_`, `val_` and `rep_` methods: datasets and models, validators, reputation.
 */
import { ok } from '../../primitives/result.ts'
import { tagNumber } from '../blocks.ts'
import { type Methods, method } from '../method.ts'
import type { RpcModules } from '../modules.ts'
import { addressSchema, blockNumberSchema, countSchema, hashSchema } from '../schemas.ts'
import { quantity, toWire } from '../wire.ts'
import { windowSchema } from './train.ts'

export function dataMethods({ data }: Pick<RpcModules, 'data'>): Methods {
  return {
    data_getDataset: method({ dataset: hashSchema }, async ({ dataset }) =>
      ok(toWire(await data.dataset(dataset))),
    ),
    data_listDatasets: method({ page: windowSchema }, async ({ page }) =>
      ok(toWire(await data.datasets(page))),
    ),
    data_getCollection: method({ collection: hashSchema }, async ({ collection }) =>
      ok(toWire(await data.collection(collection))),
    ),
    data_listCollections: method({ page: windowSchema }, async ({ page }) =>
      ok(toWire(await data.collections(page))),
    ),
    data_getModel: method({ job: hashSchema }, async ({ job }) =>
      ok(toWire(await data.model(job))),
    ),
    data_listModels: method({ page: windowSchema }, async ({ page }) =>
      ok(toWire(await data.models(page))),
    ),
    data_getLineage: method({ job: hashSchema }, async ({ job }) =>
      ok(toWire(await data.lineage(job))),
    ),
    data_listAllowed: method({ dataset: hashSchema, page: windowSchema }, async (list) =>
      ok(toWire(await data.allowed(list.dataset, list.page))),
    ),
  }
}

export function valMethods({ val, chain }: Pick<RpcModules, 'val' | 'chain'>): Methods {
  const epoch = countSchema(2 ** 48).nullish()
  const block = blockNumberSchema.nullish()

  return {
    val_getSupply: method({}, async () => ok(toWire(await val.supply()))),
    val_epoch: method({}, async () => ok(quantity(val.epoch()))),
    val_getSet: method({ epoch }, async (at) => ok(toWire(await val.set(at.epoch ?? val.epoch())))),
    val_getValidator: method({ address: addressSchema }, async ({ address }) =>
      ok(toWire(await val.validator(address))),
    ),
    val_getProposer: method(
      { block, round: countSchema(2 ** 16).nullish() },
      async ({ block: ref, round }) => ok(await val.proposer(numberOf(ref, 1n), round ?? 0)),
    ),
    val_getCommit: method({ block }, async ({ block: ref }) =>
      ok(toWire(await val.commit(numberOf(ref, 0n)))),
    ),
    val_getLightBlock: method({ block }, async ({ block: ref }) =>
      ok(await val.lightBlock(numberOf(ref, 0n))),
    ),
  }

  /** @param ahead - where nothing is said: the head plus this. */
  function numberOf(ref: Parsed, ahead: bigint): bigint {
    if (ref === null || ref === undefined) return chain.head() + ahead
    if (ref.by === 'number') return ref.number < maxHeight ? ref.number : maxHeight
    return tagNumber(chain, ref.by === 'tag' ? ref.tag : 'latest')
  }
}

/** Above every block, and still a height. */
const maxHeight = 2n ** 64n - 1n

type Parsed = ReturnType<typeof blockNumberSchema.parse> | null | undefined

export function repMethods({ rep }: Pick<RpcModules, 'rep'>): Methods {
  return {
    rep_getService: method({ address: addressSchema }, async ({ address }) =>
      ok(toWire(await rep.service(address))),
    ),
    rep_listParticipation: method({}, async () => ok(toWire(await rep.participation()))),
  }
}
