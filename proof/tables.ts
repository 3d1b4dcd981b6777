/**
 * The lookup tables: public columns of integers that give every rescaling, saturation and range of a
 * step its meaning. Rules P-20 to P-24 of docs/spec/proof.md.
 *
 * A column is either linear pieces, whose extension costs O(bits), or constant blocks of `2^shift`
 * rows.
 */
import { invariant } from '../primitives/result.ts'
import {
  count,
  degree,
  type Element,
  type Elements,
  element,
  minus,
  plus,
  scaled,
  span,
  sumOf,
  times,
} from './extension.ts'
import { weightedSum } from './linear.ts'
import { eqTable, lt, ltLin } from './multilinear.ts'

/** Rows `[from, to)` hold `first + slope·(row − from)`; pieces follow each other without gaps. */
type Piece = {
  readonly from: number
  readonly to: number
  readonly first: number
  readonly slope: number
}

export type TableColumn =
  | { readonly kind: 'pieces'; readonly pieces: readonly Piece[] }
  | { readonly kind: 'blocks'; readonly shift: number; readonly values: Int32Array }

export type Tuple = readonly [number, number, number]

export type Table = {
  readonly name: string
  /** Distinguishes the tables in the one sum of fractions; 1, 2, 3 … */
  readonly tag: number
  readonly rows: number
  /** One to three; a missing column is 0. */
  readonly columns: readonly TableColumn[]
  /** The only row that a tuple could be, which the caller compares. */
  readonly candidate: (tuple: Tuple) => number
}

export type TableNumbers = {
  readonly fractionBits: number
  /** `true`: `SW` instead of `RW`. */
  readonly dense: boolean
  /** Distinct forward shifts of hidden layers, ascending; empty without hidden layers. */
  readonly hiddenShifts: readonly number[]
  readonly outputShift: number
  /** Distinct backward shifts, ascending. */
  readonly backwardShifts: readonly number[]
  readonly hidden: { readonly kappa: number; readonly bound: number }
  readonly output: { readonly kappa: number; readonly bound: number }
  readonly backward: { readonly kappa: number; readonly bound: number }
  /** `H_W`. */
  readonly excess: number
}

/** All tables in tag order. */
export function tablesOf(numbers: TableNumbers): readonly Table[] {
  const { hiddenShifts, outputShift, backwardShifts, hidden, output, backward } = numbers
  const deep = hiddenShifts.length > 0
  const tables = [
    numbers.dense ? saturation('SW', numbers.excess) : range('RW', -127, 255),
    range('RF', 0, 2 ** numbers.fractionBits),
    ...hiddenShifts.map((shift) => activation(shift, hidden.kappa)),
    ...(deep ? [activationSaturation(hidden.bound)] : []),
    ...backwardShifts.map((shift) => rescaling(`ERR${shift}`, shift, backward.kappa)),
    ...(deep ? [errorSaturation(backward.bound)] : []),
    rescaling('OUT', outputShift, output.kappa),
    saturation('SO', output.bound),
    targets(),
  ]
  return tables.map((table, i) => ({ ...table, tag: i + 1 }))
}

type Untagged = Omit<Table, 'tag'>

function range(name: string, first: number, rows: number): Untagged {
  return {
    name,
    rows,
    columns: [piecesOf([rows, first, 1])],
    candidate: ([value]) => value - first,
  }
}

/** `(0, w)` for every w; `(h, 127)` and `(−h, −127)` for `h = 1..bound`. */
function saturation(name: string, bound: number): Untagged {
  return {
    name,
    rows: 255 + 2 * bound,
    columns: [
      piecesOf([255, 0, 0], [bound, 1, 1], [bound, -1, -1]),
      piecesOf([255, -127, 1], [bound, 127, 0], [bound, -127, 0]),
    ],
    candidate: ([excess, value]) =>
      excess === 0 ? value + 127 : excess > 0 ? 254 + excess : 254 + bound - excess,
  }
}

/** `(0, a)` for a ≥ 0; `(h, 127)` and `(−h, 0)`. */
function activationSaturation(bound: number): Untagged {
  return {
    name: 'SA',
    rows: 128 + 2 * bound,
    columns: [
      piecesOf([128, 0, 0], [bound, 1, 1], [bound, -1, -1]),
      piecesOf([128, 0, 1], [bound, 127, 0], [bound, 0, 0]),
    ],
    candidate: ([excess, value]) =>
      excess === 0 ? value : excess > 0 ? 127 + excess : 127 + bound - excess,
  }
}

/** `(0, 0, 0)`; `(0, 1, d)` for every d; `(v, 1, 127)` and `(−v, 1, −127)`. */
function errorSaturation(bound: number): Untagged {
  return {
    name: 'SE',
    rows: 256 + 2 * bound,
    columns: [
      piecesOf([256, 0, 0], [bound, 1, 1], [bound, -1, -1]),
      piecesOf([1, 0, 0], [255 + 2 * bound, 1, 0]),
      piecesOf([1, 0, 0], [255, -127, 1], [bound, 127, 0], [bound, -127, 0]),
    ],
    candidate: ([excess, mask, value]) => {
      if (excess === 0) return mask === 0 ? 0 : value + 128
      return excess > 0 ? 255 + excess : 255 + bound - excess
    },
  }
}

/** `(g, clamp(g >> s, 0, 127), [> 0])` for `g ∈ [−2^κ, 127·2^s + 2^κ)`. */
function activation(shift: number, kappa: number): Untagged {
  const lowest = -(2 ** kappa)
  const rows = 127 * 2 ** shift + 2 ** (kappa + 1)
  const value = (block: number) => clamp(block - 2 ** (kappa - shift), 0, 127)
  return {
    name: `ACT${shift}`,
    rows,
    columns: [
      piecesOf([rows, lowest, 1]),
      blocksOf(shift, rows, value),
      blocksOf(shift, rows, (block) => Math.min(value(block), 1)),
    ],
    candidate: ([g]) => g - lowest,
  }
}

/** `(f, clamp(f >> s, ±127))` for `f ∈ [−126·2^s − 2^κ, 127·2^s + 2^κ)`. */
function rescaling(name: string, shift: number, kappa: number): Untagged {
  const lowest = -126 * 2 ** shift - 2 ** kappa
  const rows = 253 * 2 ** shift + 2 ** (kappa + 1)
  const first = -126 - 2 ** (kappa - shift)
  return {
    name,
    rows,
    columns: [
      piecesOf([rows, lowest, 1]),
      blocksOf(shift, rows, (block) => clamp(block + first, -127, 127)),
    ],
    candidate: ([f]) => f - lowest,
  }
}

/** `(o, y, clamp(o − 64·y, ±127))`: row `2·(o + 127) + y`. */
function targets(): Untagged {
  const output = (row: number) => (row >> 1) - 127
  return {
    name: 'TG',
    rows: 510,
    columns: [
      blocksOf(0, 510, output),
      blocksOf(0, 510, (row) => row & 1),
      blocksOf(0, 510, (row) => clamp(output(row) - 64 * (row & 1), -127, 127)),
    ],
    candidate: ([o, y]) => 2 * (o + 127) + y,
  }
}

/** Pieces of `[rows, first value, slope]`, end to end. */
function piecesOf(...parts: readonly (readonly [number, number, number])[]): TableColumn {
  const pieces: Piece[] = []
  let from = 0
  for (const [rows, first, slope] of parts) {
    pieces.push({ from, to: from + rows, first, slope })
    from += rows
  }
  return { kind: 'pieces', pieces }
}

function blocksOf(shift: number, rows: number, value: (block: number) => number): TableColumn {
  const blocks = rows / 2 ** shift
  invariant(Number.isInteger(blocks), 'tables: rows are no whole number of blocks')
  return { kind: 'blocks', shift, values: Int32Array.from({ length: blocks }, (_, i) => value(i)) }
}

/** The column's integers, row by row. */
export function columnValues({ rows }: Pick<Table, 'rows'>, column: TableColumn): Int32Array {
  const values = new Int32Array(rows)
  if (column.kind === 'blocks') {
    for (let row = 0; row < rows; row++) values[row] = column.values[row >>> column.shift]!
    return values
  }
  for (const { from, to, first, slope } of column.pieces)
    for (let row = from; row < to; row++) values[row] = first + slope * (row - from)
  return values
}

/** The extensions of columns at `point`, rows beyond the table counted 0. */
export function columnsAt(columns: readonly TableColumn[], point: Elements): readonly Element[] {
  // Pieces share their ends with others.
  const below = known((n) => lt(n, point))
  const sumBelow = known((n) => ltLin(n, point))
  return columns.map((column) => {
    if (column.kind === 'blocks') {
      const high = span(point, Math.min(column.shift, count(point)), count(point))
      return weightedSum(column.values, eqTable(high, column.values.length))
    }
    return sumOf(
      column.pieces.map(({ from, to, first, slope }) => {
        const ones = minus(below(to), below(from))
        const rows = slope === 0 ? element(0) : minus(sumBelow(to), sumBelow(from))
        return plus(scaled(rows, slope), scaled(ones, first - slope * from))
      }),
    )
  })
}

function known(make: (n: number) => Element): (n: number) => Element {
  const made = new Map<number, Element>()
  return (n) => {
    const value = made.get(n) ?? make(n)
    made.set(n, value)
    return value
  }
}

/** Row of the table that is exactly this tuple, or −1. */
export function rowOf(columns: readonly Int32Array[], table: Table, tuple: Tuple): number {
  const row = table.candidate(tuple)
  if (!(row >= 0 && row < table.rows)) return -1
  for (let i = 0; i < tuple.length; i++) if ((columns[i]?.[row] ?? 0) !== tuple[i]) return -1
  return row
}

/** `β` powers that fold a tuple: `1, β, β², β³`. */
export function tuplePowers(beta: Element): Elements {
  const square = times(beta, beta)
  const powers = new Uint32Array(4 * degree)
  powers[0] = 1
  powers.set(beta, degree)
  powers.set(square, 2 * degree)
  powers.set(times(square, beta), 3 * degree)
  return powers
}

function clamp(value: number, low: number, high: number): number {
  return Math.max(low, Math.min(high, value))
}
