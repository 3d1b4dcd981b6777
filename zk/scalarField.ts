/**
 * Arithmetic on BN254's scalars: the field of circuits.
 */
import { scalarOrder } from './bn254.ts'

/** A generator of the group of order 2^28 of roots of unity: 5 to the power (order − 1) / 2^28. */
const topRoot = 19103219067921713944291392827692070036145651957329286315305642004821462161904n
export const maxRootPower = 28

/** Reduced to 0..order − 1. */
export function mod(value: bigint): bigint {
  const rest = value % scalarOrder
  return rest < 0n ? rest + scalarOrder : rest
}

export function power(base: bigint, exponent: bigint): bigint {
  let result = 1n
  let square = mod(base)
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = mod(result * square)
    square = mod(square * square)
  }
  return result
}

/** By Fermat; 0 stays 0. */
export function inverse(value: bigint): bigint {
  return power(value, scalarOrder - 2n)
}

/** The inverses of many, none of them 0, for the price of one. */
export function inverses(values: readonly bigint[]): readonly bigint[] {
  const before: bigint[] = []
  let product = 1n
  for (const value of values) {
    before.push(product)
    product = mod(product * value)
  }
  let rest = inverse(product)
  const result: bigint[] = new Array(values.length)
  for (let i = values.length - 1; i >= 0; i--) {
    result[i] = mod(rest * before[i]!)
    rest = mod(rest * values[i]!)
  }
  return result
}

/** The root of unity that generates the domain of 2^log points. */
export function rootOfUnity(log: number): bigint {
  return power(topRoot, 1n << BigInt(maxRootPower - log))
}

/**
 * `L_0(x) … L_(count−1)(x)` of the domain of 2^log points: `ω^i · (x^n − 1) / (n · (x − ω^i))`. `x`
 * lies outside the domain.
 */
export function lagrangeAt(x: bigint, log: number, count: number): readonly bigint[] {
  const size = 1n << BigInt(log)
  const omega = rootOfUnity(log)
  const roots: bigint[] = [1n]
  for (let i = 1; i < count; i++) roots.push(mod(roots[i - 1]! * omega))
  const scale = mod(power(x, size) - 1n)
  const bottoms = inverses(roots.map((root) => mod(size * mod(x - root))))
  return roots.map((root, i) => mod(mod(root * scale) * bottoms[i]!))
}
