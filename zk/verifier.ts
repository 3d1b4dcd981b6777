/**
 * The two proof systems behind one door: keys with names, and one verifier.
 */
import { type Hash, hashOf } from '../primitives/hash.ts'
import type { Result } from '../primitives/result.ts'
import type { Curve } from './bn254.ts'
import {
  type Groth16Key,
  groth16ProofBytes,
  type KeyFault,
  type ProofFault,
  parseGroth16Key,
  verifyGroth16,
} from './groth16.ts'
import { type PlonkKey, parsePlonkKey, plonkProofBytes, verifyPlonk } from './plonk.ts'

export type VerificationKey = Groth16Key | PlonkKey

/** The proof systems by their number on chain. */
export const protocols = ['groth16', 'plonk'] as const
export type Protocol = (typeof protocols)[number]

/** Bytes of a proof, points in the order of the EVM's precompiles. */
export const proofBytes: Readonly<Record<Protocol, number>> = {
  groth16: groth16ProofBytes,
  plonk: plonkProofBytes,
}

/** The key's name everywhere: a digest of the protocol and the key's canonical bytes. */
export function keyName(protocol: Protocol, bytes: Uint8Array): Hash {
  return hashOf('waggle/zk/key/v1', Uint8Array.of(protocols.indexOf(protocol)), bytes)
}

/** A key from its canonical bytes (see `words.ts`), every point checked. */
export function parseKey(
  curve: Curve,
  protocol: Protocol,
  bytes: Uint8Array,
): Result<VerificationKey, KeyFault> {
  return protocol === 'groth16' ? parseGroth16Key(curve, bytes) : parsePlonkKey(curve, bytes)
}

export function publicInputsOf(key: VerificationKey): number {
  return key.protocol === 'groth16' ? key.inputs.length - 1 : key.publicInputs
}

/** Whether `proof` shows the statement that `key` and the public inputs make. */
export function verifyProof(
  curve: Curve,
  key: VerificationKey,
  inputs: readonly bigint[],
  proof: Uint8Array,
): Result<true, ProofFault> {
  return key.protocol === 'groth16'
    ? verifyGroth16(curve, key, inputs, proof)
    : verifyPlonk(curve, key, inputs, proof)
}
