/** The proven bits of a proof of this shape: P-80 to P-84, term by term, in floating point. */
import { instancesOf, leafClaims } from './relations.ts'
import { bitsOf, type Shape, variablesOf } from './shape.ts'

const field = 5 * Math.log2(2_013_265_921)

/** What each event of P-83 counts, before the division by |E|. */
export function termsOf(shape: Shape): Readonly<Record<string, number>> {
  const { segments, nu, beta, columns, classes } = shape
  const cells = (wanted: (kind: string) => boolean) =>
    segments
      .filter(({ kind }) => wanted(kind))
      .reduce((sum, { rows, cols }) => sum + rows * cols, 0)
  const T = cells((kind) => kind === 'table')
  const M = cells((kind) => kind !== 'table')
  const masked = cells((kind) => kind === 'ERR')
  const last = segments.at(-1)!
  const D = Math.ceil(Math.log2(last.offset + 2 ** last.bits))
  const instances = instancesOf(shape)
  const virtual = leafClaims(shape).filter((name) => /^[ze]\//.test(name)).length
  const sent = instances.reduce((sum, { sends }) => sum + sends.length, 0)
  const claims = leafClaims(shape).length - virtual + sent + 256
  return {
    'beta folds tuples': 3 * (T + masked),
    'alpha meets a pole': M + T,
    'tree layers': D * (D - 1) + 2 * D,
    'update identity': 2 * nu,
    'loss chunks': Math.max(0, nu + beta - 15),
    'gamma of products': instances.length - 1,
    'product rounds': 3 * (nu + beta),
    'gamma of claims': claims - 1,
    'reduction rounds':
      2 * Math.max(...columns.map((column) => variablesOf(column, column.layout))),
    eta: classes.reduce(
      (sum, { trees }) => sum + bitsOf(trees.flatMap((tree) => tree.columns).length),
      0,
    ),
  }
}

export function bitsOfSoundness(shape: Shape): number {
  const events = Object.values(termsOf(shape)).reduce((sum, n) => sum + n, 0)
  const interactive = events / 2 ** field
  const worst = shape.classes.map(({ layout: { l, N, q, lowBits }, trees }) => {
    const columns = trees.flatMap((tree) => tree.columns)
    const layout = shape.classes.find((entry) => entry.trees === trees)!.layout
    const most = Math.max(...columns.map((column) => variablesOf(column, layout)))
    const theta = bitsOf(columns.length) + most - lowBits
    const e = Math.floor((N - l) / 2)
    const far = (theta * N) / 2 ** field + (1 - (e + 1) / N) ** q
    const close = ((l - 1 + e) / N) ** q
    return Math.max(far, close)
  })
  return -Math.log2(Math.max(...worst) + interactive)
}
