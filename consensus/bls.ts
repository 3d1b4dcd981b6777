/**
 * BLS12-381 signatures of validators: keys in G1 (48 bytes compressed), signatures in G2 (96 bytes), the
 * proof-of-possession ciphersuite, so that signatures of one message add up to one.
 *
 * Every check is total: bytes that are no point, points outside the subgroup and the point at infinity
 * give `false`. `blsNoble.ts` answers the same questions with another library, and alone knows proofs of
 * possession, whose hash this library cannot be told to use.
 *
 * @see draft-irtf-cfrg-bls-signature-05, section 4.2.3
 */
import {
  aggregateSignatures,
  aggregateWithRandomness,
  fastAggregateVerify as blstFastAggregateVerify,
  verify as blstVerify,
  PublicKey,
  SecretKey,
  Signature,
  type SignatureSet,
  verifyMultipleAggregateSignatures,
} from '@chainsafe/blst'
import {
  concatBytes,
  fromHex,
  type Hex,
  toHex,
  uintBytes,
  utf8ToBytes,
} from '../primitives/bytes.ts'
import { invariant } from '../primitives/result.ts'

const signatureBytes = 96

/** One signature that somebody claims. */
export type SignatureCheck = {
  readonly publicKey: Hex
  readonly message: Uint8Array
  readonly signature: Uint8Array
}

/** A secret key (32 bytes) from at least 32 bytes of randomness. */
export function secretKeyFrom(randomness: Uint8Array): Uint8Array {
  invariant(randomness.length >= 32, `secretKeyFrom: ${randomness.length} bytes of randomness`)
  return Uint8Array.from(SecretKey.fromKeygen(randomness).toBytes())
}

/** The public key of our own secret key. */
export function publicKeyOf(secretKey: Uint8Array): Hex {
  return toHex(SecretKey.fromBytes(secretKey).toPublicKey().toBytes())
}

/** Sign with our own secret key: 96 bytes, the same for the same message. */
export function sign(secretKey: Uint8Array, message: Uint8Array): Uint8Array {
  return Uint8Array.from(SecretKey.fromBytes(secretKey).sign(message).toBytes())
}

/** Whether `signature` is by `publicKey` over `message`. */
export function verify(publicKey: Hex, message: Uint8Array, signature: Uint8Array): boolean {
  const key = publicKeyPoint(publicKey)
  const point = signaturePoint(signature)
  return key !== null && point !== null && blstVerify(message, key, point)
}

/**
 * Whether every check holds; nothing is said about which one fails. An empty list holds.
 *
 * Checks of one message are first blended into one with random factors, so that wrong signatures
 * cannot cancel out: 100 precommits take about the time of ten single checks.
 */
export function verifyBatch(checks: readonly SignatureCheck[]): boolean {
  const groups = Map.groupBy(checks, ({ message }) => toHex(message))
  const blended = [...groups.values()].map(blend)
  const sets = blended.filter((set) => set !== null)
  if (sets.length < blended.length) return false
  if (sets.length === 1) return blstVerify(sets[0]!.msg, sets[0]!.pk, sets[0]!.sig)
  return sets.length === 0 || verifyMultipleAggregateSignatures(sets)
}

type Group = readonly [SignatureCheck, ...SignatureCheck[]]

/** One check that stands for several of the same message, or null if one has no key or signature. */
function blend(checks: readonly SignatureCheck[]): SignatureSet | null {
  const [{ message: msg, publicKey, signature }, ...more] = checks as Group
  if (more.length === 0) {
    const [pk, sig] = [publicKeyPoint(publicKey), signaturePoint(signature)]
    return pk === null || sig === null ? null : { msg, pk, sig }
  }
  const found = checks.flatMap(({ publicKey, signature }) => {
    const pk = publicKeyPoint(publicKey)
    return pk === null || signature.length !== signatureBytes ? [] : [{ pk, sig: signature }]
  })
  if (found.length < checks.length) return null
  try {
    return { msg, ...aggregateWithRandomness(found) }
  } catch {
    return null
  }
}

/** The sum of `signatures`, or null if one is no signature or there are none. */
export function aggregate(signatures: readonly Uint8Array[]): Uint8Array | null {
  const points = signatures.map(signaturePoint)
  const found = points.filter((point) => point !== null)
  if (found.length === 0 || found.length < points.length) return null
  return Uint8Array.from(aggregateSignatures(found).toBytes())
}

/** Whether `signature` adds up the signatures of all `publicKeys` over one `message`. */
export function fastAggregateVerify(
  publicKeys: readonly Hex[],
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  const keys = publicKeys.map(publicKeyPoint).filter((key) => key !== null)
  const point = signaturePoint(signature)
  if (point === null || keys.length === 0 || keys.length < publicKeys.length) return false
  return blstFastAggregateVerify(message, keys, point)
}

/** Whether `key` is a point of the right subgroup, and not infinity. */
export function isPublicKey(key: Hex): boolean {
  return publicKeyPoint(key) !== null
}

/** What the proposer of a block at `height` signs as its part of the randomness. */
export function revealMessage(chainId: number, height: bigint): Uint8Array {
  return concatBytes(utf8ToBytes('waggle/reveal/v1'), uintBytes(chainId, 8), uintBytes(height, 8))
}

/** The reveal of a proposer: unique, so it can be withheld but not chosen. */
export function signReveal(secretKey: Uint8Array, chainId: number, height: bigint): Uint8Array {
  return sign(secretKey, revealMessage(chainId, height))
}

export function verifyReveal(
  publicKey: Hex,
  chainId: number,
  height: bigint,
  reveal: Uint8Array,
): boolean {
  return verify(publicKey, revealMessage(chainId, height), reveal)
}

/** Checked keys, since decoding one (0.1 ms) costs a tenth of a verification. Speed only. */
const points = new Map<Hex, PublicKey | null>()
const maxCachedPoints = 1_024

function publicKeyPoint(key: Hex): PublicKey | null {
  const cached = points.get(key)
  if (cached !== undefined) return cached
  if (points.size >= maxCachedPoints) points.clear()
  const point = /^0x[0-9a-f]{96}$/.test(key) ? parsePublicKey(fromHex(key)) : null
  points.set(key, point)
  return point
}

function parsePublicKey(bytes: Uint8Array): PublicKey | null {
  try {
    return PublicKey.fromBytes(bytes, true)
  } catch {
    return null
  }
}

function signaturePoint(bytes: Uint8Array): Signature | null {
  if (bytes.length !== signatureBytes) return null
  try {
    return Signature.fromBytes(bytes, true, true)
  } catch {
    return null
  }
}
