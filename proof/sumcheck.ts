/**
 * Sumchecks (Lund, Fortnow, Karloff and Nisan 1992): rounds bind variable 0 first; a message holds the
 * round polynomial's values at 0, 2, …, degree, the value at 1 follows from the claim.
 *
 * Rules P-46 to P-49 of docs/spec/proof.md.
 */
import { halfPower, inverseMod, subMod } from './babyBear.ts'
import {
  addInto,
  at,
  count,
  type Element,
  type Elements,
  join,
  minus,
  mulInto,
  plus,
  productOf,
  reduceDouble,
  scaled,
  scaleInto,
  times,
  degree as words,
} from './extension.ts'
import type { Kernels } from './kernels.ts'

/** Absorbs one message and gives the challenge that binds the round's variable. */
export type Challenge = (message: Elements) => Element

/** Follows the rounds: the end point and what is left to check there. */
export function followRounds(
  claim: Element,
  messages: Elements,
  roundDegree: number,
  challenge: Challenge,
): { readonly point: Elements; readonly claim: Element } {
  const rounds = count(messages) / roundDegree
  const point = new Uint32Array(words * rounds)
  let rest = claim
  for (let round = 0; round < rounds; round++) {
    const from = words * roundDegree * round
    const message = messages.subarray(from, from + words * roundDegree)
    const r = challenge(message)
    point.set(r, words * round)
    rest = interpolate(rest, message, r)
  }
  return { point, claim: rest }
}

/** `1/2` and `1/3`. */
const half = inverseMod(2)
const third = inverseMod(3)

/** The round polynomial at `r`, by Newton's differences of its values at 0, 1, 2 and, if of degree 3, 3. */
export function interpolate(claim: Element, message: Elements, r: Element): Element {
  const f0 = at(message, 0)
  const f1 = minus(claim, f0)
  const f2 = at(message, 1)
  const first = minus(f1, f0)
  let second = minus(minus(f2, f1), first)
  if (count(message) > 2) {
    const f3 = at(message, 2)
    const third0 = minus(minus(minus(f3, f2), minus(f2, f1)), second)
    second = plus(second, times(stepDown(r, 2, third), third0))
  }
  return plus(f0, times(r, plus(first, times(stepDown(r, 1, half), second))))
}

/** `(r − by)·factor`. */
function stepDown(r: Element, by: number, factor: number): Element {
  const result = r.slice()
  result[0] = subMod(result[0]!, by)
  scaleInto(result, 0, result, 0, factor)
  return result
}

/** Position i has value `values[i >> bits]`; none are missing. */
export type Coarse = { readonly values: Elements; readonly bits: number }

/** One sum of products that takes part in a batched sumcheck. */
export type Summand = {
  /** Multiplies the whole sum. */
  readonly coefficient: Element
  /** Vectors over the same positions: `lines × length`, missing ones 0. */
  readonly factors: readonly Elements[]
  readonly lines: number
  readonly length: number
  /** A further factor that depends on the top variables alone, or `null`. Needs a single line. */
  readonly coarse: Coarse | null
  /** Variables within a line; the next ones number the lines. */
  readonly lineBits: number
  /** All variables. With fewer than the batch it ends early and then counts as a constant. */
  readonly variables: number
  /**
   * What sums over the lines once `lineBits` variables are bound: from their values and the factors'.
   * `null`: the same factors do.
   */
  readonly next: ((bound: Elements, ends: readonly Element[]) => Summand) | null
}

export type Proven = {
  readonly messages: Elements
  readonly point: Elements
  /** The factors' values at the end point, summand by summand. */
  readonly ends: readonly (readonly Element[])[]
}

/** Proves `Σ_summands coefficient · Σ_positions Π factors`. */
export function proveSums(
  kernels: Kernels,
  summands: readonly Summand[],
  rounds: number,
  roundDegree: number,
  challenge: Challenge,
): Proven {
  const messages: Elements[] = []
  const point = new Uint32Array(words * rounds)
  let live = summands
  for (let round = 0; round < rounds; round++) {
    const message = new Uint32Array(words * roundDegree)
    for (const summand of live) addRound(kernels, message, summand, round, roundDegree)
    messages.push(message)
    const r = challenge(message)
    point.set(r, words * round)
    const bound = point.subarray(0, words * (round + 1))
    live = live.map((summand) => bind(kernels, summand, bound))
  }
  const ends = live.map(({ factors }) => factors.map((factor) => factor.slice(0, words)))
  return { messages: join(messages), point, ends }
}

/** Adds a summand's values at 0, 2, …, degree. */
function addRound(
  kernels: Kernels,
  message: Elements,
  summand: Summand,
  round: number,
  roundDegree: number,
): void {
  const { coefficient, factors, coarse, variables } = summand
  if (round >= variables) {
    const parts = coarse === null ? factors : [...factors, coarse.values]
    const whole = productOf(parts.map((factor) => factor.slice(0, words)))
    const constant = scaled(times(coefficient, whole), halfPower(round - variables + 1))
    for (let k = 0; k < roundDegree; k++)
      addInto(message, words * k, message, words * k, constant, 0)
    return
  }
  const sums = summandSums(kernels, summand, roundDegree)
  for (let k = 0; k < roundDegree; k++) {
    const value = times(coefficient, at(sums, k))
    addInto(message, words * k, message, words * k, value, 0)
  }
}

function summandSums(kernels: Kernels, summand: Summand, roundDegree: number): Elements {
  const { factors, lines, length, coarse } = summand
  const [a, b] = factors
  if (coarse === null && factors.length === 2)
    return kernels.sumProducts(a!, b!, lines, length, roundDegree)
  if (coarse !== null && coarse.bits > 0 && factors.length === 2 && lines === 1)
    return blockSums(kernels, [a!, b!], length, coarse, roundDegree)
  return sumsAt(summand, roundDegree)
}

/** {@link sumsAt} of a line: a product's sums over each run of positions that share a coarse value. */
function blockSums(
  kernels: Kernels,
  [a, b]: readonly [Elements, Elements],
  length: number,
  { values, bits }: Coarse,
  roundDegree: number,
): Elements {
  const sums = new Uint32Array(words * roundDegree)
  const size = 2 ** bits
  for (let from = 0; from < length; from += size) {
    const to = Math.min(length, from + size)
    const run = (factor: Elements) => factor.subarray(words * from, words * to)
    const part = kernels.sumProducts(run(a), run(b), 1, to - from, roundDegree)
    const weight = at(values, from / size)
    for (let k = 0; k < roundDegree; k++)
      addInto(sums, words * k, sums, words * k, times(weight, at(part, k)), 0)
  }
  return sums
}

/** `Σ_pairs a(x)·b(x)` at x = 0, 2, …, degree; a missing last partner is 0. */
export function sumProducts(
  a: Elements,
  b: Elements,
  lines: number,
  length: number,
  roundDegree: number,
): Elements {
  return sumsAt({ factors: [a, b], lines, length, coarse: null }, roundDegree)
}

type Terms = Pick<Summand, 'factors' | 'lines' | 'length' | 'coarse'>

function sumsAt(terms: Terms, roundDegree: number): Elements {
  return join(Array.from({ length: roundDegree }, (_, k) => sumAt(terms, k === 0 ? 0 : k + 1)))
}

/** `Σ_pairs Π_factors (low + x·(high − low))`. */
function sumAt(summand: Terms, x: number): Element {
  const { lines, length } = summand
  const total = new Uint32Array(words)
  for (let line = 0; line < lines; line++)
    for (let i = 0; i < length; i += 2) {
      productAt(summand, line * length + i, i + 1 < length, x)
      addInto(total, 0, total, 0, product, 0)
    }
  return total
}

const product = new Uint32Array(words)
const value = new Uint32Array(words)

/** Into `product`: the factors of the pair that starts at `position`. */
function productAt({ factors, coarse }: Terms, position: number, paired: boolean, x: number): void {
  for (const [f, factor] of factors.entries()) {
    lineAt(f === 0 ? product : value, factor, words * position, paired, x)
    if (f > 0) mulInto(product, 0, product, 0, value, 0)
  }
  if (coarse === null) return
  coarseAt(value, coarse, position, x)
  mulInto(product, 0, product, 0, value, 0)
}

/** `low + x·(high − low)` for x of 0, 2 or 3; a missing high is 0. */
function lineAt(out: Element, factor: Elements, from: number, paired: boolean, x: number): void {
  for (let k = 0; k < words; k++) {
    const low = factor[from + k]!
    const high = paired ? factor[from + words + k]! : 0
    out[k] = x === 0 ? low : reduceDouble(x * high - (x - 1) * low)
  }
}

/** The coarse factor of pair `(i, i + 1)`: constant while both share a value. */
function coarseAt(out: Element, { values, bits }: Coarse, i: number, x: number): void {
  if (bits === 0) lineAt(out, values, words * i, true, x)
  else out.set(at(values, i >>> bits))
}

function bindCoarse({ foldLines }: Kernels, { values, bits }: Coarse, r: Element): Coarse {
  if (bits > 0) return { values, bits: bits - 1 }
  return { values: foldLines(values, 1, count(values), r), bits }
}

/** @param bound - all challenges so far; the last is new. */
function bind(kernels: Kernels, summand: Summand, bound: Elements): Summand {
  const { factors, lines, length, lineBits, variables, next } = summand
  const round = count(bound) - 1
  const r = at(bound, round)
  if (round >= variables) return summand
  const folded = factors.map((factor) => kernels.foldLines(factor, lines, length, r))
  if (next !== null && round + 1 === lineBits)
    return next(
      bound.slice(),
      folded.map((factor) => factor.slice(0, words)),
    )
  const half = (length + 1) >>> 1
  const coarse = summand.coarse === null ? null : bindCoarse(kernels, summand.coarse, r)
  // When a line is one position, the lines become the positions.
  return round + 1 === lineBits
    ? { ...summand, coarse, factors: folded, lines: 1, length: lines * half }
    : { ...summand, coarse, factors: folded, length: half }
}

/** A vector alone on its line. */
export function vectorSummand(
  coefficient: Element,
  factors: readonly Elements[],
  variables: number,
): Summand {
  return {
    coefficient,
    coarse: null,
    factors,
    lines: 1,
    length: count(factors[0]!),
    lineBits: variables,
    variables,
    next: null,
  }
}
