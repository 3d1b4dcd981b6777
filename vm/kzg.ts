/**
 * Openings of KZG commitments, for chains that have blobs. This chain has none; `waggle import` judges
 * chains that do.
 *
 * @see EIP-4844; Kate, Zaverucha, Goldberg, "Constant-size commitments to polynomials", 2010
 */
import { bls12_381 as bls } from '@noble/curves/bls12-381.js'
import { fromHex, type Hex } from '../primitives/bytes.ts'
import { Bug } from '../primitives/result.ts'

const { G1, G2 } = bls
const { Fr, Fp12 } = bls.fields

/**
 * `τ·G2` of Ethereum's ceremony: all that checking an opening needs of it.
 *
 * @see https://github.com/ethereum/consensus-specs, presets/mainnet/trusted_setups, g2_monomial[1]
 */
const tauG2 = G2.Point.fromHex(
  'b5bfd7dd8cdeb128843bc287230af38926187075cbfbefa81009a2ce615ac53d2914e5870cb452d2afaaab24f3499f72185cbfee53492714734429b7b38608e23926c911cceceac9a36851477ba4c60b087041de621000edc98edada20c1def2',
)

/**
 * Whether the polynomial committed to in `commitment` takes the value `y` at `z`.
 *
 * Points are compressed G1 (48 bytes), scalars 32 bytes; `e(C − y·G1, G2) = e(proof, τ·G2 − z·G2)`.
 *
 * @throws {Error} for bytes that are no point of the right subgroup or no scalar below the order.
 */
export function verifyOpening(commitment: Hex, z: Hex, y: Hex, proof: Hex): boolean {
  const committed = pointOf(commitment)
  const quotient = pointOf(proof)
  const left = committed.subtract(times(G1.Point.BASE, scalarOf(y)))
  const right = tauG2.subtract(times(G2.Point.BASE, scalarOf(z)))
  const product = bls.pairingBatch(
    [
      { g1: left, g2: G2.Point.BASE },
      { g1: quotient.negate(), g2: right },
    ].filter(({ g1, g2 }) => !g1.is0() && !g2.is0()),
  )
  return Fp12.eql(product, Fp12.ONE)
}

function pointOf(hex: Hex): InstanceType<typeof G1.Point> {
  const point = G1.Point.fromBytes(fromHex(hex))
  point.assertValidity()
  return point
}

function scalarOf(hex: Hex): bigint {
  const value = BigInt(hex)
  if (hex.length !== 66 || !Fr.isValid(value)) throw new Error('scalar')
  return value
}

/** What `@ethereumjs` asks of a KZG library; blobs themselves are never in blocks. */
export const openingsOnly = {
  verifyProof: (commitment: string, z: string, y: string, proof: string): boolean => {
    try {
      return verifyOpening(commitment as Hex, z as Hex, y as Hex, proof as Hex)
    } catch (cause) {
      // The name by which the library tells bad input from our own mistakes.
      throw new Error('C_KZG_BADARGS', { cause })
    }
  },
  blobToKzgCommitment: noBlobs,
  computeBlobProof: noBlobs,
  verifyBlobProofBatch: noBlobs,
  computeCells: noBlobs,
  computeCellsAndProofs: noBlobs,
  recoverCellsAndProofs: noBlobs,
  verifyCellKzgProofBatch: noBlobs,
}

function noBlobs(): never {
  throw new Bug('kzg: blocks hold no blobs')
}

/** The library multiplies by no zero. */
function times<P extends { multiply: (n: bigint) => P; subtract: (p: P) => P }>(
  point: P,
  scalar: bigint,
): P {
  return scalar === 0n ? point.subtract(point) : point.multiply(scalar)
}
