/** What job, range and mode determine: P-2, P-3, P-11, P-12, P-20, P-30 to P-34, P-39, P-50, P-60. */
import { Reader } from './bytes.ts'

export type Job = {
  readonly chainId: number
  readonly layers: readonly number[]
  readonly batch: number
  readonly steps: number
  readonly leaseSteps: number
  readonly F: number
  readonly forward: readonly number[]
  readonly schedule: readonly {
    readonly from: number
    readonly update: readonly number[]
    readonly backward: readonly number[]
  }[]
}

/** The canonical job; see "Inputs" of the specification. */
export function readJob(bytes: Uint8Array): Job {
  const reader = new Reader(bytes)
  const chainId = reader.number(8)
  reader.take(20 + 8 + 1 + 32)
  const layers = reader.list(() => reader.number(4))
  const [batch, steps, leaseSteps, F] = [4, 4, 2, 1].map((length) => reader.number(length))
  const bytesOf = () => reader.list(() => reader.number(1))
  const forward = bytesOf()
  const schedule = reader.list(() => ({
    from: reader.number(4),
    update: bytesOf(),
    backward: bytesOf(),
  }))
  return {
    chainId,
    layers,
    batch: batch!,
    steps: steps!,
    leaseSteps: leaseSteps!,
    F: F!,
    forward,
    schedule,
  }
}

export type Column = {
  readonly role: string
  readonly step: number
  readonly layer: number
  readonly rows: number
  readonly cols: number
  readonly rowBits: number
  readonly colBits: number
}

export type Tree = { readonly name: string; readonly columns: readonly Column[] }

export type Layout = {
  readonly g: number
  readonly stride: number
  readonly strideBits: number
  readonly lowBits: number
  /** Length of the messages, of the code, and queries. */
  readonly l: number
  readonly N: number
  readonly q: number
}

export type Class = { readonly layout: Layout; readonly trees: readonly Tree[] }

export type Table = { readonly name: string; readonly rows: readonly (readonly number[])[] }

export type Segment = {
  readonly kind: string
  readonly step: number
  readonly layer: number
  readonly tag: number
  readonly rows: number
  readonly cols: number
  readonly colBits: number
  readonly bits: number
  readonly offset: number
}

export const roles = ['w', 'rho', 'xi', 'a', 'm', 'h', 'd', 'v', 'o', 'mu']

export function bitsOf(n: number): number {
  let bits = 0
  while (2 ** bits < n) bits++
  return bits
}

export type Shape = ReturnType<typeof shapeOf>

export function shapeOf(job: Job, range: number, dense: boolean) {
  const { layers, batch } = job
  const L = layers.length - 1
  const first = range * job.leaseSteps
  const k = Math.min(job.leaseSteps, job.steps - first)
  const steps = Array.from(
    { length: k },
    (_, i) => job.schedule.findLast(({ from }) => from <= first + i)!,
  )
  const nu = Math.max(1, bitsOf(Math.max(...layers)))
  const beta = Math.max(1, bitsOf(batch))
  const splits = splitsOf(job)
  const tables = tablesOf(job, steps, splits, dense)
  const classes = classesOf(job, k, nu, beta, tables, dense)
  return {
    job,
    L,
    k,
    first,
    steps,
    nu,
    beta,
    dense,
    splits,
    tables,
    classes,
    columns: classes.flatMap(({ layout, trees }) =>
      trees.flatMap((tree) =>
        tree.columns.map((column) => ({ ...column, tree: tree.name, layout })),
      ),
    ),
    segments: segmentsOf(job, k, steps, nu, beta, tables, dense),
    chunks: Math.max(1, Math.ceil((layers[L]! * 2 ** beta) / 2 ** 15)),
    chunkBits: Math.max(0, nu + beta - 15),
  }
}

export type Split = { readonly kappa: number; readonly H: number }

/** W-22 and W-24. */
export function splitsOf({ layers, forward, schedule, batch, F }: Job) {
  const L = layers.length - 1
  const family = (inner: readonly number[], shifts: readonly number[]): Split => {
    const [K, s] = [Math.max(...inner), Math.max(...shifts)]
    const of = (kappa: number) => ({
      kappa,
      H: Math.ceil((127 * 127 * K + 2 ** s) / 2 ** kappa) + 1,
    })
    const cost = ({ kappa, H }: Split) => 2 ** (kappa + 1) + 2 * H
    let best = of(s)
    for (let kappa = s + 1; kappa < 32; kappa++) if (cost(of(kappa)) < cost(best)) best = of(kappa)
    return best
  }
  const none = { kappa: 0, H: 0 }
  const u = Math.max(...schedule.flatMap(({ update }) => update))
  return {
    output: family([layers[L - 1]!], [forward[L - 1]!]),
    hidden: L > 1 ? family(layers.slice(0, L - 1), forward.slice(0, L - 1)) : none,
    backward:
      L > 1
        ? family(
            layers.slice(2),
            schedule.flatMap(({ backward }) => backward),
          )
        : none,
    HW: Math.ceil((2 ** u * 127 * 127 * batch) / 2 ** F) + 1,
  }
}

const clamp = (value: number, low: number) => Math.max(low, Math.min(127, value))
const span = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i)
const ascending = (values: readonly number[]) => [...new Set(values)].toSorted((a, b) => a - b)

function tablesOf(
  job: Job,
  steps: Job['schedule'],
  { hidden, output, backward, HW }: ReturnType<typeof splitsOf>,
  dense: boolean,
): readonly Table[] {
  const L = job.layers.length - 1
  const excess = (H: number, low: number) => [
    ...span(1, H).map((h) => [h, 127]),
    ...span(1, H).map((h) => [-h, low]),
  ]
  const rescale = (s: number, kappa: number) =>
    span(-126 * 2 ** s - 2 ** kappa, 127 * 2 ** s + 2 ** kappa - 1).map((g) => [
      g,
      clamp(Math.floor(g / 2 ** s), -127),
    ])
  const zeroPairs = span(-127, 127).map((w) => [0, w])
  const deep: Table[] = []
  if (L > 1) {
    for (const s of ascending(job.forward.slice(0, L - 1)))
      deep.push({
        name: `ACT${s}`,
        rows: span(-(2 ** hidden.kappa), 127 * 2 ** s + 2 ** hidden.kappa - 1).map((g) => {
          const a = clamp(Math.floor(g / 2 ** s), 0)
          return [g, a, a > 0 ? 1 : 0]
        }),
      })
    deep.push({ name: 'SA', rows: [...span(0, 127).map((a) => [0, a]), ...excess(hidden.H, 0)] })
    for (const t of ascending(steps.flatMap((step) => step.backward)))
      deep.push({ name: `ERR${t}`, rows: rescale(t, backward.kappa) })
    deep.push({
      name: 'SE',
      rows: [
        [0, 0, 0],
        ...span(-127, 127).map((d) => [0, 1, d]),
        ...excess(backward.H, -127).map(([v, d]) => [v!, 1, d!]),
      ],
    })
  }
  return [
    dense
      ? { name: 'SW', rows: [...zeroPairs, ...excess(HW, -127)] }
      : { name: 'RW', rows: span(-127, 127).map((w) => [w]) },
    { name: 'RF', rows: span(0, 2 ** job.F - 1).map((rho) => [rho]) },
    ...deep,
    { name: 'OUT', rows: rescale(job.forward[L - 1]!, output.kappa) },
    { name: 'SO', rows: [...zeroPairs, ...excess(output.H, -127)] },
    {
      name: 'TG',
      rows: span(-127, 127).flatMap((o) => [0, 1].map((y) => [o, y, clamp(o - 64 * y, -127)])),
    },
  ]
}

function classesOf(
  { layers, batch, leaseSteps }: Job,
  k: number,
  nu: number,
  beta: number,
  tables: readonly Table[],
  dense: boolean,
): readonly Class[] {
  const L = layers.length - 1
  const weight = (role: string, step: number, layer: number): Column => ({
    role,
    step,
    layer,
    rows: layers[layer]!,
    cols: layers[layer - 1]!,
    rowBits: nu,
    colBits: nu,
  })
  const each = span(1, L)
  const state = (t: number) => each.flatMap((l) => [weight('w', t, l), weight('rho', t, l)])
  const states: Tree[] = [{ name: 'before', columns: state(0) }]
  if (k > 1) states.push({ name: 'mid', columns: span(1, k - 1).flatMap(state) })
  states.push({ name: 'after', columns: state(k) })
  if (dense) {
    const columns = span(0, k - 1).flatMap((t) => each.map((l) => weight('xi', t, l)))
    states.push({ name: 'excess', columns })
  }
  const units = span(0, k - 1).flatMap((step) =>
    each.flatMap((layer) =>
      (layer < L ? ['a', 'm', 'h', 'd', 'v'] : ['h', 'o', 'd']).map((role) => ({
        role,
        step,
        layer,
        rows: layers[layer]!,
        cols: batch,
        rowBits: nu,
        colBits: beta,
      })),
    ),
  )
  const counts = tables.map(({ rows }, i) => ({
    role: 'mu',
    step: 0,
    layer: i + 1,
    rows: 1,
    cols: rows.length,
    rowBits: 0,
    colBits: bitsOf(rows.length),
  }))
  const witness = { name: 'witness', columns: [...units, ...counts] }
  const layout = stateLayout(layers, nu, leaseSteps)
  if (layout.stride === 2 ** nu) return [{ layout, trees: [...states, witness] }]
  return [
    { layout, trees: states },
    { layout: witnessLayout(witness.columns.map(storedOf)), trees: [witness] },
  ]
}

/** Indices that a column's code rows cover; P-31. */
export function storedOf({ rows, cols, colBits }: Column): number {
  return rows === 1 ? cols : rows * 2 ** colBits
}

export function codeRowsOf(column: Column, { lowBits }: Layout): number {
  return Math.ceil(storedOf(column) / 2 ** lowBits)
}

export function variablesOf({ rowBits, colBits }: Column, { lowBits }: Layout): number {
  return Math.max(rowBits + colBits, lowBits)
}

function stateLayout(layers: readonly number[], nu: number, K: number): Layout {
  const stride = Math.max(...layers.slice(0, -1))
  const candidates = span(0, nu).map((bits) => layoutOf(2 ** bits, stride, nu, 16))
  return cheapest(candidates, ({ g, l, q, N }) => {
    const R = 2 * layers.slice(1).reduce((sum, width) => sum + Math.ceil(width / g), 0)
    return 20 * l + 4 * q * R * (K + 1) + (K > 1 ? 3 : 2) * pathBytes(q, N)
  })
}

function witnessLayout(stored: readonly number[]): Layout {
  const most = bitsOf(Math.max(...stored))
  const candidates = span(Math.min(4, most), Math.min(16, most)).map((lambda) =>
    layoutOf(1, 2 ** lambda, lambda, 32),
  )
  return cheapest(candidates, ({ l, q, N }) => {
    const R = stored.reduce((sum, cells) => sum + Math.ceil(cells / l), 0)
    return 20 * l + 4 * q * R + pathBytes(q, N)
  })
}

function layoutOf(g: number, stride: number, strideBits: number, ratio: number): Layout {
  const l = g * stride
  let N = 16
  while (5 * N < ratio * l) N *= 2
  const q = N > 2 ** 20 ? 0 : queries(l, N)
  return { g, stride, strideBits, lowBits: strideBits + bitsOf(g), l, N, q }
}

function cheapest(candidates: readonly Layout[], cost: (layout: Layout) => number): Layout {
  const possible = candidates.filter(({ N }) => N <= 2 ** 20)
  return possible.reduce((best, layout) => (cost(layout) < cost(best) ? layout : best))
}

function pathBytes(q: number, N: number): number {
  return 32 * q * Math.max(0, Math.log2(N) - (bitsOf(q + 1) - 1))
}

const found = new Map<string, number>()

/** The least q with `(x/N)^q ≤ 2^(−100.02)` for both query terms, in whole numbers. */
export function queries(l: number, N: number): number {
  const e = Math.floor((N - l) / 2)
  const worst = BigInt(Math.max(N - e - 1, l - 1 + e))
  const enough = (q: number) =>
    BigInt(N) ** BigInt(100 * q) >= (worst ** BigInt(100 * q)) << 10_002n
  const key = `${worst}/${N}`
  let q = found.get(key) ?? Math.max(1, Math.floor(100.02 / Math.log2(N / Number(worst))) - 1)
  while (!found.has(key) && !enough(q)) q++
  found.set(key, q)
  return q
}

function segmentsOf(
  { layers, batch, forward }: Job,
  k: number,
  steps: Job['schedule'],
  nu: number,
  beta: number,
  tables: readonly Table[],
  dense: boolean,
): readonly Segment[] {
  const L = layers.length - 1
  const tagOf = (name: string) => tables.findIndex((table) => table.name === name) + 1
  const weight = (kind: string, step: number, layer: number) => ({
    kind,
    step,
    layer,
    tag: tagOf(kind),
    rows: layers[layer]!,
    cols: layers[layer - 1]!,
    colBits: nu,
    bits: 2 * nu,
  })
  const unit = (kind: string, step: number, layer: number, table = kind) => ({
    kind,
    step,
    layer,
    tag: tagOf(table),
    rows: layers[layer]!,
    cols: batch,
    colBits: beta,
    bits: nu + beta,
  })
  const own = span(0, k - 1).flatMap((step) => [
    ...span(1, L).flatMap((l) => [weight(dense ? 'SW' : 'RW', step, l), weight('RF', step, l)]),
    ...span(1, L - 1).flatMap((l) => [
      unit('ACT', step, l, `ACT${forward[l - 1]}`),
      unit('SA', step, l),
      unit('ERR', step, l, `ERR${steps[step]!.backward[l - 1]}`),
      unit('SE', step, l),
    ]),
    ...['OUT', 'SO', 'TG'].map((kind) => unit(kind, step, L)),
  ])
  const offered = tables.map(({ rows }, i) => ({
    kind: 'table',
    step: 0,
    layer: i + 1,
    tag: i + 1,
    rows: 1,
    cols: rows.length,
    colBits: bitsOf(rows.length),
    bits: bitsOf(rows.length),
  }))
  let offset = 0
  return [...own, ...offered]
    .toSorted((a, b) => b.bits - a.bits)
    .map((segment) => {
      offset += 2 ** segment.bits
      return { ...segment, offset: offset - 2 ** segment.bits }
    })
}
