/**
 * What reputation was at the end of each of the last epochs, for people; no rule reads it.
 */
import type { Address } from '../primitives/address.ts'
import { slotOf } from './layout.ts'
import type { World } from './records.ts'

/** Epochs whose end stays readable. */
export const keptHistory = 256

/** A validator as it was when `epoch` ended. */
export type EpochRecord = {
  readonly epoch: number
  readonly reputation: bigint
  /** `W`, gwei. */
  readonly work: bigint
  /** Gwei of emission that its certificates of the epoch brought. */
  readonly emission: bigint
}

const place = (validator: Address, epoch: number): bigint =>
  slotOf('history', validator, epoch % keptHistory)

/** One word: epoch + 1, reputation, emission and work, 48 + 40 + 64 + 96 bits. */
export async function recordEpoch(
  world: World,
  validator: Address,
  { epoch, reputation, work, emission }: EpochRecord,
): Promise<void> {
  const head = (BigInt(epoch + 1) << 40n) | reputation
  const tail = (clip(emission, 64n) << 96n) | clip(work, 96n)
  await world.reputation.put(place(validator, epoch), (head << 160n) | tail)
}

function clip(value: bigint, bits: bigint): bigint {
  const most = (1n << bits) - 1n
  return value < most ? value : most
}

/** The epochs of `from`, `from + 1`, …, at most `count`, that are kept. */
export async function readHistory(
  world: World,
  validator: Address,
  from: number,
  count: number,
): Promise<readonly EpochRecord[]> {
  const records: EpochRecord[] = []
  for (let epoch = from; epoch < from + Math.min(count, keptHistory); epoch++) {
    const word = await world.reputation.get(place(validator, epoch))
    const [head, tail] = [word >> 160n, BigInt.asUintN(160, word)]
    if (Number(head >> 40n) !== epoch + 1) continue
    const reputation = BigInt.asUintN(40, head)
    records.push({ epoch, reputation, emission: tail >> 96n, work: BigInt.asUintN(96, tail) })
  }
  return records
}
