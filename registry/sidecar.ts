/**
 * Sidecars: what travels beside a certificate's transaction for its judges, named by content. A replay
 * certificate needs no proof beyond re-execution, so its sidecar only binds the worker to the result:
 * nobody can certify with another's.
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

/** Name of a sidecar: what `Jobs.certify` commits to. */
export function sidecarName(bytes: Uint8Array): Hash {
  return hashOf('waggle/sidecar/v1', bytes)
}
