/**
 * The question to a custodian, "do you hold these weights, and are they the ones with this commitment?",
 * and its answer.
 */
import { type Address, addressBytes, addressFromBytes } from '../primitives/address.ts'
import { concatBytes, utf8ToBytes } from '../primitives/bytes.ts'
import { type CodecFault, decode, Writer } from '../primitives/codec.ts'
import { type Hash, hashBytes } from '../primitives/hash.ts'
import type { Result } from '../primitives/result.ts'
import { custodyDigest } from '../registry/custody.ts'

export type CustodyRequest = {
  readonly job: Hash
  readonly range: number
  /** Commitment to the weights after the range, and content hash of the blob with them. */
  readonly after: Hash
  readonly weights: Hash
}

export type CustodyAnswer = { readonly custodian: Address; readonly signature: Uint8Array }

export const custodyRequestBytes = 100
export const custodyAnswerBytes = 116

export function encodeCustodyRequest({ job, range, after, weights }: CustodyRequest): Uint8Array {
  return new Writer().hash(job).uint(range, 4).hash(after).hash(weights).bytes()
}

export function decodeCustodyRequest(bytes: Uint8Array): Result<CustodyRequest, CodecFault> {
  return decode(bytes, (reader) => ({
    job: reader.hash(),
    range: reader.number(4),
    after: reader.hash(),
    weights: reader.hash(),
  }))
}

export function encodeCustodyAnswer({ custodian, signature }: CustodyAnswer): Uint8Array {
  return new Writer().fixed(addressBytes(custodian)).fixed(signature).bytes()
}

export function decodeCustodyAnswer(bytes: Uint8Array): Result<CustodyAnswer, CodecFault> {
  return decode(bytes, (reader) => ({
    custodian: addressFromBytes(reader.fixed(20)),
    signature: reader.fixed(96),
  }))
}

/** What a custodian's voting key signs; no vote starts with this tag. */
export function custodySignBytes(chainId: number, request: CustodyRequest): Uint8Array {
  const digest = hashBytes(custodyDigest(chainId, request))
  return concatBytes(utf8ToBytes('waggle/custodian/v1'), digest)
}
