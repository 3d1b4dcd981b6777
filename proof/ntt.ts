/**
 * Number-theoretic transforms: a polynomial's values on the N-th roots of unity, in natural order
 * (`value i` at `ω^i`). Decimation in time over bit-reversed coefficients (Cooley and Tukey 1965).
 */
import { invariant } from '../primitives/result.ts'
import { inverseOrder, mulMod, order, rootOfUnity } from './babyBear.ts'

/** Twiddle factors of one size. */
export type Domain = {
  /** A power of two. */
  readonly size: number
  /** Powers of the roots, stage by stage: stage of half-width h takes `[h, 2h)`. */
  readonly twiddles: Int32Array
  /** A little less than `twiddle / p`, so that quotients are never too large. */
  readonly ratios: Float64Array
}

/** Outweighs the rounding of the two products before a quotient. */
const below = 1 - 2 ** -50

export function domainOf(size: number): Domain {
  const known = domains.get(size)
  if (known !== undefined) return known
  const made = makeDomain(size)
  domains.set(size, made)
  return made
}

/** Made once each; there are at most 20 sizes. */
const domains = new Map<number, Domain>()

function makeDomain(size: number): Domain {
  invariant(size >= 2 && (size & (size - 1)) === 0, `domainOf: ${size} is no power of two`)
  const twiddles = new Int32Array(size)
  const ratios = new Float64Array(size)
  for (let half = 1; half < size; half *= 2) {
    const root = rootOfUnity(2 * half)
    let power = 1
    for (let i = 0; i < half; i++) {
      twiddles[half + i] = power
      ratios[half + i] = power * inverseOrder * below
      power = mulMod(power, root)
    }
  }
  return { size, twiddles, ratios }
}

/**
 * Values of the polynomial with these coefficients (of magnitude below p, at most half as many as the domain has
 * points) into `out[offset..]`.
 */
export function evaluateOnDomain(
  domain: Domain,
  coefficients: ArrayLike<number>,
  out: Uint32Array,
  offset = 0,
): void {
  const { size } = domain
  // Signed words: values stay below 2^31, and engines are quicker with them.
  const values = new Int32Array(out.buffer, out.byteOffset + 4 * offset, size)
  // Missing coefficients make the first stages copies: each coefficient fills a run of `run` values.
  let run = 1
  while (2 * run * coefficients.length <= size) run *= 2
  const groups = size / run
  const shift = 32 - (31 - Math.clz32(groups))
  for (let group = 0; group < groups; group++) {
    const source = groups === 1 ? 0 : reverseBits(group) >>> shift
    const value = source < coefficients.length ? coefficients[source]! : 0
    values.fill(value < 0 ? value + order : value, group * run, (group + 1) * run)
  }
  for (let half = run; half < size; half *= 2) stage(domain, values, half)
}

/** Butterflies `(low + t, low − t)`, `t = high · twiddle`, without branches: `x >> 31` is a mask. */
function stage({ size, twiddles, ratios }: Domain, values: Int32Array, half: number): void {
  for (let start = 0; start < size; start += 2 * half)
    for (let i = 0; i < half; i++) {
      const low = values[start + i]!
      const high = values[start + half + i]!
      // The quotient is right or one too small: the rest lies in [0, p + 2^12).
      const quotient = (high * ratios[half + i]!) | 0
      const rest = (Math.imul(high, twiddles[half + i]!) - Math.imul(quotient, order) - order) | 0
      const term = (rest + (order & (rest >> 31))) | 0
      const sum = (low + term - order) | 0
      const difference = (low - term) | 0
      values[start + i] = (sum + (order & (sum >> 31))) | 0
      values[start + half + i] = (difference + (order & (difference >> 31))) | 0
    }
}

function reverseBits(value: number): number {
  let x = value
  x = ((x >>> 1) & 0x55555555) | ((x & 0x55555555) << 1)
  x = ((x >>> 2) & 0x33333333) | ((x & 0x33333333) << 2)
  x = ((x >>> 4) & 0x0f0f0f0f) | ((x & 0x0f0f0f0f) << 4)
  x = ((x >>> 8) & 0x00ff00ff) | ((x & 0x00ff00ff) << 8)
  return ((x >>> 16) | (x << 16)) >>> 0
}
