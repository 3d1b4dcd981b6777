/**
 * DEVNET ONLY. Proving keys whose secrets follow from a public text: whoever knows the text (everybody)
 * can forge proofs under them. Since nothing is secret, each point is one multiple of a generator and
 * no ceremony is computed: seconds instead of many minutes, and the same bytes on every machine.
 * A chain with something to lose runs `scripts/ceremony.ts` instead.
 *
 * @see Groth, eprint 2016/260, section 3.2 (setup)
 */
import { blake2b } from '@noble/hashes/blake2.js'
import { concatBytes, uintBytes, utf8ToBytes } from '../primitives/bytes.ts'
import { hashOf, hashToUint } from '../primitives/hash.ts'
import { baseOrder, scalarOrder } from './bn254.ts'
import type { FixedBase } from './fixedBase.ts'
import type { Combination, R1cs } from './r1cs.ts'
import { inverse, lagrangeAt, mod, power } from './scalarField.ts'

/** The secrets of a setup. */
type Trapdoor = {
  readonly tau: bigint
  readonly alpha: bigint
  readonly beta: bigint
  readonly delta: bigint
}

/** The secret named `role` of the setup named `seed`; never 0. */
function secret(seed: string, role: string): bigint {
  return (
    1n + (hashToUint(hashOf(`waggle/devnet setup/${role}`, utf8ToBytes(seed))) % (scalarOrder - 1n))
  )
}

/** A `.zkey` file for Groth16, as snarkjs reads it, with no contributions. */
export function devnetGroth16(base: FixedBase, r1cs: R1cs, seed: string): Uint8Array {
  const trapdoor = {
    tau: secret(seed, 'tau'),
    alpha: secret(seed, 'alpha'),
    beta: secret(seed, 'beta'),
    delta: secret(seed, r1csName(r1cs)),
  }
  return groth16Key(base, r1cs, trapdoor)
}

/** Each circuit has its own delta, as after a second phase of its own. */
function r1csName({ wires, constraints }: R1cs): string {
  return `delta of ${wires} wires, ${constraints.length} constraints`
}

function groth16Key(
  base: FixedBase,
  r1cs: R1cs,
  { tau, alpha, beta, delta }: Trapdoor,
): Uint8Array {
  const publics = r1cs.publicOutputs + r1cs.publicInputs
  const log = Math.max(1, bitsOf(r1cs.constraints.length + publics))
  const size = 2 ** log
  const { a, b, c } = wirePolynomials(r1cs, lagrangeAt(tau, log, size))
  const joint = a.map((value, wire) => mod(beta * value + alpha * b[wire]! + c[wire]!))
  const perDelta = inverse(delta)
  // Quotients are told by their values at the odd points of the domain of twice the size.
  const odd = lagrangeAt(tau, log + 1, 2 * size).filter((_, i) => i % 2 === 1)
  const scaled = (values: readonly bigint[]) => base.g1(values.map((v) => mod(v * perDelta)))
  const header = concatBytes(
    ...[u32(32), littleEndian(baseOrder), u32(32), littleEndian(scalarOrder)],
    ...[u32(r1cs.wires), u32(publics), u32(size)],
    ...[base.g1([alpha]), base.g1([beta]), base.g2([beta]), base.g2([1n])],
    ...[base.g1([delta]), base.g2([delta])],
  )
  return fileOf('zkey', [
    [1, u32(1)],
    [2, header],
    [3, base.g1(joint.slice(0, publics + 1))],
    [4, coefficients(r1cs, publics)],
    [5, base.g1(a)],
    [6, base.g1(b)],
    [7, base.g2(b)],
    [8, scaled(joint.slice(publics + 1))],
    [9, scaled(odd)],
    [10, concatBytes(blake2b(header, { dkLen: 64 }), u32(0))],
  ])
}

/** The three polynomials of every wire, at tau. */
function wirePolynomials(r1cs: R1cs, lagrange: readonly bigint[]) {
  const zeros = () => new Array<bigint>(r1cs.wires).fill(0n)
  const [a, b, c] = [zeros(), zeros(), zeros()] as const
  const addTo = (sums: bigint[], terms: Combination, at: bigint) => {
    for (const [wire, factor] of terms) sums[wire] = (sums[wire]! + factor * at) % scalarOrder
  }
  for (const [i, constraint] of r1cs.constraints.entries()) {
    addTo(a, constraint.a, lagrange[i]!)
    addTo(b, constraint.b, lagrange[i]!)
    addTo(c, constraint.c, lagrange[i]!)
  }
  // `input · 0 = 0` for the constant and every public input keeps their polynomials independent.
  for (let wire = 0; wire <= r1cs.publicOutputs + r1cs.publicInputs; wire++)
    a[wire] = mod(a[wire]! + lagrange[r1cs.constraints.length + wire]!)
  return { a, b, c }
}

/** What snarkjs multiplies the witness by: matrix, constraint, wire, and the factor in Montgomery form twice. */
function coefficients(r1cs: R1cs, publics: number): Uint8Array {
  const rows: (readonly [matrix: number, row: number, wire: number, factor: bigint])[] = []
  for (const [row, { a, b }] of r1cs.constraints.entries()) {
    for (const [wire, factor] of a) rows.push([0, row, wire, factor])
    for (const [wire, factor] of b) rows.push([1, row, wire, factor])
  }
  for (let wire = 0; wire <= publics; wire++)
    rows.push([0, r1cs.constraints.length + wire, wire, 1n])
  const twice = power(2n, 512n)
  const bytes = new Uint8Array(4 + rows.length * 44)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, rows.length, true)
  for (const [i, [matrix, row, wire, factor]] of rows.entries()) {
    const at = 4 + i * 44
    view.setUint32(at, matrix, true)
    view.setUint32(at + 4, row, true)
    view.setUint32(at + 8, wire, true)
    bytes.set(littleEndian(mod(factor * twice)), at + 12)
  }
  return bytes
}

/**
 * The part of a prepared `.ptau` file that a PLONK setup of up to 2^log gates reads: powers of tau, and
 * the Lagrange points of every domain up to that size.
 */
export function devnetPowers(base: FixedBase, log: number, seed: string): Uint8Array {
  const tau = secret(seed, 'tau')
  const powers = [1n]
  for (let i = 1; i < 2 ** (log + 1) - 1; i++) powers.push(mod(powers[i - 1]! * tau))
  const lagrange = Array.from({ length: log + 1 }, (_, p) => lagrangeAt(tau, p, 2 ** p)).flat()
  return fileOf('ptau', [
    [1, concatBytes(u32(32), littleEndian(baseOrder), u32(log), u32(log))],
    [2, base.g1(powers)],
    [3, base.g2([1n, tau])],
    [12, base.g1(lagrange)],
  ])
}

/** The format that circom and snarkjs share: a magic word, a version, numbered sections. */
function fileOf(
  magic: string,
  sections: readonly (readonly [number: number, body: Uint8Array])[],
): Uint8Array {
  const parts = sections.flatMap(([number, body]) => [u32(number), u64(body.length), body])
  return concatBytes(utf8ToBytes(magic), u32(1), u32(sections.length), ...parts)
}

function u32(value: number): Uint8Array {
  return uintBytes(value, 4).reverse()
}

function u64(value: number): Uint8Array {
  return uintBytes(value, 8).reverse()
}

function littleEndian(value: bigint): Uint8Array {
  return uintBytes(value, 32).reverse()
}

/** Bits of a whole number: the least log with `value < 2^log`. */
function bitsOf(value: number): number {
  return value.toString(2).length
}
