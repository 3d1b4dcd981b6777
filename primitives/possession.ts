/**
 * Proof of possession: a BLS12-381 key's signature over itself, so that nobody can register a key made
 * from others' keys and forge an aggregate (rogue-key attack).
 *
 * Keys are compressed G1 points, signatures compressed G2 points. About 30 ms; registration is rare.
 *
 * @see draft-irtf-cfrg-bls-signature-05, section 3.3
 */
import { bls12_381 } from '@noble/curves/bls12-381.js'

/** Domain separation tag of proofs of possession. */
export const possessionTag = 'BLS_POP_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_'

const scheme = bls12_381.longSignatures

export function provePossession(secretKey: Uint8Array): Uint8Array {
  const message = scheme.hash(scheme.getPublicKey(secretKey).toBytes(), possessionTag)
  return scheme.sign(message, secretKey).toBytes()
}

/** Total: malformed, infinite and out-of-subgroup points give false. */
export function checkPossession(publicKey: Uint8Array, possession: Uint8Array): boolean {
  try {
    const key = bls12_381.G1.Point.fromBytes(publicKey)
    key.assertValidity()
    const signature = bls12_381.G2.Point.fromBytes(possession)
    signature.assertValidity()
    return scheme.verify(signature, scheme.hash(publicKey, possessionTag), key)
  } catch {
    return false
  }
}
