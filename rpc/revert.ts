/**
 * What a contract said when it reverted: Solidity's `Error(string)` and `Panic(uint256)`.
 */
import { bytesToUint, toHex } from '../primitives/bytes.ts'

/** First four bytes of keccak-256 of `Error(string)` and `Panic(uint256)`. */
const errorSelector = '0x08c379a0'
const panicSelector = '0x4e487b71'

/** @see the Solidity manual, "Panic via assert and Error via require" */
const panics: ReadonlyMap<bigint, string> = new Map([
  [0x00n, 'generic panic'],
  [0x01n, 'assert(false)'],
  [0x11n, 'arithmetic underflow or overflow'],
  [0x12n, 'division or modulo by zero'],
  [0x21n, 'enum overflow'],
  [0x22n, 'invalid encoded storage byte array accessed'],
  [0x31n, 'out-of-bounds array access; popping on an empty array'],
  [0x32n, 'out-of-bounds access of an array or bytesN'],
  [0x41n, 'out of memory'],
  [0x51n, 'uninitialized function'],
])

/** One line for people, in the words wallets know: `execution reverted: …`. Total. */
export function describeRevert(returnData: Uint8Array): string {
  const reason = reasonOf(returnData)
  return reason === null ? 'execution reverted' : `execution reverted: ${reason}`
}

function reasonOf(data: Uint8Array): string | null {
  const selector = toHex(data.subarray(0, 4))
  if (selector === errorSelector) return errorText(data.subarray(4))
  if (selector !== panicSelector || data.length !== 36) return null
  const code = bytesToUint(data.subarray(4))
  return panics.get(code) ?? `unknown panic code: 0x${code.toString(16)}`
}

/** An ABI-encoded string: offset 32, length, bytes. Anything else is not a reason. */
function errorText(body: Uint8Array): string | null {
  if (body.length < 64 || bytesToUint(body.subarray(0, 32)) !== 32n) return null
  const length = bytesToUint(body.subarray(32, 64))
  if (length > BigInt(body.length - 64)) return null
  return new TextDecoder().decode(body.subarray(64, 64 + Number(length)))
}
