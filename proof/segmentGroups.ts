/**
 * Segments of equal shape, taken together: their boxes lie end to end as the lines of one matrix, so
 * that a lease of many steps costs few and long passes. Where memory is short, large segments are cut
 * into pieces and groups are bounded: what is done with one fits.
 */
import type { Segment, SegmentTree } from './circuit.ts'

/** A segment, or an aligned part of one. */
export type Piece = Segment & {
  /** Where in the segment it begins. */
  readonly firstRow: number
  readonly firstCol: number
}

export type Group = {
  /** In order of their offsets. */
  readonly members: readonly Piece[]
  /** Each member's number among all pieces of as many bits. */
  readonly places: readonly number[]
  readonly rows: number
  readonly cols: number
  readonly colBits: number
  readonly bits: number
  /** Every live leaf counts 1, and lines are of even length: leaves are known by denominators alone. */
  readonly unit: boolean
}

export type Forest = {
  /** By descending bits. */
  readonly groups: readonly Group[]
  /** How many pieces have that many bits, dead ones among them. */
  readonly piecesOf: (bits: number) => number
  /** First leaf of the first piece of at most that many bits. */
  readonly startOf: (bits: number) => number
}

/** @param most - log2 of the leaves that a group may have. */
export function groupsOf(tree: SegmentTree, most: number = Number.POSITIVE_INFINITY): Forest {
  const pieces = tree.segments.flatMap((segment) => piecesOf(segment, most))
  const groups: { members: Piece[]; places: number[]; readonly unit: boolean }[] = []
  const open = new Map<string, (typeof groups)[number]>()
  const seen = new Map<number, number>()
  for (const piece of pieces) {
    const { rows, cols, rowBits, colBits, bits } = piece
    const place = seen.get(bits) ?? 0
    seen.set(bits, place + 1)
    if (rows * cols === 0) continue
    const unit = countsOne(piece)
    const key = [rows, cols, rowBits, colBits, unit].join()
    let group = open.get(key)
    if (group === undefined || (group.members.length + 1) * rows * cols > 2 ** most) {
      group = { members: [], places: [], unit }
      open.set(key, group)
      groups.push(group)
    }
    group.members.push(piece)
    group.places.push(place)
  }
  return {
    groups: groups.map((group) => {
      const { rows, cols, colBits, bits } = group.members[0]!
      return { ...group, rows, cols, colBits, bits }
    }),
    piecesOf: (bits) => seen.get(bits) ?? 0,
    startOf: (bits) => pieces.find((piece) => piece.bits <= bits)?.offset ?? tree.end,
  }
}

/** The segment's aligned boxes of at most `2^most` leaves each, those without live ones too. */
function piecesOf(segment: Segment, most: number): readonly Piece[] {
  const { rows, cols, offset } = segment
  const bits = Math.min(segment.bits, most)
  const colBits = Math.min(segment.colBits, bits)
  const rowBits = bits - colBits
  const inRow = 2 ** (segment.colBits - colBits)
  return Array.from({ length: 2 ** (segment.bits - bits) }, (_, i) => {
    const firstRow = Math.floor(i / inRow) * 2 ** rowBits
    const firstCol = (i % inRow) * 2 ** colBits
    return {
      ...{ ...segment, firstRow, firstCol, rowBits, colBits, bits },
      rows: within(rows - firstRow, 2 ** rowBits),
      cols: within(cols - firstCol, 2 ** colBits),
      offset: offset + i * 2 ** bits,
    }
  })
}

function within(value: number, most: number): number {
  return Math.min(Math.max(value, 0), most)
}

/** See {@link Group.unit}. */
export function countsOne({ kind, cols, bits }: Segment): boolean {
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
export function groupsAt({ groups }: Forest, level: number): readonly Group[] {
  return groups.filter(({ bits }) => bits > level)
}

/** First position of the tail at `level`. */
export function tailStart({ startOf }: Forest, level: number): number {
  return startOf(level) / 2 ** level
}
