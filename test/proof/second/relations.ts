/** Fractions, products and reduction: P-46 to P-73. */
import type { Chain } from './bytes.ts'
import {
  add,
  below,
  type E,
  eq,
  eqAll,
  eqBelow,
  extension,
  halves,
  int,
  mul,
  one,
  powers,
  roundAt,
  same,
  scale,
  sub,
  sum,
  zero,
} from './field.ts'
import { type Segment, type Shape, variablesOf } from './shape.ts'
import type { Batch, Proof } from './verify.ts'

export type Heard = {
  readonly shape: Shape
  readonly proof: Proof
  readonly batches: readonly Batch[]
  readonly chain: Chain
  readonly alpha: E
  readonly beta: E
}

type Tree = { readonly zeta: readonly E[]; readonly value: (name: string) => E }

const keyOf = (role: string, step: number, layer: number) => `${role}/${step}/${layer}`

/** P-59: names of the leaf claims in order. */
export function leafClaims({ k, L, columns }: Shape): readonly string[] {
  const layers = Array.from({ length: L }, (_, i) => i + 1)
  const steps = Array.from({ length: k }, (_, i) => i)
  const named = (tree: string) =>
    columns.filter((c) => c.tree === tree).map((c) => keyOf(c.role, c.step, c.layer))
  return [
    ...[...steps, k].flatMap((state) =>
      ['w', 'rho'].flatMap((role) => layers.map((layer) => keyOf(role, state, layer))),
    ),
    ...named('excess'),
    ...named('witness'),
    ...steps.flatMap((step) => [
      ...layers.map((layer) => keyOf('z', step, layer)),
      ...layers.slice(0, -1).map((layer) => keyOf('e', step, layer)),
    ]),
  ]
}

/** Follows the rounds of a sumcheck. */
function follow(
  chain: Chain,
  claim: E,
  messages: readonly E[],
  degree: number,
): { readonly claim: E; readonly point: readonly E[] } {
  let now = claim
  const point: E[] = []
  for (let i = 0; i < messages.length; i += degree) {
    const message = messages.slice(i, i + degree)
    chain.elements('round', message)
    const [r] = chain.draw(1)
    now = roundAt(now, message, r!)
    point.push(r!)
  }
  return { claim: now, point }
}

/** P-50 to P-59. */
export function checkTree(heard: Heard): Tree | string {
  const { proof, chain, shape } = heard
  chain.elements('root', proof.root)
  let [P, Q] = proof.root as [E, E]
  if (!same(P, zero) || same(Q, zero)) return 'P-52'
  let zeta: readonly E[] = []
  for (const { rounds, values } of proof.layers) {
    const [lambda] = chain.draw(1)
    let claim = add(P, mul(lambda!, Q))
    const point = zeta.map((coordinate, i) => {
      const [slope, leading] = rounds.slice(2 * i, 2 * i + 2) as [E, E]
      chain.elements('round', [slope, leading])
      const r = chain.draw(1)[0]!
      const atZero = sub(claim, mul(coordinate, slope))
      claim = add(atZero, mul(r, add(sub(slope, leading), mul(r, leading))))
      return r
    })
    const [p0, p1, q0, q1] = values as [E, E, E, E]
    const node = add(mul(p0, q1), mul(p1, q0), mul(lambda!, mul(q0, q1)))
    if (!same(node, claim)) return 'P-53'
    chain.elements('values', values)
    const [tau] = chain.draw(1)
    P = add(p0, mul(tau!, sub(p1, p0)))
    Q = add(q0, mul(tau!, sub(q1, q0)))
    zeta = [tau!, ...point]
  }
  chain.elements('claims', proof.leaves)
  const names = leafClaims(shape)
  const value = (name: string) => proof.leaves[names.indexOf(name)]!
  const tree = { zeta, value }
  const leaf = leafAt(heard, tree)
  return same(leaf.p, P) && same(leaf.q, Q) ? tree : 'P-59'
}

function leafAt({ shape, batches, alpha, beta }: Heard, { zeta, value }: Tree) {
  let [p, q] = [zero, one]
  const [, b1, b2, b3] = powers(beta, 4)
  for (const segment of shape.segments) {
    const { bits, colBits, rows, cols, offset, tag } = segment
    const point = zeta.slice(0, bits)
    const high = zeta.slice(bits)
    const place = high.map((_, t) => int(Math.floor(offset / 2 ** (bits + t)) % 2))
    const here = eq(high, place)
    const live = mul(below(cols, point.slice(0, colBits)), below(rows, point.slice(colBits)))
    const { parts, num } = lookup(segment, live)
    const [c1, c2, c3] = parts
    const phi = add(c1!, mul(b1!, c2 ?? zero), mul(b2!, c3 ?? zero), scale(mul(b3!, live), tag))
    p = add(p, mul(here, num))
    q = add(q, mul(here, sub(sub(mul(alpha, live), phi), live)))
  }
  return { p, q }

  function lookup({ kind, step, layer, tag, bits }: Segment, live: E) {
    const own = (role: string, at = step) => value(keyOf(role, at, layer))
    const all = (...parts: readonly E[]) => ({ parts, num: live })
    const { job, L, splits, steps } = shape
    const rest = (of: string, quotient: string, shift: number, kappa: number) =>
      sub(add(own(of), scale(live, 2 ** (shift - 1))), scale(own(quotient), 2 ** kappa))
    const s = job.forward[layer - 1]!
    switch (kind) {
      case 'RW':
        return all(own('w', step + 1))
      case 'SW':
        return all(own('xi'), own('w', step + 1))
      case 'RF':
        return all(own('rho', step + 1))
      case 'ACT':
        return all(rest('z', 'h', s, splits.hidden.kappa), own('a'), own('m'))
      case 'SA':
        return all(own('h'), own('a'))
      case 'ERR': {
        const t = steps[step]!.backward[layer - 1]!
        return { parts: [rest('e', 'v', t, splits.backward.kappa), own('d')], num: own('m') }
      }
      case 'SE':
        return all(own('v'), own('m'), own('d'))
      case 'OUT':
        return all(rest('z', 'h', s, splits.output.kappa), own('o'))
      case 'SO':
        return all(own('h'), own('o'))
      case 'TG': {
        const at = zeta.slice(0, shape.nu + shape.beta)
        return all(own('o'), labelsAt(batches[step]!, job.layers[L]!, shape.beta, at), own('d'))
      }
      default: {
        const { rows } = shape.tables[tag - 1]!
        const width = Math.max(...rows.map((row) => row.length))
        const columns = Array.from({ length: width }, (_, c) =>
          extension(
            rows.map((row) => row[c] ?? 0),
            zeta.slice(0, bits),
          ),
        )
        return { parts: columns, num: sub(zero, value(keyOf('mu', 0, tag))) }
      }
    }
  }
}

/** `ỹ` at `(sample, unit)`. */
function labelsAt({ labels }: Batch, classes: number, beta: number, at: readonly E[]): E {
  const [bySample, byUnit] = [eqAll(at.slice(0, beta)), eqAll(at.slice(beta))]
  return sum(labels.map((label, b) => (label < classes ? mul(bySample[b]!, byUnit[label]!) : zero)))
}

/** `x̃` at `(sample, feature)`. */
function inputAt({ features, labels }: Batch, sample: readonly E[], feature: readonly E[]): E {
  const [bySample, byFeature] = [eqAll(sample), eqAll(feature)]
  const width = features.length / labels.length
  return sum(
    labels.map((_, b) =>
      mul(
        bySample[b]!,
        sum(
          features.slice(b * width, (b + 1) * width).map((value, k) => scale(byFeature[k]!, value)),
        ),
      ),
    ),
  )
}

type Instance = {
  readonly kind: 'forward' | 'backward' | 'update' | 'loss'
  readonly step: number
  readonly layer: number
  readonly variables: number
  /** Columns whose end-point claims are sent. */
  readonly sends: readonly (readonly [role: string, layer: number])[]
}

/** P-60 to P-64. */
export function instancesOf({ k, L, nu, beta }: Shape): readonly Instance[] {
  const layers = Array.from({ length: L }, (_, i) => i + 1)
  const input = (layer: number) => (layer > 1 ? [['a', layer - 1] as const] : [])
  return Array.from({ length: k }, (_, step) => [
    ...layers.map((layer) => ({
      kind: 'forward' as const,
      step,
      layer,
      variables: nu,
      sends: [['w', layer] as const, ...input(layer)],
    })),
    ...layers.slice(0, -1).map((layer) => ({
      kind: 'backward' as const,
      step,
      layer,
      variables: nu,
      sends: [['w', layer + 1] as const, ['d', layer + 1] as const],
    })),
    ...layers.map((layer) => ({
      kind: 'update' as const,
      step,
      layer,
      variables: beta,
      sends: [['d', layer] as const, ...input(layer)],
    })),
    {
      kind: 'loss' as const,
      step,
      layer: L,
      variables: nu + beta,
      sends: [['o', L] as const],
    },
  ]).flat()
}

type Drawn = { readonly sigma: readonly E[] }

function pointsOf({ nu, beta }: Shape, zeta: readonly E[]) {
  return {
    k: zeta.slice(0, nu),
    jw: zeta.slice(nu, 2 * nu),
    b: zeta.slice(0, beta),
    ja: zeta.slice(beta, beta + nu),
  }
}

/** P-60 to P-65. */
export function checkProducts(heard: Heard, tree: Tree): Drawn | string {
  const { chain, shape, proof, batches } = heard
  const { job, nu, beta, steps, chunks, chunkBits } = shape
  const { zeta, value } = tree
  const [gamma] = chain.draw(1)
  const tau = chain.draw(chunkBits)
  const at = pointsOf(shape, zeta)
  const instances = instancesOf(shape)
  const weights = powers(gamma!, instances.length)
  const claims = instances.map(({ kind, step, layer }) => {
    if (kind === 'forward') return value(keyOf('z', step, layer))
    if (kind === 'backward') return value(keyOf('e', step, layer))
    if (kind === 'loss') {
      const own = proof.losses.slice(step * chunks, (step + 1) * chunks)
      const table = eqAll(tau)
      return sum(own.map((chunk, c) => scale(table[c]!, chunk)))
    }
    const change = (role: string) =>
      sub(value(keyOf(role, step, layer)), value(keyOf(role, step + 1, layer)))
    const whole = sub(change('w'), excess(step, layer))
    const total = add(scale(whole, 2 ** job.F), change('rho'))
    return scale(total, halves(steps[step]!.update[layer - 1]!))
  })
  const first = sum(claims.map((claim, i) => mul(weights[i]!, claim)))
  const { claim, point: sigma } = follow(chain, first, proof.productRounds, 3)
  const ends = [...proof.ends]
  const next = () => ends.shift()!
  const products = instances.map(({ kind, step, layer, variables }, i) => {
    const rows = batches[step]!
    const factor = scale(weights[i]!, halves(nu + beta - variables))
    const left = next()
    if (kind === 'loss') {
      const labels = labelsAt(rows, job.layers[layer]!, beta, sigma)
      const miss = sub(left, scale(labels, 64))
      return mul(factor, mul(eq(tau, chunkBits > 0 ? sigma.slice(15) : []), mul(miss, miss)))
    }
    if (kind === 'backward' || layer > 1) return mul(factor, mul(left, next()))
    const right =
      kind === 'forward'
        ? inputAt(rows, at.b, sigma.slice(0, nu))
        : inputAt(rows, sigma.slice(0, beta), at.k)
    return mul(factor, mul(left, right))
  })
  if (!same(sum(products), claim)) return 'P-60'
  chain.elements('claims', proof.ends)
  return { sigma }

  function excess(step: number, layer: number): E {
    if (shape.dense) return value(keyOf('xi', step, layer))
    return sum(
      proof.saturated
        .filter((entry) => entry.step === step && entry.layer === layer)
        .map(({ row, col, xi }) => scale(eq(cell(row, col, nu), zeta.slice(0, 2 * nu)), xi)),
    )
  }
}

/** The vertex of a weight. */
function cell(row: number, col: number, nu: number): readonly E[] {
  const bits = (value: number) => Array.from({ length: nu }, (_, t) => int((value >> t) & 1))
  return [...bits(col), ...bits(row)]
}

/** P-70 to P-73; gives `r*`. */
export function checkReduction(heard: Heard, tree: Tree, { sigma }: Drawn): readonly E[] | string {
  const { shape, proof, chain } = heard
  const { nu, beta, columns } = shape
  const at = pointsOf(shape, tree.zeta)
  const [wide, deep] = [sigma.slice(0, nu), sigma.slice(0, beta)]
  const find = (key: string) =>
    columns.findIndex(({ role, step, layer }) => keyOf(role, step, layer) === key)
  const leaves = leafClaims(shape).flatMap((name, i) => {
    const index = find(name)
    if (index < 0) return []
    const { rowBits, colBits } = columns[index]!
    return [{ index, point: tree.zeta.slice(0, rowBits + colBits), value: proof.leaves[i]! }]
  })
  const ends = instancesOf(shape)
    .flatMap(({ kind, step, sends }) => {
      const points = {
        forward: [
          [...wide, ...at.ja],
          [...at.b, ...wide],
        ],
        backward: [
          [...at.ja, ...wide],
          [...at.b, ...wide],
        ],
        update: [
          [...deep, ...at.jw],
          [...deep, ...at.k],
        ],
        loss: [sigma.slice(0, nu + beta)],
      }[kind]
      return sends.map(([role, layer], i) => ({
        index: find(keyOf(role, step, layer)),
        point: points[i]!,
      }))
    })
    .map((end, i) => ({ ...end, value: proof.ends[i]! }))
  const cells = proof.saturated.map(({ step, layer, row, col, xi }) => ({
    index: find(keyOf('w', step + 1, layer)),
    point: cell(row, col, nu),
    value: int(xi > 0 ? 127 : -127),
  }))
  const claims = [...leaves, ...ends, ...cells]
  const [gamma] = chain.draw(1)
  const weights = powers(gamma!, claims.length)
  const first = sum(claims.map(({ value }, i) => mul(weights[i]!, value)))
  const { claim, point: end } = follow(chain, first, proof.reductionRounds, 2)
  const terms = claims.map(({ index, point }, i) => {
    const { rows, cols, colBits, layout, ...column } = columns[index]!
    const n = variablesOf({ rows, cols, colBits, ...column }, layout)
    const whole = Array.from({ length: n }, (_, t) => point[t] ?? zero)
    const factor = mul(
      eqBelow(cols, whole.slice(0, colBits), end.slice(0, colBits)),
      eqBelow(rows, whole.slice(colBits), end.slice(colBits, n)),
    )
    const weight = scale(mul(weights[i]!, factor), halves(end.length - n))
    return mul(weight, proof.values[index]!)
  })
  if (!same(sum(terms), claim)) return 'P-71'
  chain.elements('columns', proof.values)
  return end
}
