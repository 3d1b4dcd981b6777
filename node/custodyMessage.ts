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

/** Who asks, and its signature: nobody works for a stranger's question. */
export type CustodyQuestion = {
  readonly request: CustodyRequest
  readonly asker: Address
  readonly signature: Uint8Array
}

export type CustodyAnswer = { readonly custodian: Address; readonly signature: Uint8Array }

export const custodyQuestionBytes = 216
export const custodyAnswerBytes = 116

export function encodeCustodyQuestion({
  request: { job, range, after, weights },
  asker,
  signature,
}: CustodyQuestion): Uint8Array {
  const request = new Writer().hash(job).uint(range, 4).hash(after).hash(weights)
  return request.fixed(addressBytes(asker)).fixed(signature).bytes()
}

export function decodeCustodyQuestion(bytes: Uint8Array): Result<CustodyQuestion, CodecFault> {
  return decode(bytes, (reader) => ({
    request: {
      job: reader.hash(),
      range: reader.number(4),
      after: reader.hash(),
      weights: reader.hash(),
    },
    asker: addressFromBytes(reader.fixed(20)),
    signature: reader.fixed(96),
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
  return tagged('waggle/custodian/v1', chainId, request)
}

/** What the voting key of who asks signs. */
export function custodyAskBytes(chainId: number, request: CustodyRequest): Uint8Array {
  return tagged('waggle/custodyQuestion/v1', chainId, request)
}

function tagged(tag: string, chainId: number, request: CustodyRequest): Uint8Array {
  return concatBytes(utf8ToBytes(tag), hashBytes(custodyDigest(chainId, request)))
}
