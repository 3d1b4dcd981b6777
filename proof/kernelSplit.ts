/**
 * How a kernel's work is cut among threads: each part is a call of the same kernel. Parts write to places
 * of their own; sums go to one place for each part and are added afterwards.
 */
import type { ProofExports } from './wasmArena.ts'

const element = 20
const record = 40
const quad = 80
const word = 4
const digest = 32
/** Four unfinished digests. */
const heldDigests = 144

type Arguments = readonly number[]

/** What is cut: `total` items into runs of multiples of `unit`, and the call for one run. */
type Cut = {
  readonly total: number
  readonly unit: number
  /** Items times this are about the elements that the whole call works on. */
  readonly weight: number
  readonly part: (from: number, to: number) => Arguments
}

/** Kernels whose first argument receives sums. */
export const summing: ReadonlySet<string> = new Set(['sumQuads', 'sumPairs', 'sumProducts'])

export type SplitKernel = keyof typeof cuts

const even = (length: number) => length + (length & 1)
const half = (length: number) => (length + 1) >> 1
const moved = (address: number, by: number) => (address === 0 ? 0 : address + by)

/** A single line is cut by positions, others by lines. */
const cuts = {
  fold: ([out, values, lines, length, r, missing]: Arguments): Cut =>
    lines === 1
      ? {
          ...{ total: length!, unit: 8, weight: 1 },
          part: (from, to) => [
            out! + (from / 2) * element,
            values! + from * element,
            ...[1, to - from, r!, missing!],
          ],
        }
      : {
          ...{ total: lines!, unit: 1, weight: length! },
          part: (from, to) => [
            out! + from * half(length!) * element,
            values! + from * length! * element,
            ...[to - from, length!, r!, missing!],
          ],
        },
  foldQuads: ([out, quads, lines, length, r, missing]: Arguments): Cut =>
    lines === 1
      ? {
          ...{ total: length!, unit: 8, weight: 4 },
          part: (from, to) => [
            out! + (from / 2) * quad,
            quads! + from * quad,
            ...[1, to - from, r!, missing!],
          ],
        }
      : {
          ...{ total: lines!, unit: 1, weight: 4 * length! },
          part: (from, to) => [
            out! + from * half(length!) * quad,
            quads! + from * length! * quad,
            ...[to - from, length!, r!, missing!],
          ],
        },
  tiltQuads: ([quads, length, lambda]: Arguments): Cut => ({
    ...{ total: length!, unit: 4, weight: 1 },
    part: (from, to) => [quads! + from * quad, to - from, lambda!],
  }),
  combine: ([out, quads, lines, length]: Arguments): Cut =>
    lines === 1
      ? {
          ...{ total: length!, unit: 4, weight: 3 },
          part: (from, to) => [out! + from * record, quads! + from * quad, 1, to - from],
        }
      : {
          ...{ total: lines!, unit: 1, weight: 3 * length! },
          part: (from, to) => [
            out! + from * even(length!) * record,
            quads! + from * length! * quad,
            ...[to - from, length!],
          ],
        },
  combinePairs: ([out, evens, odds, lines, length]: Arguments): Cut => ({
    ...{ total: lines!, unit: 1, weight: 2 * length! },
    part: (from, to) => [
      out! + from * even(length!) * record,
      evens! + from * length! * element,
      odds! + from * length! * element,
      ...[to - from, length!],
    ],
  }),
  fillUnits: ([evens, odds, cells, c1, c2, c3, constants]: Arguments): Cut => ({
    ...{ total: cells!, unit: 8, weight: 1 },
    part: (from, to) => [
      evens! + (from / 2) * element,
      odds! + (from / 2) * element,
      to - from,
      ...[c1!, c2!, c3!].map((address) => moved(address, from * word)),
      constants!,
    ],
  }),
  sumQuads: ([out, quads, lines, length, inLine, ofLine, missing]: Arguments): Cut =>
    lines === 1
      ? {
          ...{ total: length!, unit: 8, weight: 4 },
          part: (from, to) => [
            ...[out!, quads! + from * quad, 1, to - from],
            ...[inLine! + (from / 2) * element, ofLine!, missing!],
          ],
        }
      : {
          ...{ total: lines!, unit: 1, weight: 4 * length! },
          part: (from, to) => [
            ...[out!, quads! + from * length! * quad, to - from, length!],
            ...[inLine!, ofLine! + from * element, missing!],
          ],
        },
  sumPairs: ([out, evens, odds, lines, length, ...rest]: Arguments): Cut => {
    const [inLine, ofLine, missing] = rest
    return {
      ...{ total: lines!, unit: 1, weight: 2 * length! },
      part: (from, to) => [
        out!,
        evens! + from * length! * element,
        odds! + from * length! * element,
        ...[to - from, length!, inLine!, ofLine! + from * element, missing!],
      ],
    }
  },
  sumProducts: ([out, a, b, lines, length, degree]: Arguments): Cut => ({
    ...{ total: lines === 1 ? length! : 0, unit: 8, weight: 3 },
    part: (from, to) => [
      out!,
      ...[a! + from * element, b! + from * element],
      ...[1, to - from, degree!],
    ],
  }),
  weighRows: ([out, values, rows, cols, stride, weights]: Arguments): Cut => ({
    ...{ total: cols!, unit: 4, weight: rows! / 4 },
    part: (from, to) => [
      out! + from * element,
      values! + from * word,
      ...[rows!, to - from, stride!, weights!],
    ],
  }),
  weighColumns: ([out, values, rows, cols, stride, planes]: Arguments): Cut => ({
    ...{ total: rows!, unit: 1, weight: cols! / 4 },
    part: (from, to) => [
      out! + from * element,
      values! + from * stride! * word,
      ...[to - from, cols!, stride!, planes!],
    ],
  }),
  encodeRows: ([out, size, rows, messages, width, ...plan]: Arguments): Cut => ({
    ...{ total: rows!, unit: 1, weight: size! / 4 },
    part: (from, to) => [
      ...[out! + from * plan.at(-1)! * word, size!, to - from],
      ...[messages! + from * width! * word, width!, ...plan],
    ],
  }),
  hashColumns: ([out, code, rows, length, stride, held, done]: Arguments): Cut => ({
    ...{ total: length!, unit: 4, weight: rows! / 2 },
    part: (from, to) => [
      ...[moved(out!, from * digest), code! + from * word, rows!, to - from, stride!],
      ...[moved(held!, (from / 4) * heldDigests), done!],
    ],
  }),
  hashPairs: ([out, digests, pairs]: Arguments): Cut => ({
    ...{ total: pairs!, unit: 4, weight: 16 },
    part: (from, to) => [out! + from * digest, digests! + 2 * from * digest, to - from],
  }),
} satisfies Partial<Record<keyof ProofExports, (args: Arguments) => Cut>>

/** In a fixed order: threads name kernels by number. */
export const splitKernels: readonly SplitKernel[] = Object.keys(cuts) as SplitKernel[]

/** The calls that together are the one; just that if it has fewer than `shareFrom` elements of work. */
export function partsOf(
  kernel: SplitKernel,
  args: Arguments,
  threads: number,
  shareFrom: number,
): readonly Arguments[] {
  const { total, unit, weight, part } = cuts[kernel](args)
  if (total * weight < shareFrom || total < 2 * unit) return [args]
  const units = Math.ceil(total / unit)
  const wanted = Math.min(threads, units)
  const edges = Array.from({ length: wanted + 1 }, (_, i) =>
    Math.min(total, Math.floor((units * i) / wanted) * unit),
  )
  edges[wanted] = total
  return edges.slice(1).map((to, i) => part(edges[i]!, to))
}
