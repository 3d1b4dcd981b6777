/** The opening: P-35 to P-37 and P-75 to P-77. */
import { hashOf, multiproofRoot, sha256, toHex, uint, words } from './bytes.ts'
import { add, type E, eqAll, mul, one, p, powBase, same, scale, sub, sum, zero } from './field.ts'
import type { Heard } from './relations.ts'
import {
  bitsOf,
  type Class,
  codeRowsOf,
  type Layout,
  roles,
  type Tree,
  variablesOf,
} from './shape.ts'

/** The broken rule, or `null`. @param names - of every tree. */
export function checkOpening(
  { shape, proof, chain }: Heard,
  point: readonly E[],
  names: Readonly<Record<string, string>>,
): string | null {
  const { classes } = shape
  const amounts = classes.map(({ trees }) => bitsOf(trees.flatMap((t) => t.columns).length))
  const drawn = [...chain.draw(amounts.reduce((sum, n) => sum + n, 0))]
  const etas = amounts.map((n) => drawn.splice(0, n))
  const values = [...proof.values]
  for (const [i, entry] of classes.entries()) {
    const own = values.splice(0, entry.trees.flatMap((tree) => tree.columns).length)
    const expected = combined(entry, etas[i]!, point, own)
    if (!same(evaluated(entry.layout, proof.combinations[i]!, point), expected)) return 'P-76'
  }
  chain.elements('rows', proof.combinations.flat())
  const positions = chain.positions(
    classes.map(({ layout }) => ({ amount: layout.q, size: layout.N })),
  )
  const opened = [...proof.opened]
  const siblings = [...proof.siblings]
  for (const [i, entry] of classes.entries()) {
    const { trees, layout } = entry
    const entries = opened.splice(0, trees.length)
    const paths = siblings.splice(0, trees.length)
    const right = trees.every(
      (tree, t) =>
        rootName(layout, tree, positions[i]!, entries[t]!, paths[t]!) === names[tree.name],
    )
    const weights = rowWeights(entry, etas[i]!, point)
    const u = proof.combinations[i]!
    if (!right || !agree(layout.N, u, weights, positions[i]!, entries)) return 'P-77'
  }
  return null
}

/** `Σ_c eq(η,c)·ĉ(r*)·Π_missing (1 − r*_i)`. */
function combined(entry: Class, eta: readonly E[], point: readonly E[], values: readonly E[]): E {
  const byColumn = eqAll(eta)
  const columns = entry.trees.flatMap((tree) => tree.columns)
  return sum(
    columns.map((column, c) => {
      const missing = point.slice(variablesOf(column, entry.layout), widest(entry))
      const factor = missing.reduce((product, r) => mul(product, sub(one, r)), one)
      return mul(mul(byColumn[c]!, values[c]!), factor)
    }),
  )
}

/** The name that an opening leads to, or `null`. */
function rootName(
  layout: Layout,
  tree: Tree,
  positions: readonly number[],
  entries: readonly (readonly bigint[])[],
  siblings: readonly Uint8Array[],
): string | null {
  if (entries.length !== positions.length) return null
  const leaves = entries.map((column) => sha256(Uint8Array.of(0), words(column)))
  const root = multiproofRoot(positions, leaves, siblings, bitsOf(layout.N))
  return root === null ? null : nameOf(layout, tree, root)
}

/** Whether `Enc(u) = Σ weight·entry` at every position. */
function agree(
  N: number,
  u: readonly E[],
  weights: readonly E[],
  positions: readonly number[],
  opened: readonly (readonly (readonly bigint[])[])[],
): boolean {
  const omega = powBase(31n, (p - 1n) / BigInt(N))
  return positions.every((position, at) => {
    const x = powBase(omega, BigInt(position))
    const encoded = u.reduceRight((sum: E, coefficient) => add(scale(sum, x), coefficient), zero)
    const entries = opened.flatMap((tree) => tree[at]!)
    return same(encoded, sum(entries.map((entry, row) => scale(weights[row]!, entry))))
  })
}

/** Variables of the class's largest column. */
function widest({ layout, trees }: Class): number {
  return Math.max(...trees.flatMap((t) => t.columns).map((column) => variablesOf(column, layout)))
}

/** `Σ_pos eq(r*_lo, pos)·u_pos`: coefficient c stands for index `⌊c/S⌋·2^strideBits + c mod S`. */
function evaluated(
  { stride, strideBits, lowBits }: Layout,
  u: readonly E[],
  point: readonly E[],
): E {
  const weights = eqAll(point.slice(0, lowBits))
  return sum(
    u.map((value, c) =>
      mul(weights[Math.floor(c / stride) * 2 ** strideBits + (c % stride)]!, value),
    ),
  )
}

/** `eq(η, c)·eq(r*_hi, R)`, tree by tree, column by column. */
function rowWeights(entry: Class, eta: readonly E[], point: readonly E[]): readonly E[] {
  const { layout, trees } = entry
  const byColumn = eqAll(eta)
  const byRow = eqAll(point.slice(layout.lowBits, widest(entry)))
  return trees
    .flatMap((tree) => tree.columns)
    .flatMap((column, c) =>
      Array.from({ length: codeRowsOf(column, layout) }, (_, R) => mul(byColumn[c]!, byRow[R]!)),
    )
}

/** P-37. */
export function nameOf(
  { g, stride, strideBits, N }: Layout,
  { columns }: Tree,
  root: Uint8Array,
): string {
  const numbers = [g, stride, strideBits, N, columns.length].concat(
    columns.flatMap(({ role, layer, rows, cols, rowBits, colBits }) => [
      roles.indexOf(role) + 1,
      layer,
      rows,
      cols,
      rowBits,
      colBits,
    ]),
  )
  return toHex(hashOf('waggle/commitment/v1', ...numbers.map((n) => uint(n, 4)), root))
}
