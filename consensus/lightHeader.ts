/**
 * The header at the front of an envelope, read without an Ethereum library: as many fields as a light
 * client uses. The bytes come from a peer, so every reading is bounded and gives a verdict.
 *
 * @see Ethereum yellow paper, appendix B (RLP) and section 4.4 (block header)
 */
import { bytesToUint } from '../primitives/bytes.ts'
import { type Hash, hashFromBytes, keccakHash } from '../primitives/hash.ts'
import { ok, type Result, refuse } from '../primitives/result.ts'

export type LightHeader = {
  /** The block's name on Ethereum: Keccak-256 of the encoded header. */
  readonly hash: Hash
  readonly number: bigint
  /** Unix seconds. */
  readonly timestamp: bigint
  readonly stateRoot: Hash
  readonly transactionsRoot: Hash
  readonly receiptsRoot: Hash
  readonly beaconRoot: Hash
}

export type LightHeaderFault = {
  readonly code: 'light/header'
  readonly why: 'short' | 'notList' | 'longNumber' | 'field'
}

/** Places of the fields in a header's list. */
const places = {
  stateRoot: 3,
  transactionsRoot: 4,
  receiptsRoot: 5,
  number: 8,
  timestamp: 11,
  beaconRoot: 19,
} as const

/** Bytes before the block in an envelope: the length of its blob. */
const blobPrefix = 4

/** @param part - the first part of an envelope, which holds the whole header. */
export function readLightHeader(part: Uint8Array): Result<LightHeader, LightHeaderFault> {
  const block = itemAt(part, blobPrefix)
  if (block === null) return refuse({ code: 'light/header', why: 'short' })
  if (!block.list) return refuse({ code: 'light/header', why: 'notList' })
  const header = itemAt(part, block.from)
  if (header === null || header.to > part.length)
    return refuse({ code: 'light/header', why: 'short' })
  if (!header.list) return refuse({ code: 'light/header', why: 'notList' })
  const fields: Uint8Array[] = []
  for (let at = header.from; at < header.to; ) {
    const field = itemAt(part, at)
    if (field === null || field.list || field.to > header.to)
      return refuse({ code: 'light/header', why: 'field' })
    fields.push(part.subarray(field.from, field.to))
    at = field.to
  }
  return headerOf(fields, keccakHash(part.subarray(block.from, header.to)))
}

function headerOf(
  fields: readonly Uint8Array[],
  hash: Hash,
): Result<LightHeader, LightHeaderFault> {
  const field = (name: keyof typeof places) => fields[places[name]] ?? new Uint8Array()
  const digests = ['stateRoot', 'transactionsRoot', 'receiptsRoot', 'beaconRoot'] as const
  if (digests.some((name) => field(name).length !== 32))
    return refuse({ code: 'light/header', why: 'field' })
  if (field('number').length > 8 || field('timestamp').length > 8)
    return refuse({ code: 'light/header', why: 'longNumber' })
  return ok({
    hash,
    number: bytesToUint(field('number')),
    timestamp: bytesToUint(field('timestamp')),
    stateRoot: hashFromBytes(field('stateRoot')),
    transactionsRoot: hashFromBytes(field('transactionsRoot')),
    receiptsRoot: hashFromBytes(field('receiptsRoot')),
    beaconRoot: hashFromBytes(field('beaconRoot')),
  })
}

type Item = { readonly list: boolean; readonly from: number; readonly to: number }

/** Where the payload of the RLP item at `at` lies; `to` may be beyond the bytes at hand. */
function itemAt(bytes: Uint8Array, at: number): Item | null {
  const first = bytes[at]
  if (first === undefined) return null
  if (first < 0x80) return { list: false, from: at, to: at + 1 }
  const list = first >= 0xc0
  const short = first - (list ? 0xc0 : 0x80)
  if (short <= 55) return { list, from: at + 1, to: at + 1 + short }
  const width = short - 55
  const from = at + 1 + width
  if (width > 4 || from > bytes.length) return null
  return { list, from, to: from + Number(bytesToUint(bytes.subarray(at + 1, from))) }
}
