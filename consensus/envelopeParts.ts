/**
 * Envelopes in parts: what makes a part sound by itself, and which parts of an envelope a peer still
 * needs.
 */
import { envelopeName, partBytes, partsOf } from '../chain/envelope.ts'
import { type Hash, hashFromBytes } from '../primitives/hash.ts'
import { checkMerklePath, merkleLeaf, merkleLevels, merklePath } from '../primitives/merkle.ts'
import { invariant } from '../primitives/result.ts'
import { hasBit } from './bitmap.ts'
import type { EnvelopePart } from './wire.ts'

export type PartFault =
  | { readonly code: 'part/size'; readonly max: number; readonly got: number }
  /** Size and root do not make up the name. */
  | { readonly code: 'part/name'; readonly expected: Hash; readonly got: Hash }
  | {
      readonly code: 'part/length'
      readonly index: number
      readonly expected: number
      readonly got: number
    }
  | { readonly code: 'part/path'; readonly index: number; readonly count: number }

/** Merkle levels over the parts, leaves first. */
export type Levels = readonly (readonly Uint8Array[])[]

export function partCount(size: number): number {
  return Math.ceil(size / partBytes)
}

/** @param max - bound on the size of an encoded envelope. */
export function partFault(part: EnvelopePart, max: number): PartFault | null {
  const { size, partsRoot, value, index } = part
  if (size < 1 || size > max) return { code: 'part/size', max, got: size }
  const name = envelopeName(size, partsRoot)
  if (name !== value) return { code: 'part/name', expected: value, got: name }
  const count = partCount(size)
  const expected = index < count - 1 ? partBytes : size - (count - 1) * partBytes
  if (part.bytes.length !== expected)
    return { code: 'part/length', index, expected, got: part.bytes.length }
  const sound = checkMerklePath(partsRoot, count, index, merkleLeaf(part.bytes), part.path)
  return sound ? null : { code: 'part/path', index, count }
}

export function levelsOf(bytes: Uint8Array): Levels {
  invariant(bytes.length > 0, 'envelopeParts: an empty envelope')
  return merkleLevels(partsOf(bytes).map(merkleLeaf))
}

export function rootOf(levels: Levels): Hash {
  return hashFromBytes(levels.at(-1)![0]!)
}

/** What a peer knows of an envelope: bit `i` of `known` is set if it has part `i`. */
type Missing = Pick<EnvelopePart, 'height' | 'value' | 'partsRoot'> & {
  readonly known: Uint8Array
}

/** The parts that are not known, until they make up `budget` bytes or more. */
export function cutParts(
  bytes: Uint8Array,
  levels: Levels,
  { known, ...named }: Missing,
  budget: number,
): readonly EnvelopePart[] {
  const parts: EnvelopePart[] = []
  let left = budget
  for (const [index, piece] of partsOf(bytes).entries()) {
    if (left <= 0 || hasBit(known, index)) continue
    const path = merklePath(levels, index)
    parts.push({ ...named, size: bytes.length, index, bytes: piece, path })
    left -= piece.length
  }
  return parts
}
