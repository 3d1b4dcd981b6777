/**
 * Terms of datasets and models in a few words.
 */
import type { DatasetWire, ModelWire } from '../../client/wire.ts'
import { coinsText, num } from './format.ts'

export function datasetTermsText({
  rowPrice,
  licence,
  listedOnly,
  listed,
}: DatasetWire['terms']): string {
  const price = BigInt(rowPrice) === 0n ? 'free' : `${coinsText(BigInt(rowPrice))} coins a row`
  return [price, licence, listedOnly ? `${num(listed)} listed accounts` : 'open to all']
    .filter((part) => part !== '')
    .join(', ')
}

export function modelTermsText({ price, royaltyBasisPoints, licence }: ModelWire['terms']): string {
  const royalty = num(royaltyBasisPoints)
  return [
    BigInt(price) === 0n ? 'free' : `${coinsText(BigInt(price))} coins a copy`,
    royalty === 0 ? '' : `royalty ${royalty / 100} %`,
    licence,
  ]
    .filter((part) => part !== '')
    .join(', ')
}
