/**
 * The pairing-friendly curve BN254 (alt_bn128) as data: orders, affine points, membership, and what an
 * implementation of its group arithmetic must offer.
 *
 * @see EIP-196, EIP-197
 */

/** Order of the groups: scalars and public inputs lie below it. */
export const scalarOrder =
  21888242871839275222246405745257275088548364400416034343698204186575808495617n

/** Order of the field of coordinates. */
export const baseOrder =
  21888242871839275222246405745257275088696311157297823662689037894645226208583n

/** An affine point; never the point at infinity. */
export type G1 = { readonly x: bigint; readonly y: bigint }

/** `c0 + c1·u` with `u² = −1`. */
export type Fp2 = readonly [c0: bigint, c1: bigint]

export type G2 = { readonly x: Fp2; readonly y: Fp2 }

/** Group arithmetic. Callers pass points that {@link isOnCurve} and `isInGroup` accepted. */
export type Curve = {
  /** Whether a point of the twist (see {@link isOnTwist}) has the groups' order. */
  readonly isInGroup: (point: G2) => boolean
  /** `Σ scalars[i] · points[i]`; null is the point at infinity. Scalars below {@link scalarOrder}. */
  readonly combine: (points: readonly G1[], scalars: readonly bigint[]) => G1 | null
  /** Whether the product of the pairings is one. */
  readonly pairsToOne: (pairs: readonly (readonly [G1, G2])[]) => boolean
}

export const g1Generator: G1 = { x: 1n, y: 2n }

export const g2Generator: G2 = {
  x: [
    10857046999023057135944570762232829481370756359578518086990519993285655852781n,
    11559732032986387107991004021392285783925812861821192530917403151452391805634n,
  ],
  y: [
    8495653923123431417604973247489272438418190587263600148770280649306958101930n,
    4082367875863433681332203403145435568316851327593401208105741076214120093531n,
  ],
}

/** `y² = x³ + 3`, coordinates reduced. Every such point has the groups' order. */
export function isOnCurve({ x, y }: G1): boolean {
  return reduced(x) && reduced(y) && (y * y - x * x * x - 3n) % baseOrder === 0n
}

/** `y² = x³ + 3/(9 + u)`, coordinates reduced; the order of the point may be wrong. */
export function isOnTwist({ x, y }: G2): boolean {
  if (![...x, ...y].every(reduced)) return false
  const right = multiply(multiply(x, x), x)
  const left = multiply(y, y)
  return (
    (left[0] - right[0] - twist[0]) % baseOrder === 0n &&
    (left[1] - right[1] - twist[1]) % baseOrder === 0n
  )
}

export function negate({ x, y }: G1): G1 {
  return { x, y: y === 0n ? 0n : baseOrder - y }
}

/** 3/(9 + u) */
const twist: Fp2 = [
  19485874751759354771024239261021720505790618469301721065564631296452457478373n,
  266929791119991161246907387137283842545076965332900288569378510910307636690n,
]

function reduced(value: bigint): boolean {
  return value >= 0n && value < baseOrder
}

function multiply([a, b]: Fp2, [c, d]: Fp2): Fp2 {
  return [(a * c - b * d) % baseOrder, (a * d + b * c) % baseOrder]
}
