/**
 * Calls of precompiles: right inputs, nearly right ones, and noise.
 */
import { bn254 } from '@noble/curves/bn254.js'
import { p256 } from '@noble/curves/nist.js'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import type { Hex } from 'viem'
import { concatBytes, toHex, uintBytes } from '../../primitives/bytes.ts'
import type { SeededRandom } from '../../primitives/random.ts'

export type PrecompileCall = { readonly to: Hex; readonly data: Hex; readonly gas: bigint }

const key = new Uint8Array(32).fill(7)
const digest = new Uint8Array(32).fill(9)
const word = (value: bigint | number) => uintBytes(value, 32)

/** A generator of bn254's first group, and minus it. */
const [one, minusOne] = [
  concatBytes(word(1), word(2)),
  concatBytes(
    word(1),
    word(21888242871839275222246405745257275088696311157297823662689037894645226208581n),
  ),
]
/** The generator of bn254's second group, as EIP-197 spells it. */
const { x, y } = bn254.G2.Point.BASE.toAffine()
const second = concatBytes(word(x.c1), word(x.c0), word(y.c1), word(y.c0))

/** Right inputs by the precompile's number. */
const right: Readonly<Record<number, () => Uint8Array>> = {
  1: () => {
    const signature = secp256k1.sign(digest, key, { prehash: false, format: 'recovered' })
    return concatBytes(digest, word(27 + signature[0]!), signature.slice(1))
  },
  2: () => digest,
  3: () => digest,
  4: () => digest,
  5: () => concatBytes(word(2), word(1), word(3), Uint8Array.of(3, 5, 5, 1, 0, 9)),
  6: () => concatBytes(one, one),
  7: () => concatBytes(one, word(12_345n)),
  8: () => concatBytes(one, second, minusOne, second),
  9: () => concatBytes(uintBytes(12, 4), new Uint8Array(208), Uint8Array.of(1)),
  // The point at infinity is a right answer to everything in EIP-2537.
  11: () => new Uint8Array(256),
  12: () => new Uint8Array(160),
  13: () => new Uint8Array(512),
  14: () => new Uint8Array(288),
  15: () => new Uint8Array(384),
  16: () => new Uint8Array(64),
  17: () => new Uint8Array(128),
  256: () => {
    const signature = p256.sign(digest, key, { prehash: false })
    return concatBytes(digest, signature, p256.getPublicKey(key, false).slice(1))
  },
}

/** Numbers 1 to 17 and 256; 10, the point evaluation, is called with noise alone. */
export function precompileCall(random: SeededRandom): PrecompileCall {
  const drawn = random.below(20)
  const number = drawn < 17 ? drawn + 1 : drawn === 17 ? 256 : 18 + random.below(3)
  const data = right[number]?.() ?? noise(random, random.below(300))
  const kind = random.below(4)
  if (kind === 0) data[random.below(data.length || 1)] = random.below(256)
  const cut = kind === 1 ? data.slice(0, random.below(data.length + 1)) : data
  const sent = kind === 2 ? noise(random, random.below(400)) : cut
  const gas = BigInt([500, 5_000, 60_000, 200_000][random.below(4)]!)
  return { to: toHex(uintBytes(number, 20)), data: toHex(sent), gas }
}

function noise(random: SeededRandom, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => random.below(256))
}
