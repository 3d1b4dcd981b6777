/**
 * PLONK as snarkjs writes it: no ceremony of its own for a circuit, at the price of a larger proof and
 * more work for the prover. Total: every input gets a verdict.
 *
 * @see Gabizon, Williamson, Ciobotaru, eprint 2019/953, section 8.3 (verifier algorithm)
 */
import { keccak_256 } from '@noble/hashes/sha3.js'
import { bytesToUint } from '../primitives/bytes.ts'
import { ok, type Result, refuse } from '../primitives/result.ts'
import {
  type Curve,
  type G1,
  type G2,
  g1Generator,
  g2Generator,
  negate,
  scalarOrder,
} from './bn254.ts'
import {
  checkInputs,
  type KeyFault,
  malformed,
  maxPublicInputs,
  type ProofFault,
} from './groth16.ts'
import { lagrangeAt, maxRootPower, mod, rootOfUnity, power as toPower } from './scalarField.ts'
import { bytesOfWords, g1At, g1Words, g2At, wordsOf } from './words.ts'

export type PlonkKey = {
  readonly protocol: 'plonk'
  /** The circuit has 2^power gates. */
  readonly power: number
  readonly publicInputs: number
  /** Cosets of the second and third wire. */
  readonly k1: bigint
  readonly k2: bigint
  /** Selectors, in this order: product, left, right, output, constant. */
  readonly selectors: readonly G1[]
  /** The permutation's three polynomials. */
  readonly permutation: readonly G1[]
  /** The secret of the powers of tau, in the second group. */
  readonly tau: G2
}

/** Bytes of a proof: nine points and six evaluations. */
export const plonkProofBytes = 768

const keyWords = 4 + 16 + 4

/** Words: power, number of inputs, k1, k2, five selectors, three of the permutation, tau. */
export function parsePlonkKey(curve: Curve, bytes: Uint8Array): Result<PlonkKey, KeyFault> {
  const words = wordsOf(bytes, keyWords)
  if (words === null) return refuse({ code: 'zk/keyLength', got: BigInt(bytes.length) })
  const [power, publicInputs, k1, k2] = words as [bigint, bigint, bigint, bigint]
  const cosets = distinctCosets(k1, k2, power)
  if (power < 2n || power > BigInt(maxRootPower)) return badWord(0)
  if (publicInputs > BigInt(maxPublicInputs) || publicInputs >= 1n << power) return badWord(1)
  if (!cosets) return badWord(2)
  const points: G1[] = []
  for (let at = 4; at < 20; at += 2) {
    const point = g1At(words, at)
    if (point === null) return badWord(at)
    points.push(point)
  }
  const tau = g2At(curve, words, 20)
  if (tau === null) return badWord(20)
  return ok({
    protocol: 'plonk',
    power: Number(power),
    publicInputs: Number(publicInputs),
    k1,
    k2,
    selectors: points.slice(0, 5),
    permutation: points.slice(5),
    tau,
  })
}

/** The three wires' places must not meet: H, k1·H and k2·H are different cosets. */
function distinctCosets(k1: bigint, k2: bigint, power: bigint): boolean {
  if (k1 <= 0n || k2 <= 0n || k1 >= scalarOrder || k2 >= scalarOrder) return false
  if (power > BigInt(maxRootPower)) return false
  const images = [1n, k1, k2].map((k) => toPower(k, 1n << power))
  return new Set(images).size === 3
}

function badWord(word: number): ReturnType<typeof refuse<KeyFault>> {
  return refuse({ code: 'zk/keyPoint', word: BigInt(word) })
}

/** Whether `proof` shows the statement that `key` and `inputs` make. */
export function verifyPlonk(
  curve: Curve,
  key: PlonkKey,
  inputs: readonly bigint[],
  proof: Uint8Array,
): Result<true, ProofFault> {
  const sound = checkInputs(inputs, key.publicInputs)
  if (sound !== null) return sound
  const words = wordsOf(proof, plonkProofBytes / 32)
  if (words === null) return malformed(0)
  const points: G1[] = []
  for (let at = 0; at < 18; at += 2) {
    const point = g1At(words, at)
    if (point === null) return malformed(at)
    points.push(point)
  }
  const evaluations = words.slice(18)
  const wrong = evaluations.findIndex((value) => value >= scalarOrder)
  if (wrong !== -1) return malformed(18 + wrong)
  return checkOpenings(curve, key, inputs, points, evaluations)
    ? ok(true)
    : refuse({ code: 'zk/wrongProof' })
}

/** Steps 4 to 12 of the paper's verifier. */
function checkOpenings(
  curve: Curve,
  key: PlonkKey,
  inputs: readonly bigint[],
  points: readonly G1[],
  evaluations: readonly bigint[],
): boolean {
  const [a, b, c, z, t1, t2, t3, wxi, wxiw] = points as Nine<G1>
  const [ea, eb, ec, es1, es2, ezw] = evaluations as Six<bigint>
  const [qm, ql, qr, qo, qc] = key.selectors as Five<G1>
  const [s1, s2, s3] = key.permutation as readonly [G1, G1, G1]

  const beta = challenge([
    ...key.selectors.flatMap(g1Words),
    ...key.permutation.flatMap(g1Words),
    ...inputs,
    ...[a, b, c].flatMap(g1Words),
  ])
  const gamma = challenge([beta])
  const alpha = challenge([beta, gamma, ...g1Words(z)])
  const xi = challenge([alpha, ...[t1, t2, t3].flatMap(g1Words)])
  const v = challenge([xi, ...evaluations])
  const u = challenge([wxi, wxiw].flatMap(g1Words))

  const xin = toPower(xi, 1n << BigInt(key.power))
  const zh = mod(xin - 1n)
  // xi is a root of unity with a chance of 2^-226; the Lagrange polynomials would divide by zero.
  if (zh === 0n) return false
  const omega = rootOfUnity(key.power)
  const lagrange = lagrangeAt(xi, key.power, Math.max(1, key.publicInputs))
  let publicPart = 0n
  for (const [i, input] of inputs.entries()) publicPart = mod(publicPart - input * lagrange[i]!)
  const l1 = lagrange[0]!
  const alpha2 = mod(alpha * alpha)
  const left = mod(ea + beta * es1 + gamma)
  const middle = mod(eb + beta * es2 + gamma)
  const r0 = mod(publicPart - l1 * alpha2 - left * middle * mod(ec + gamma) * mod(ezw * alpha))

  const betaXi = mod(beta * xi)
  const wires =
    mod(ea + betaXi + gamma) * mod(eb + betaXi * key.k1 + gamma) * mod(ec + betaXi * key.k2 + gamma)
  const ofZ = mod(mod(wires) * alpha + l1 * alpha2 + u)
  const ofS3 = mod(left * middle * mod(mod(alpha * beta) * ezw))
  const [v2, v3, v4, v5] = powers(v)
  const e = mod(-r0 + v * ea + v2 * eb + v3 * ec + v4 * es1 + v5 * es2 + u * ezw)
  const uXiOmega = mod(mod(u * xi) * omega)

  const terms: readonly (readonly [G1, bigint])[] = [
    ...([
      [qm, ea * eb],
      [ql, ea],
      [qr, eb],
      [qo, ec],
      [qc, 1n],
    ] as const),
    ...([
      [z, ofZ],
      [s3, -ofS3],
      [t1, -zh],
      [t2, -zh * xin],
      [t3, -zh * mod(xin * xin)],
    ] as const),
    ...([
      [a, v],
      [b, v2],
      [c, v3],
      [s1, v4],
      [s2, v5],
      [g1Generator, -e],
    ] as const),
    ...([
      [wxi, xi],
      [wxiw, uXiOmega],
    ] as const),
  ]
  const opened = curve.combine([wxi, wxiw], [1n, u])
  const value = curve.combine(
    terms.map(([point]) => point),
    terms.map(([, factor]) => mod(factor)),
  )
  if (opened === null) return value === null
  if (value === null) return false
  return curve.pairsToOne([
    [negate(opened), key.tau],
    [value, g2Generator],
  ])
}

type Five<T> = readonly [T, T, T, T, T]
type Six<T> = readonly [T, T, T, T, T, T]
type Nine<T> = readonly [T, T, T, T, T, T, T, T, T]

/** Keccak-256 of the words, reduced. */
function challenge(words: readonly bigint[]): bigint {
  return mod(bytesToUint(keccak_256(bytesOfWords(words))))
}

function powers(v: bigint): readonly [bigint, bigint, bigint, bigint] {
  const v2 = mod(v * v)
  const v3 = mod(v2 * v)
  const v4 = mod(v3 * v)
  return [v2, v3, v4, mod(v4 * v)]
}
