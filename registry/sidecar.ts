/**
 * Sidecars: what travels beside a certificate's transaction for its judges, named by content. A replay
 * certificate needs no proof beyond re-execution, so its sidecar only binds the worker to the result:
 * nobody can certify with another's. The sidecar of a step proof holds the custodians' signature and
 * the proof, which binds the worker itself.
 */
import { type Address, addressBytes, addressFromBytes } from '../primitives/address.ts'
import { type CodecFault, decode, Writer } from '../primitives/codec.ts'
import { type Hash, hashOf } from '../primitives/hash.ts'
import type { Result } from '../primitives/result.ts'
import { ProofKind, proofKinds } from './job.ts'

export type ReplaySidecar = { readonly worker: Address; readonly after: Hash }

/** The byte that says how to read a sidecar; its place among the proof kinds. */
const replayKind = proofKinds.indexOf(ProofKind.Replay)

/** Length of a replay sidecar: kind, worker, commitment. */
export const replaySidecarBytes = 53

export function encodeReplaySidecar({ worker, after }: ReplaySidecar): Uint8Array {
  return new Writer().uint(replayKind, 1).fixed(addressBytes(worker)).hash(after).bytes()
}

export function decodeReplaySidecar(bytes: Uint8Array): Result<ReplaySidecar, CodecFault> {
  return decode(bytes, (reader) => {
    if (reader.number(1) !== replayKind) reader.fail('proof kind')
    return { worker: addressFromBytes(reader.fixed(20)), after: reader.hash() }
  })
}

export type ProofSidecar = {
  /** BLS aggregate of the custodians over `custodyDigest`: 96 bytes. */
  readonly custody: Uint8Array
  readonly proof: Uint8Array
}

const proofKind = proofKinds.indexOf(ProofKind.StepProof)
const signatureBytes = 96

/** Bytes of a proof's sidecar besides the proof. */
export const proofSidecarOverhead: number = 1 + signatureBytes

export function encodeProofSidecar({ custody, proof }: ProofSidecar): Uint8Array {
  return new Writer().uint(proofKind, 1).fixed(custody).fixed(proof).bytes()
}

/** Views of `bytes`, whose length its holder has bounded. */
export function decodeProofSidecar(bytes: Uint8Array): Result<ProofSidecar, CodecFault> {
  return decode(bytes, (reader) => {
    if (reader.number(1) !== proofKind) reader.fail('proof kind')
    const custody = reader.fixed(signatureBytes)
    return { custody, proof: reader.fixed(bytes.length - proofSidecarOverhead) }
  })
}

/** Name of a sidecar: what `Jobs.certify` commits to. */
export function sidecarName(bytes: Uint8Array): Hash {
  return hashOf('waggle/sidecar/v1', bytes)
}
