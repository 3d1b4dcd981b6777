/**
 * Who signed a transaction, from its bytes alone and without the library that runs it: light enough
 * for a thread that does nothing else.
 */
import { RLP } from '@ethereumjs/rlp'
// biome-ignore lint/correctness/noUnresolvedImports: a CommonJS export that Biome does not see
import secp256k1 from 'secp256k1'
import { bytesToUint, concatBytes } from '../primitives/bytes.ts'
import { readFlatList } from './flatRlp.ts'
import { keccak256 } from './keccak.ts'
import { rlpList } from './rlp.ts'

/** Public key (64 bytes, no prefix), then address (20 bytes). */
export const signerBytes = 84

/** A 1, then the signer: as threads hand on many in one piece. */
export const signerRow = 1 + signerBytes

/** Finds the signers of canonical transactions; null where one must be asked for in the usual way. */
export type FindSigners = (
  transactions: readonly Uint8Array[],
) => Promise<readonly (Uint8Array | null)[]>

/** Half of the group's order: signatures with a larger `s` are refused. @see EIP-2 */
const maxS = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n

/**
 * The signer of a transaction in its canonical encoding, or null for whatever is not plainly right:
 * saying what is wrong is left to the decoder.
 */
export function signerOf(bytes: Uint8Array): Uint8Array | null {
  try {
    return (bytes[0] ?? 0xff) >= 0xc0 ? signerOfLegacy(bytes) : signerOfTyped(bytes)
  } catch {
    return null
  }
}

function signerOfTyped(bytes: Uint8Array): Uint8Array | null {
  const flat = readFlatList(bytes, 1)
  const count = flat === null ? 0 : flat.items.length
  if (flat !== null && count > 3) {
    const [parity, r, s] = flat.items.slice(-3)
    if (!parity || !r || !s) return null
    // The same bytes as far as the signature, in a shorter list.
    const unsigned = rlpList([bytes.subarray(flat.starts[0], flat.starts[count - 3])])
    return recover(concatBytes(bytes.subarray(0, 1), unsigned), bytesToUint(parity), r, s)
  }
  const fields = fieldsOf(bytes.subarray(1))
  const [parity, r, s] = fields.slice(-3) as [Uint8Array, Uint8Array, Uint8Array]
  const signed = concatBytes(bytes.subarray(0, 1), RLP.encode(fields.slice(0, -3) as never))
  return recover(signed, bytesToUint(parity), r, s)
}

/** @see EIP-155: `v` is 35 + 2 · chain id + parity, and the chain id is signed */
function signerOfLegacy(bytes: Uint8Array): Uint8Array | null {
  const fields = fieldsOf(bytes)
  if (fields.length !== 9) return null
  const [v, r, s] = fields.slice(6) as [Uint8Array, Uint8Array, Uint8Array]
  const bound = bytesToUint(v) - 35n
  if (bound < 0n) return null
  const none = new Uint8Array()
  const signed = RLP.encode([...fields.slice(0, 6), bound / 2n, none, none] as never)
  return recover(signed, bound % 2n, r, s)
}

function fieldsOf(bytes: Uint8Array): readonly unknown[] {
  const fields = RLP.decode(bytes)
  return Array.isArray(fields) ? fields : []
}

function recover(
  signed: Uint8Array,
  parity: bigint,
  r: Uint8Array,
  s: Uint8Array,
): Uint8Array | null {
  if (parity > 1n || r.length > 32 || s.length > 32 || bytesToUint(s) > maxS) return null
  const signature = new Uint8Array(64)
  signature.set(r, 32 - r.length)
  signature.set(s, 64 - s.length)
  const key = secp256k1.ecdsaRecover(signature, Number(parity), keccak256(signed), false)
  const plain = Uint8Array.from(key.subarray(1))
  return concatBytes(plain, keccak256(plain).subarray(12))
}
