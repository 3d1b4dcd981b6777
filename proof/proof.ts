/**
 * A step proof and its bytes. Every length follows from the shape but three counts, which are checked
 * before anything is read; numbers must be canonical and nothing may follow. Rules P-90 to P-94 of
 * docs/spec/proof.md.
 */

import { concatBytes, uintBytes } from '../primitives/bytes.ts'
import { ok, type Result, refuse } from '../primitives/result.ts'
import { columnFinder, endPoints, instancesOf, leafClaims, segmentTree } from './circuit.ts'
import type { Opening } from './commitment.ts'
import { degree, type Elements, join } from './extension.ts'
import { type LayerProof, roundElements, type TreeProof } from './layers.ts'
import { packedLength, packWords, unpackWords } from './packing.ts'
import { maxSaturated, type ProofShape, type Tree } from './parameters.ts'
import { roundsOf } from './reduction.ts'
import { ceilLog2 } from './security.ts'
import {
  type Commitments,
  encodeSaturation,
  type Saturation,
  saturationBytes,
} from './statement.ts'

export type StepProof = Commitments & {
  readonly tree: TreeProof
  readonly leafValues: Elements
  readonly productRounds: Elements
  readonly endValues: Elements
  readonly reductionRounds: Elements
  readonly columnValues: Elements
  /** `u` of each class. */
  readonly combinations: readonly Elements[]
  /** By class, then tree. */
  readonly openings: readonly (readonly Opening[])[]
}

export type CodecFault =
  | { readonly code: 'proof/mode'; readonly got: number }
  | { readonly code: 'proof/length'; readonly expected: number; readonly got: number }
  | {
      readonly code: 'proof/count'
      readonly field: string
      readonly max: number
      readonly got: number
    }
  | { readonly code: 'proof/canonical'; readonly offset: number }

/** Bytes before the first count-free part: mode, number of saturations, positions and siblings. */
const modeBytes = 1
const countBytes = 4
const digestBytes = 32

/** The mode of an encoded proof: what the shape depends on besides the job. */
export function decodeMode(bytes: Uint8Array): Result<{ readonly dense: boolean }, CodecFault> {
  if (bytes.length < modeBytes)
    return refuse({ code: 'proof/length', expected: modeBytes, got: bytes.length })
  const got = bytes[0]!
  return got <= 1 ? ok({ dense: got === 1 }) : refuse({ code: 'proof/mode', got })
}

export function encodeProof(shape: ProofShape, proof: StepProof): Uint8Array {
  const { mid, witness, excess, saturated, losses, tree, openings } = proof
  const counts = openings.flatMap((trees) => {
    const { columns, siblings } = trees[0]!
    return [columns, siblings].map(({ length }) => length)
  })
  const perClass = shape.classes.flatMap(({ trees }, i) => [
    counts[2 * i]! / codeRowsOf(trees[0]!),
    counts[2 * i + 1]! / digestBytes,
  ])
  return concatBytes(
    Uint8Array.of(shape.dense ? 1 : 0),
    ...[saturated.length, ...perClass].map((value) => uintBytes(value, countBytes)),
    ...saturated.map(encodeSaturation),
    mid ?? new Uint8Array(0),
    witness,
    excess ?? new Uint8Array(0),
    ...openings.flatMap((trees) => trees.map(({ siblings }) => siblings)),
    packWords(
      join([
        losses,
        tree.root,
        ...tree.layers.flatMap(({ rounds, values }) => [rounds, values]),
        proof.leafValues,
        proof.productRounds,
        proof.endValues,
        proof.reductionRounds,
        proof.columnValues,
        ...proof.combinations,
        ...openings.flatMap((trees) => trees.map(({ columns }) => columns)),
      ]),
    ),
  )
}

export function codeRowsOf({ columns }: Tree): number {
  return columns.reduce((sum, { codeRows }) => sum + codeRows, 0)
}

/** Read a proof of this shape. Lengths first, then canonical numbers; no arithmetic. */
export function decodeProof(shape: ProofShape, bytes: Uint8Array): Result<StepProof, CodecFault> {
  const counts = readCounts(shape, bytes)
  if (!counts.ok) return counts
  const { listed, perClass } = counts.value
  const lengths = lengthsOf(shape, perClass)
  const head = modeBytes + countBytes * (1 + 2 * perClass.length)
  const digests = lengths.digests.reduce((sum, n) => sum + n, 0) * digestBytes
  const words = lengths.words.reduce((sum, n) => sum + n, 0)
  const wordsFrom = head + saturationBytes * listed + digests
  const expected = wordsFrom + packedLength(words)
  if (bytes.length !== expected)
    return refuse({ code: 'proof/length', expected, got: bytes.length })
  const saturated: Saturation[] = []
  for (let i = 0; i < listed; i++) {
    const from = head + saturationBytes * i
    const entry = readSaturation(bytes.subarray(from, from + saturationBytes))
    if (entry === null) return refuse({ code: 'proof/canonical', offset: from })
    saturated.push(entry)
  }
  const read = unpackWords(bytes.subarray(wordsFrom), words)
  if ('badWord' in read)
    return refuse({ code: 'proof/canonical', offset: wordsFrom + packedLength(read.badWord) })
  const digestParts = split(
    bytes.subarray(wordsFrom - digests, wordsFrom),
    lengths.digests,
    digestBytes,
  )
  return ok(assemble(shape, saturated, digestParts, split(read.words, lengths.words, 1)))
}

/** Bytes of the longest proof of this shape. */
export function largestProof(shape: ProofShape): number {
  const perClass = shape.classes.map(({ layout: { queries, code } }) => ({
    positions: queries,
    // Paths of spread positions share the levels above them.
    siblings: queries * (ceilLog2(code.length) - ceilLog2(queries) + 2),
  }))
  const lengths = lengthsOf(shape, perClass)
  const sum = (all: readonly number[]) => all.reduce((total, n) => total + n, 0)
  const head = modeBytes + countBytes * (1 + 2 * perClass.length)
  const listed = shape.dense ? 0 : maxSaturated * saturationBytes
  return head + listed + digestBytes * sum(lengths.digests) + packedLength(sum(lengths.words))
}

type Counts = {
  readonly listed: number
  readonly perClass: readonly { readonly positions: number; readonly siblings: number }[]
}

function readCounts(shape: ProofShape, bytes: Uint8Array): Result<Counts, CodecFault> {
  const fields = [
    { field: 'saturated', max: shape.dense ? 0 : maxSaturated },
    ...shape.classes.flatMap(({ layout: { queries, code } }) => [
      { field: 'positions', max: queries },
      { field: 'siblings', max: queries * ceilLog2(code.length) },
    ]),
  ]
  const expected = modeBytes + countBytes * fields.length
  if (bytes.length < expected) return refuse({ code: 'proof/length', expected, got: bytes.length })
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const values = fields.map((_, i) => view.getUint32(modeBytes + countBytes * i))
  for (const [i, { field, max }] of fields.entries())
    if (values[i]! > max) return refuse({ code: 'proof/count', field, max, got: values[i]! })
  const perClass = shape.classes.map((_, i) => ({
    positions: values[1 + 2 * i]!,
    siblings: values[2 + 2 * i]!,
  }))
  return ok({ listed: values[0]!, perClass })
}

/** Lengths of all parts, in digests and words, in the order of the bytes. */
function lengthsOf(shape: ProofShape, perClass: Counts['perClass']) {
  const { depth } = segmentTree(shape)
  const find = columnFinder(shape)
  const none = new Uint32Array(0)
  const ends = instancesOf(shape).flatMap((instance) =>
    endPoints(shape, find, instance, none, none),
  ).length
  const trees = shape.classes.flatMap((entry, i) =>
    entry.trees.map((tree) => ({ tree, ...perClass[i]! })),
  )
  const layers = Array.from({ length: depth }, (_, d) => [roundElements * d, 4]).flat()
  const elements = [
    2,
    ...layers,
    leafClaims(shape).length,
    3 * (shape.nu + shape.beta),
    ends,
    2 * roundsOf(shape),
    shape.columns.length,
    ...shape.classes.map(({ layout }) => layout.code.width),
  ]
  return {
    digests: [
      ...(['mid', 'witness', 'excess'] as const).map((name) => (hasTree(shape, name) ? 1 : 0)),
      ...trees.map(({ siblings }) => siblings),
    ],
    words: [
      shape.steps.length * shape.chunks,
      ...elements.map((n) => degree * n),
      ...trees.map(({ tree, positions }) => codeRowsOf(tree) * positions),
    ],
  }
}

function hasTree(shape: ProofShape, name: Tree['name']): boolean {
  return shape.classes.some(({ trees }) => trees.some((tree) => tree.name === name))
}

/** `null` if the bytes are not how {@link encodeSaturation} would write it. */
function readSaturation(bytes: Uint8Array): Saturation | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const magnitude = view.getUint32(11)
  if (bytes[10]! > 1 || magnitude === 0) return null
  return {
    step: bytes[0]!,
    layer: bytes[1]!,
    row: view.getUint32(2),
    col: view.getUint32(6),
    excess: bytes[10] === 1 ? -magnitude : magnitude,
  }
}

function split<T extends Uint8Array | Uint32Array>(
  whole: T,
  lengths: readonly number[],
  unit: number,
): readonly T[] {
  let offset = 0
  return lengths.map((length) => {
    offset += unit * length
    return whole.subarray(offset - unit * length, offset) as T
  })
}

function assemble(
  shape: ProofShape,
  saturated: readonly Saturation[],
  digests: readonly Uint8Array[],
  words: readonly Uint32Array[],
): StepProof {
  const [mid, witness, excess, ...siblings] = digests
  const rest = [...words]
  const take = () => rest.shift()!
  const losses = take()
  const root = take()
  const layers: LayerProof[] = []
  const { depth } = segmentTree(shape)
  for (let d = 0; d < depth; d++) layers.push({ rounds: take(), values: take() })
  const [leafValues, productRounds, endValues, reductionRounds, columnValues] = [
    take(),
    take(),
    take(),
    take(),
    take(),
  ]
  const combinations = shape.classes.map(take)
  let tree = 0
  const openings = shape.classes.map(({ trees }) =>
    trees.map(() => ({ columns: take(), siblings: siblings[tree++]! })),
  )
  return {
    mid: mid!.length === 0 ? null : mid!,
    witness: witness!,
    excess: excess!.length === 0 ? null : excess!,
    saturated,
    losses,
    tree: { root, layers },
    leafValues: leafValues!,
    productRounds: productRounds!,
    endValues: endValues!,
    reductionRounds: reductionRounds!,
    columnValues: columnValues!,
    combinations,
    openings,
  }
}
