/**
 * The field of docs/spec/proof.md, P-1 and P-4, in the plainest way: integers of any size, tables
 * written out. Nothing here or beside it knows the code of `proof/`.
 */

export const p = 2_013_265_921n

/** An element of E: five coefficients, lowest power of x first, `x^5 = 2`. */
export type E = readonly bigint[]

export const zero: E = [0n, 0n, 0n, 0n, 0n]
export const one: E = [1n, 0n, 0n, 0n, 0n]

const mod = (value: bigint) => ((value % p) + p) % p

export function int(value: number | bigint): E {
  return [mod(BigInt(value)), 0n, 0n, 0n, 0n]
}

export function add(...terms: readonly E[]): E {
  return [0, 1, 2, 3, 4].map((k) => mod(terms.reduce((sum, term) => sum + term[k]!, 0n)))
}

export function sub(a: E, b: E): E {
  return a.map((value, k) => mod(value - b[k]!))
}

export function mul(a: E, b: E): E {
  const product = Array.from({ length: 9 }, () => 0n)
  for (let i = 0; i < 5; i++) for (let j = 0; j < 5; j++) product[i + j]! += a[i]! * b[j]!
  return [0, 1, 2, 3, 4].map((k) => mod(product[k]! + 2n * (product[k + 5] ?? 0n)))
}

export function scale(a: E, by: number | bigint): E {
  return a.map((value) => mod(value * BigInt(by)))
}

export function same(a: E, b: E): boolean {
  return a.every((value, k) => value === b[k])
}

export function powBase(base: bigint, exponent: bigint): bigint {
  let [result, square] = [1n, mod(base)]
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * square) % p
    square = (square * square) % p
  }
  return result
}

/** `2^(−n)`. */
export function halves(n: number): bigint {
  return powBase(powBase(2n, BigInt(n)), p - 2n)
}

/** `γ^0, γ^1, …`. */
export function powers(of: E, n: number): readonly E[] {
  const list: E[] = []
  for (let i = 0, next = one; i < n; i++, next = mul(next, of)) list.push(next)
  return list
}

/** `eq(r, i)` for every `i < 2^|r|`. */
export function eqAll(r: readonly E[]): readonly E[] {
  let table: readonly E[] = [one]
  for (const coordinate of r) {
    const high = table.map((value) => mul(value, coordinate))
    table = [...table.map((value, i) => sub(value, high[i]!)), ...high]
  }
  return table
}

/** `eq(r, s)`. */
export function eq(r: readonly E[], s: readonly E[]): E {
  return r.reduce((product, a, t) => {
    const both = mul(a, s[t]!)
    return mul(product, add(one, scale(add(a, s[t]!), -1), both, both))
  }, one)
}

export function sum(terms: readonly E[]): E {
  return terms.reduce((total, term) => add(total, term), zero)
}

/** `lt(n, r)`: indices that leave n at bit t, for every bit t that n has. */
export function below(n: number, r: readonly E[]): E {
  if (n === 2 ** r.length) return one
  let total = zero
  let above = one
  for (let t = r.length - 1; t >= 0; t--) {
    const low = sub(one, r[t]!)
    const bit = Math.floor(n / 2 ** t) % 2
    if (bit === 1) total = add(total, mul(above, low))
    above = mul(above, bit === 1 ? r[t]! : low)
  }
  return total
}

/** `eqBelow(n, a, b)`. */
export function eqBelow(n: number, a: readonly E[], b: readonly E[]): E {
  const [left, right] = [eqAll(a), eqAll(b)]
  return sum(left.slice(0, n).map((value, i) => mul(value, right[i]!)))
}

/** The extension of integers at `r`, those that are missing counted 0. */
export function extension(values: ArrayLike<number>, r: readonly E[]): E {
  const weights = eqAll(r)
  return sum(Array.from(values, (value, i) => scale(weights[i]!, value)))
}

/**
 * The round polynomial at `r`, from its values at 0, 2, 3, …; the value at 1 is `claim − value(0)`.
 */
export function roundAt(claim: E, message: readonly E[], r: E): E {
  const [first, ...others] = message
  const values = [first!, sub(claim, first!), ...others]
  return add(
    zero,
    ...values.map((value, i) => {
      let [top, bottom] = [value, 1n]
      for (let j = 0; j < values.length; j++) {
        if (j === i) continue
        top = mul(top, sub(r, int(j)))
        bottom *= BigInt(i - j)
      }
      return scale(top, powBase(mod(bottom), p - 2n))
    }),
  )
}
