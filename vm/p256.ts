/**
 * EIP-7951's precompile: whether a P-256 signature over a digest holds, by OpenSSL.
 *
 * Node's `verify` only takes messages and hashes them itself. A digest e is verified all the same by
 * moving the key: a signature (r, s) holds for e and Q exactly if it holds for e' and
 * Q' = Q + (e − e')·r⁻¹·G, since both ask whether r is the x of s⁻¹·(e·G + r·Q). Here e' is the digest
 * of the empty message. The product with G is OpenSSL's, too; only one addition is done here.
 */
import { createECDH, createHash, createPublicKey, verify } from 'node:crypto'
import {
  type CustomPrecompile,
  EVMError,
  type ExecResult,
  type PrecompileInput,
} from '@ethereumjs/evm'
import { p256 } from '@noble/curves/nist.js'
import { bytesToUint, concatBytes, fromHex, plainBytes, uintBytes } from '../primitives/bytes.ts'

const { Point } = p256
const { Fp, Fn } = Point
const order = Fn.ORDER
type Affine = { readonly x: bigint; readonly y: bigint }

const inputLength = 160
/** Of every call, whatever the input. @see EIP-7951 */
const gas = 6_900n
const empty = new Uint8Array()
const emptyDigest = bytesToUint(createHash('sha256').digest())
/** DER of an uncompressed P-256 key, up to its 64 bytes. @see RFC 5480, section 2 */
const keyPrefix = fromHex('0x3059301306072a8648ce3d020106082a8648ce3d03010703420004')

/** The precompile, as the EVM calls it: an empty answer says no. */
export const p256Precompile: CustomPrecompile = {
  address: `0x${'100'.padStart(40, '0')}`,
  function: ({ data, gasLimit }: PrecompileInput): ExecResult => {
    if (gasLimit < gas) {
      const exceptionError = new EVMError(EVMError.errorMessages.OUT_OF_GAS)
      return { returnValue: new Uint8Array(), executionGasUsed: gasLimit, exceptionError }
    }
    const returnValue = verifyDigest(data) ? uintBytes(1n, 32) : new Uint8Array()
    return { executionGasUsed: gas, returnValue }
  },
}

/**
 * Whether `input` is digest, r, s and the key's x and y, 32 bytes each, and the signature holds.
 *
 * @see EIP-7951, section "Input Validation"
 */
export function verifyDigest(input: Uint8Array): boolean {
  if (input.length !== inputLength) return false
  const word = (i: number) => bytesToUint(input.subarray(32 * i, 32 * i + 32))
  const [digest, r, s, x, y] = [word(0), word(1), word(2), word(3), word(4)]
  if (r === 0n || r >= order || s === 0n || s >= order) return false
  if (!onCurve({ x, y })) return false
  const moved = movedKey({ x, y }, digest, r)
  const signature = input.subarray(32, 96)
  // The moved key is no point that OpenSSL takes, or the addition needs a rule for doubling: one
  // digest in 2^256, which an attacker can still choose.
  if (moved === null) return verifyPortable(input)
  const encoded = concatBytes(keyPrefix, uintBytes(moved.x, 32), uintBytes(moved.y, 32))
  const key = createPublicKey({ key: encoded as never, format: 'der', type: 'spki' })
  return verify('sha256', empty, { key, dsaEncoding: 'ieee-p1363' }, signature)
}

/** The same by the formulas alone: slower, and the second opinion in tests. Input as above. */
export function verifyPortable(input: Uint8Array): boolean {
  const [digest, signature, key] = [
    input.subarray(0, 32),
    input.subarray(32, 96),
    input.subarray(96),
  ]
  try {
    return p256.verify(
      plainBytes(signature),
      plainBytes(digest),
      concatBytes(Uint8Array.of(4), key),
      { prehash: false, lowS: false },
    )
  } catch {
    return false
  }
}

/** Coordinates below the field's order and on the curve; (0, 0) is not. */
function onCurve({ x, y }: Affine): boolean {
  if (x >= Fp.ORDER || y >= Fp.ORDER) return false
  const { a, b } = Point.CURVE()
  return (y * y - (x * x * x + a * x + b)) % Fp.ORDER === 0n
}

/** Q' of the header; null where a plain addition of two different points does not give it. */
function movedKey(key: Affine, digest: bigint, r: bigint): Affine | null {
  const factor = Fn.mul(Fn.create(digest - emptyDigest), Fn.inv(r))
  if (factor === 0n) return key
  const ecdh = createECDH('prime256v1')
  ecdh.setPrivateKey(uintBytes(factor, 32))
  const shift = ecdh.getPublicKey()
  const other = { x: bytesToUint(shift.subarray(1, 33)), y: bytesToUint(shift.subarray(33)) }
  if (other.x === key.x) return null
  const slope = Fp.mul(Fp.sub(other.y, key.y), Fp.inv(Fp.sub(other.x, key.x)))
  const x = Fp.sub(Fp.sub(Fp.sqr(slope), key.x), other.x)
  return { x, y: Fp.sub(Fp.mul(slope, Fp.sub(key.x, x)), key.y) }
}
