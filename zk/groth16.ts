/**
 * Groth16: keys and proofs as they come from outside, and the verifier. Total: every input gets a
 * verdict. A proof can be re-randomised by anybody, so its bytes name nothing; what must happen once
 * is named by a nullifier among the public inputs.
 *
 * @see Groth, eprint 2016/260
 */
import { ok, type Result, refuse } from '../primitives/result.ts'
import { type Curve, type G1, type G2, negate, scalarOrder } from './bn254.ts'
import { g1At, g2At, wordsOf } from './words.ts'

export type Groth16Key = {
  readonly protocol: 'groth16'
  readonly alpha: G1
  readonly beta: G2
  readonly gamma: G2
  readonly delta: G2
  /** One point for the constant and one for each public input. */
  readonly inputs: readonly G1[]
}

export type ProofFault =
  | { readonly code: 'zk/inputCount'; readonly expected: bigint; readonly got: bigint }
  /** A public input is not below the groups' order. */
  | { readonly code: 'zk/inputRange'; readonly index: bigint }
  /** Wrong length, or `word` begins a point or scalar that is none. */
  | { readonly code: 'zk/malformedProof'; readonly word: bigint }
  | { readonly code: 'zk/wrongProof' }

export type KeyFault =
  | { readonly code: 'zk/keyLength'; readonly got: bigint }
  /** `word` begins a point that is at infinity, off its curve or outside the subgroup. */
  | { readonly code: 'zk/keyPoint'; readonly word: bigint }

/** Bytes of a proof: A, B, C. */
export const groth16ProofBytes = 256

/** More inputs are hashed by a circuit into one. */
export const maxPublicInputs = 64

/** Words of a key before the points of the inputs. */
const fixedWords = 14

export function parseGroth16Key(curve: Curve, bytes: Uint8Array): Result<Groth16Key, KeyFault> {
  const points = (bytes.length / 32 - fixedWords) / 2
  if (!Number.isInteger(points) || points < 1 || points > maxPublicInputs + 1)
    return refuse({ code: 'zk/keyLength', got: BigInt(bytes.length) })
  const words = wordsOf(bytes, fixedWords + 2 * points)!
  const alpha = g1At(words, 0)
  if (alpha === null) return badPoint(0)
  const [beta, gamma, delta] = [2, 6, 10].map((at) => g2At(curve, words, at))
  if (!beta) return badPoint(2)
  if (!gamma) return badPoint(6)
  if (!delta) return badPoint(10)
  const inputs: G1[] = []
  for (let i = 0; i < points; i++) {
    const at = fixedWords + 2 * i
    // Infinity is refused, too: an input that meets it is not bound by the proof.
    const point = g1At(words, at)
    if (point === null) return badPoint(at)
    inputs.push(point)
  }
  return ok({ protocol: 'groth16', alpha, beta, gamma, delta, inputs })
}

function badPoint(word: number): ReturnType<typeof refuse<KeyFault>> {
  return refuse({ code: 'zk/keyPoint', word: BigInt(word) })
}

/** Whether `proof` shows the statement that `key` and `inputs` make. */
export function verifyGroth16(
  curve: Curve,
  key: Groth16Key,
  inputs: readonly bigint[],
  proof: Uint8Array,
): Result<true, ProofFault> {
  const sound = checkInputs(inputs, key.inputs.length - 1)
  if (sound !== null) return sound
  const words = wordsOf(proof, groth16ProofBytes / 32)
  if (words === null) return malformed(0)
  const a = g1At(words, 0)
  if (a === null) return malformed(0)
  const b = g2At(curve, words, 2)
  if (b === null) return malformed(2)
  const c = g1At(words, 6)
  if (c === null) return malformed(6)
  const statement = curve.combine(key.inputs, [1n, ...inputs])
  const pairs: (readonly [G1, G2])[] = [
    [negate(a), b],
    [key.alpha, key.beta],
    [c, key.delta],
  ]
  // A point at infinity pairs to one.
  if (statement !== null) pairs.push([statement, key.gamma])
  return curve.pairsToOne(pairs) ? ok(true) : refuse({ code: 'zk/wrongProof' })
}

export function malformed(word: number): ReturnType<typeof refuse<ProofFault>> {
  return refuse({ code: 'zk/malformedProof', word: BigInt(word) })
}

/** Number and range of public inputs; null if they are sound. */
export function checkInputs(
  inputs: readonly bigint[],
  expected: number,
): ReturnType<typeof refuse<ProofFault>> | null {
  if (inputs.length !== expected)
    return refuse({
      code: 'zk/inputCount',
      expected: BigInt(expected),
      got: BigInt(inputs.length),
    })
  const index = inputs.findIndex((input) => input < 0n || input >= scalarOrder)
  return index === -1 ? null : refuse({ code: 'zk/inputRange', index: BigInt(index) })
}
