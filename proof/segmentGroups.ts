/**
 * Segments of equal shape, taken together: their boxes lie end to end as the lines of one matrix, so
 * that a lease of many steps costs few and long passes.
 */
import type { Segment, SegmentTree } from './circuit.ts'

export type Group = {
  /** In order of their offsets. */
  readonly members: readonly Segment[]
  /** Each member's number among all segments of as many bits. */
  readonly places: readonly number[]
  readonly rows: number
  readonly cols: number
  readonly colBits: number
  readonly bits: number
  /** Every live leaf counts 1, and lines are of even length: leaves are known by denominators alone. */
  readonly unit: boolean
}

/** By descending bits. */
export function groupsOf({ segments }: SegmentTree): readonly Group[] {
  const groups = new Map<string, { members: Segment[]; places: number[]; unit: boolean }>()
  const seen = new Map<number, number>()
  for (const segment of segments) {
    const { rows, cols, rowBits, colBits, bits } = segment
    const unit = countsOne(segment)
    const key = [rows, cols, rowBits, colBits, unit].join()
    const group = groups.get(key) ?? { members: [], places: [], unit }
    groups.set(key, group)
    const place = seen.get(bits) ?? 0
    seen.set(bits, place + 1)
    group.members.push(segment)
    group.places.push(place)
  }
  return [...groups.values()].map((group) => {
    const { rows, cols, colBits, bits } = group.members[0]!
    return { ...group, rows, cols, colBits, bits }
  })
}

function countsOne({ kind, cols, bits }: Segment): boolean {
  return kind !== 'ERR' && kind !== 'table' && cols % 2 === 0 && bits > 1
}

/** How a group's live nodes lie at a level: columns fold first, then rows. */
export type Strip = { readonly lines: number; readonly length: number }

export function stripAt({ members, rows, cols, colBits }: Group, level: number): Strip {
  return level < colBits
    ? { lines: members.length * rows, length: Math.ceil(cols / 2 ** level) }
    : { lines: members.length, length: Math.ceil(rows / 2 ** (level - colBits)) }
}

/** Groups that are still boxes at `level`; the others are in the tail. */
export function groupsAt(groups: readonly Group[], level: number): readonly Group[] {
  return groups.filter(({ bits }) => bits > level)
}

/** First position of the tail at `level`. */
export function tailStart({ segments, end }: SegmentTree, level: number): number {
  const first = segments.find(({ bits }) => bits <= level)
  return (first === undefined ? end : first.offset) / 2 ** level
}
