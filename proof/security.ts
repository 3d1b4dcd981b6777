/**
 * How hard the step proof is to cheat, computed from its parameters: proven bits, no conjecture, no
 * grinding. Rules P-80 to P-85 of docs/spec/proof.md hold the argument.
 *
 * All arithmetic is in integers rounded against the prover, so every machine derives the same
 * number of queries.
 */
import { babyBear } from '../params/protocol.ts'
import { invariant } from '../primitives/result.ts'
import { remembering } from './memo.ts'

/** Bits that each query term must reach, times 2^40: 100.02. */
const queryTarget = (10_002n << 40n) / 100n
/** Proven bits every proof must have, checked for each shape. */
export const minSoundnessBits = 100

const fieldSize: bigint = BigInt(babyBear) ** 5n
const fractionBits = 40n
/** Scale of error probabilities. */
const unit: bigint = 1n << 256n

/** One Reed–Solomon code: messages of `width` symbols on `length` points. */
export type Code = { readonly width: number; readonly length: number }

/** Unique decoding radius `e = ⌊(δ − 1)/2⌋`, `δ = N − ℓ + 1`. */
export function decodingRadius({ width, length }: Code): number {
  return Math.floor((length - width) / 2)
}

/** Least number of queries for which both query terms reach 100.02 bits. */
export function queriesFor(code: Code): number {
  return knownQueries(`${code.width}/${code.length}`, () => countQueries(code))
}

const knownQueries = remembering<number>(1024)

function countQueries(code: Code): number {
  const { far, close } = missesOf(code)
  const perQuery = far < close ? far : close
  return Number((queryTarget + perQuery - 1n) / perQuery)
}

/** Bits of one query in the far and in the close case, times 2^40, rounded down. */
function missesOf(code: Code): { readonly far: bigint; readonly close: bigint } {
  const length = BigInt(code.length)
  const radius = BigInt(decodingRadius(code))
  return {
    far: log2(length, length - radius - 1n),
    close: log2(length, BigInt(code.width) - 1n + radius),
  }
}

/** Bits of the query terms of `queries` queries, for people and tests. */
export function queryBits(
  code: Code,
  queries: number,
): { readonly far: number; readonly close: number } {
  const { far, close } = missesOf(code)
  const bits = (perQuery: bigint) => (Number(perQuery) / 2 ** Number(fractionBits)) * queries
  return { far: bits(far), close: bits(close) }
}

/** Every quantity that bears on the soundness of one proof. */
export type SoundnessInputs = {
  /** Rows of all tables, `T`. */
  readonly tableRows: number
  /** Lookups, `M`. */
  readonly lookups: number
  /** Those among them that a committed mask counts, `M_m`. */
  readonly maskedLookups: number
  /** Layers of the fraction tree, `D`. */
  readonly treeDepth: number
  readonly nu: number
  readonly beta: number
  /** Product instances. */
  readonly instances: number
  /** Claims of the reduction. */
  readonly claims: number
  /** Variables of the largest column. */
  readonly variables: number
  readonly classes: readonly {
    readonly code: Code
    readonly queries: number
    readonly columns: number
    /** `θ`: fresh coordinates in the weights of the rows. */
    readonly tensorCoordinates: number
  }[]
}

/**
 * Proven bits of soundness of one proof, against one attempt.
 *
 * The destructuring names every field on purpose: a new one does not compile until someone says how
 * it bears on soundness.
 */
export function soundnessBits(inputs: SoundnessInputs): number {
  return knownBits(JSON.stringify(inputs), () => computeBits(inputs))
}

const knownBits = remembering<number>(64)

function computeBits(inputs: SoundnessInputs): number {
  const { tableRows, lookups, maskedLookups, treeDepth, nu, beta, ...others } = inputs
  const { instances, claims, variables, classes, ...rest } = others
  rest satisfies Record<string, never>
  const events = [
    3 * (tableRows + maskedLookups),
    lookups + tableRows,
    treeDepth * (treeDepth - 1) + 2 * treeDepth,
    2 * nu,
    Math.max(0, nu + beta - 15),
    instances - 1,
    3 * (nu + beta),
    claims - 1,
    2 * variables,
    ...classes.map(({ columns }) => ceilLog2(columns)),
  ]
  const interactive = overField(BigInt(events.reduce((sum, n) => sum + n, 0)))
  const worst = classes.map((entry) => queryError(entry)).reduce((a, b) => (a > b ? a : b), 0n)
  return Number(log2(unit, worst + interactive)) / 2 ** Number(fractionBits)
}

function queryError(entry: SoundnessInputs['classes'][number]): bigint {
  const { code, queries, tensorCoordinates, columns: _inInteractive, ...rest } = entry
  rest satisfies Record<string, never>
  const length = BigInt(code.length)
  const radius = BigInt(decodingRadius(code))
  const far =
    overField(BigInt(tensorCoordinates) * length) + power(length - radius - 1n, length, queries)
  const close = power(BigInt(code.width) - 1n + radius, length, queries)
  return far > close ? far : close
}

function overField(events: bigint): bigint {
  return (events * unit) / fieldSize + 1n
}

/** `(numerator/denominator)^exponent` on the scale of {@link unit}, rounded up. */
function power(numerator: bigint, denominator: bigint, exponent: number): bigint {
  let result = unit
  for (let i = 0; i < exponent; i++) result = (result * numerator) / denominator + 1n
  return result
}

/** `log2(a/b)` for `a ≥ b`, times 2^40, rounded down: one bit per squaring (Feynman's algorithm). */
function log2(a: bigint, b: bigint): bigint {
  invariant(a >= b && b > 0n, 'log2: not a ratio above 1')
  const precision = 160n
  let value = (a << precision) / b
  let result = BigInt(value.toString(2).length - 1) - precision
  value >>= result
  for (let i = 0n; i < fractionBits; i++) {
    value = (value * value) >> precision
    result <<= 1n
    if (value >> (precision + 1n) > 0n) {
      value >>= 1n
      result += 1n
    }
  }
  return result
}

/** Bits that count `n` things: `⌈log2 n⌉`, 0 for one. */
export function ceilLog2(n: number): number {
  return n <= 1 ? 0 : 32 - Math.clz32(n - 1)
}
