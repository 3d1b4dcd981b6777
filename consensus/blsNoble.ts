/**
 * The second opinion on BLS12-381: the checks of `bls.ts` in another library, slower and pure
 * JavaScript, for light clients and for tests that hold the two against each other. Proofs of possession
 * live here alone, because the fast library knows only the ciphersuite of plain signatures.
 */
import { bls12_381 } from '@noble/curves/bls12-381.js'
import { fromHex, type Hex, toHex } from '../primitives/bytes.ts'

/** @see draft-irtf-cfrg-bls-signature-05, section 4.2.3 */
const signatureDomain = 'BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_'
const possessionDomain = 'BLS_POP_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_'

const scheme = bls12_381.longSignatures
type KeyPoint = ReturnType<typeof bls12_381.G1.Point.fromBytes>
type SignaturePoint = ReturnType<typeof bls12_381.G2.Point.fromBytes>

/** Whether `signature` is by `publicKey` over `message`. */
export function verify(publicKey: Hex, message: Uint8Array, signature: Uint8Array): boolean {
  return fastAggregateVerify([publicKey], message, signature)
}

/** Whether `signature` adds up the signatures of all `publicKeys` over one `message`. */
export function fastAggregateVerify(
  publicKeys: readonly Hex[],
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  const keys = publicKeys.map(keyPoint).filter((key) => key !== null)
  if (keys.length === 0 || keys.length < publicKeys.length) return false
  return holds(scheme.aggregatePublicKeys(keys), message, signature, signatureDomain)
}

/** Whether `key` is a point of the right subgroup, and not infinity. */
export function isPublicKey(key: Hex): boolean {
  return keyPoint(key) !== null
}

/** Our own key's signature of itself in a role of its own: no rogue keys in aggregates. 96 bytes. */
export function provePossession(secretKey: Uint8Array): Uint8Array {
  const publicKey = scheme.getPublicKey(secretKey).toBytes()
  const hashed = scheme.hash(publicKey, possessionDomain)
  return Uint8Array.from(scheme.sign(hashed, secretKey).toBytes())
}

/** Whether the owner of `publicKey` knows its secret key. About 30 ms. */
export function verifyPossession(publicKey: Hex, possession: Uint8Array): boolean {
  const key = keyPoint(publicKey)
  return key !== null && holds(key, fromHex(publicKey), possession, possessionDomain)
}

/** Spells a key as the validator set does. */
export function publicKeyOf(secretKey: Uint8Array): Hex {
  return toHex(scheme.getPublicKey(secretKey).toBytes())
}

function holds(key: KeyPoint, message: Uint8Array, signature: Uint8Array, domain: string): boolean {
  const point = signaturePoint(signature)
  if (point === null || key.is0()) return false
  return scheme.verify(point, scheme.hash(message, domain), key)
}

function keyPoint(key: Hex): KeyPoint | null {
  if (!/^0x[0-9a-f]{96}$/.test(key)) return null
  try {
    const point = bls12_381.G1.Point.fromBytes(fromHex(key))
    return point.is0() || !point.isTorsionFree() ? null : point
  } catch {
    return null
  }
}

function signaturePoint(bytes: Uint8Array): SignaturePoint | null {
  if (bytes.length !== 96) return null
  try {
    const point = bls12_381.G2.Point.fromBytes(bytes)
    return point.is0() || !point.isTorsionFree() ? null : point
  } catch {
    return null
  }
}
