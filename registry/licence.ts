/**
 * The licence of a dataset or a model, as its owner states it: an SPDX expression such as
 * `CC-BY-4.0 OR MIT`. The chain keeps the text; what it means is between people.
 */
import { utf8ToBytes } from '../primitives/bytes.ts'
import type { Hash } from '../primitives/hash.ts'
import { getBytes, putBytes, slotOf } from './layout.ts'
import type { World } from './records.ts'

export type LicenceFault = {
  readonly code: 'registry/badLicence'
  /** Characters. */
  readonly length: bigint
  readonly max: bigint
}

const maxLength = 64
/** What SPDX expressions are written with. */
const characters = /^[A-Za-z0-9.+:() -]*$/

/** Null for a text that may stand; too long, or with other characters, otherwise. */
export function licenceFault(licence: string): LicenceFault | null {
  return licence.length <= maxLength && characters.test(licence)
    ? null
    : { code: 'registry/badLicence', length: BigInt(licence.length), max: BigInt(maxLength) }
}

const place = (of: Hash): bigint => slotOf('licence', of)

/** @param of - a dataset's root, or the job that names a model. */
export async function writeLicence(world: World, of: Hash, licence: string): Promise<void> {
  await putBytes(world.registry, place(of), utf8ToBytes(licence))
}

export async function readLicence(world: World, of: Hash): Promise<string> {
  return new TextDecoder().decode(await getBytes(world.registry, place(of), maxLength))
}
