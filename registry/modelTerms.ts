/**
 * Terms of a model: what a copy costs, and what its owner gets of jobs that start from its weights. The
 * owner of the job that trains it sets them, before or after it is finished. Rules E-43 to E-46 of
 * docs/spec/economy.md.
 */
import { moduleAddresses } from '../params/protocol.ts'
import type { Address } from '../primitives/address.ts'
import type { Hash } from '../primitives/hash.ts'
import { ok, type Result, refuse } from '../primitives/result.ts'
import { maxPrice } from './datasetTerms.ts'
import { readJob } from './jobRecord.ts'
import { slotOf } from './layout.ts'
import { type LicenceFault, licenceFault, readLicence, writeLicence } from './licence.ts'
import { readModel } from './models.ts'
import type { World } from './records.ts'

export type ModelTerms = {
  /** Wei of a copy; 0: anyone may download it. */
  readonly price: bigint
  /** Of the fees of jobs that start from it, on top of them. */
  readonly royaltyBasisPoints: number
  readonly licence: string
}

export type ModelTermsFault =
  | LicenceFault
  | { readonly code: 'registry/unknown'; readonly id: Hash }
  | { readonly code: 'registry/notOwner'; readonly owner: Address }
  | { readonly code: 'registry/badPrice'; readonly got: bigint; readonly max: bigint }
  | { readonly code: 'registry/badRoyalty'; readonly got: bigint; readonly max: bigint }

export type PurchaseFault =
  | { readonly code: 'registry/unknown'; readonly id: Hash }
  | { readonly code: 'registry/notForSale'; readonly model: Hash }
  | { readonly code: 'registry/wrongPrice'; readonly required: bigint; readonly got: bigint }
  | { readonly code: 'registry/alreadyBought'; readonly buyer: Address }

/** 20 %: eight ancestors at most add 1.6 times the fee. */
const maxRoyalty = 2_000

const pricePlace = (model: Hash): bigint => slotOf('modelTerms', model)
const royaltyPlace = (model: Hash): bigint => slotOf('modelTerms', model) + 1n
const soldPlace = (model: Hash): bigint => slotOf('modelTerms', model) + 2n
const boughtPlace = (model: Hash, buyer: Address): bigint => slotOf('bought', model, buyer)

/** What the owner asks now; a model whose owner never said is free. */
export async function readModelTerms(world: World, model: Hash): Promise<ModelTerms> {
  return {
    price: await world.registry.get(pricePlace(model)),
    royaltyBasisPoints: Number(await world.registry.get(royaltyPlace(model))),
    licence: await readLicence(world, model),
  }
}

export async function setModelTerms(
  world: World,
  model: Hash,
  terms: ModelTerms,
  caller: Address,
): Promise<Result<'set', ModelTermsFault>> {
  const record = await readJob(world, model)
  if (record === null) return refuse({ code: 'registry/unknown', id: model })
  const { owner } = record.job
  if (owner !== caller) return refuse({ code: 'registry/notOwner', owner })
  const { price, royaltyBasisPoints, licence } = terms
  if (price > maxPrice) return refuse({ code: 'registry/badPrice', got: price, max: maxPrice })
  if (royaltyBasisPoints > maxRoyalty) {
    const got = BigInt(royaltyBasisPoints)
    return refuse({ code: 'registry/badRoyalty', got, max: BigInt(maxRoyalty) })
  }
  const fault = licenceFault(licence)
  if (fault !== null) return refuse(fault)
  await world.registry.put(pricePlace(model), price)
  await world.registry.put(royaltyPlace(model), BigInt(royaltyBasisPoints))
  await writeLicence(world, model, licence)
  return ok('set')
}

/** What a purchase paid, and to whom. */
export type Purchase = { readonly owner: Address; readonly price: bigint }

/** Buy a copy. `wei` came with the call and is in the module's account: the price, to the wei. */
export async function buyModel(
  world: World,
  model: Hash,
  buyer: Address,
  wei: bigint,
): Promise<Result<Purchase, PurchaseFault>> {
  const found = await readModel(world, model)
  if (found === null) return refuse({ code: 'registry/unknown', id: model })
  const { owner } = found
  const { price } = await readModelTerms(world, model)
  if (price === 0n) return refuse({ code: 'registry/notForSale', model })
  if (await hasBought(world, model, buyer)) return refuse({ code: 'registry/alreadyBought', buyer })
  if (wei !== price) return refuse({ code: 'registry/wrongPrice', required: price, got: wei })
  await world.purse.transfer(moduleAddresses.registry, owner, price)
  await world.registry.put(boughtPlace(model, buyer), 1n)
  await world.registry.put(soldPlace(model), (await copiesSold(world, model)) + 1n)
  return ok({ owner, price })
}

export async function hasBought(world: World, model: Hash, buyer: Address): Promise<boolean> {
  return (await world.registry.get(boughtPlace(model, buyer))) === 1n
}

export function copiesSold(world: World, model: Hash): Promise<bigint> {
  return world.registry.get(soldPlace(model))
}
