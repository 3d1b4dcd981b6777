/**
 * A file of blocks: their RLP one after the other, as Ethereum's clients export chains.
 */
import { type NestedUint8Array, RLP } from '@ethereumjs/rlp'
import { bytesToUint } from '../../primitives/bytes.ts'
import { ok, type Result, refuse } from '../../primitives/result.ts'
import { type ImportFault, whyOf } from './fault.ts'

/** A block's fields before anything is known of the rules that read them. */
export type RawBlock = {
  readonly fields: NestedUint8Array
  readonly size: number
  readonly number: bigint
  readonly timestamp: bigint
  readonly difficulty: bigint
}

/** Places in a header, the same under all rules. */
const difficultyField = 7
const numberField = 8
const timestampField = 11

const cutOff = 'no RLP list that ends within the file'

/** All blocks of `bytes`; the first that cannot be read is the verdict. */
export function readBlockFile(bytes: Uint8Array): Result<readonly RawBlock[], ImportFault> {
  const blocks: RawBlock[] = []
  for (let offset = 0; offset < bytes.length; ) {
    const size = itemSize(bytes, offset)
    const read = size === null ? cutOff : rawBlock(bytes.subarray(offset, offset + size))
    if (typeof read === 'string')
      return refuse({ code: 'import/encoding', block: blocks.length, offset, why: read })
    blocks.push(read)
    offset += read.size
  }
  return ok(blocks)
}

function rawBlock(bytes: Uint8Array): RawBlock | string {
  let fields: unknown
  try {
    fields = RLP.decode(bytes)
  } catch (error) {
    return whyOf(error)
  }
  const header = Array.isArray(fields) ? fields[0] : undefined
  if (!Array.isArray(fields) || !Array.isArray(header)) return 'no block: a list of lists is wanted'
  const numbers = [numberField, timestampField, difficultyField].map((at) => header[at])
  const short = numbers.every((field) => field instanceof Uint8Array && field.length <= 32)
  if (!short) return 'no header: number, timestamp or difficulty is no integer'
  const [number, timestamp, difficulty] = numbers.map(bytesToUint)
  return {
    fields,
    size: bytes.length,
    number: number!,
    timestamp: timestamp!,
    difficulty: difficulty!,
  }
}

/** Length of the list that starts at `offset`, its prefix included; null if it does not fit. */
function itemSize(bytes: Uint8Array, offset: number): number | null {
  const first = bytes[offset]!
  if (first < 0xc0) return null
  const width = first <= 0xf7 ? 0 : first - 0xf7
  if (width > 6 || offset + 1 + width > bytes.length) return null
  const length =
    width === 0 ? first - 0xc0 : Number(bytesToUint(bytes.subarray(offset + 1, offset + 1 + width)))
  const size = 1 + width + length
  return offset + size <= bytes.length ? size : null
}
