/**
 * Hello: the first words on every connection. Peers of another protocol, chain, genesis or rule set
 * are told apart here, before anything else is said.
 */
import { type Address, addressBytes, addressFromBytes } from '../primitives/address.ts'
import { utf8ToBytes } from '../primitives/bytes.ts'
import { type CodecFault, decode, Writer } from '../primitives/codec.ts'
import type { Hash } from '../primitives/hash.ts'
import { ok, type Result, refuse } from '../primitives/result.ts'

export type Hello = {
  readonly protocolVersion: number
  readonly chainId: number
  readonly genesisHash: Hash
  /** Names the rules up to `height`: differs where two programs judged a block differently. */
  readonly rulesHash: Hash
  /** Height of the sender's head. */
  readonly height: bigint
  /** Which validator the sender says it is. */
  readonly validator: Address | null
  /** Multiaddrs at which the sender can be dialled. */
  readonly listen: readonly string[]
}

export type HelloFault =
  | { readonly code: 'hello/version'; readonly expected: number; readonly got: number }
  | { readonly code: 'hello/chainId'; readonly expected: number; readonly got: number }
  | { readonly code: 'hello/genesis'; readonly expected: Hash; readonly got: Hash }
  | { readonly code: 'hello/rules'; readonly expected: Hash; readonly got: Hash }

const maxListen = 8
const maxAddressBytes = 256

/** The name of our rules for blocks up to a height. */
export type RulesHashAt = (height: bigint) => Hash

/** Longest encoding of a hello; later versions may not grow past it. */
export const maxHelloBytes = 4_096

export function encodeHello(hello: Hello): Uint8Array {
  const writer = new Writer()
    .uint(hello.protocolVersion, 4)
    .uint(hello.chainId, 8)
    .hash(hello.genesisHash)
    .hash(hello.rulesHash)
    .uint(hello.height, 8)
    .blob(hello.validator === null ? new Uint8Array() : addressBytes(hello.validator))
  return writer
    .list(hello.listen.map(utf8ToBytes).filter(fits).slice(0, maxListen), (item, to) =>
      to.blob(item),
    )
    .bytes()
}

function fits(address: Uint8Array): boolean {
  return address.length <= maxAddressBytes
}

/**
 * Read what a peer says and compare it with what we say. The version comes first, so that even a
 * hello of an unknown shape is refused for its version.
 *
 * Rules are compared as of the peer's height: whoever has not come to a change yet may still know
 * nothing of it, and whoever lags may catch up.
 */
export function checkHello(
  ours: Hello,
  rulesHashAt: RulesHashAt,
  bytes: Uint8Array,
): Result<Hello, HelloFault | CodecFault> {
  const version = decode(bytes.subarray(0, 4), (reader) => reader.number(4))
  if (!version.ok) return version
  if (version.value !== ours.protocolVersion)
    return refuse({ code: 'hello/version', expected: ours.protocolVersion, got: version.value })
  const decoded = decodeHello(bytes)
  if (!decoded.ok) return decoded
  const theirs = decoded.value
  if (theirs.chainId !== ours.chainId)
    return refuse({ code: 'hello/chainId', expected: ours.chainId, got: theirs.chainId })
  if (theirs.genesisHash !== ours.genesisHash)
    return refuse({ code: 'hello/genesis', expected: ours.genesisHash, got: theirs.genesisHash })
  const rulesHash = rulesHashAt(theirs.height)
  if (theirs.rulesHash !== rulesHash)
    return refuse({ code: 'hello/rules', expected: rulesHash, got: theirs.rulesHash })
  return ok(theirs)
}

function decodeHello(bytes: Uint8Array): Result<Hello, CodecFault> {
  return decode(bytes, (reader) => {
    const protocolVersion = reader.number(4)
    const chainId = reader.number(8)
    const genesisHash = reader.hash()
    const rulesHash = reader.hash()
    const height = reader.uint(8)
    const validator = reader.blob(20)
    if (validator.length !== 0 && validator.length !== 20) reader.fail('validator')
    const listen = reader.list(maxListen, (from) => {
      const text = new TextDecoder().decode(from.blob(maxAddressBytes))
      return /^[\x21-\x7e]*$/.test(text) ? text : from.fail('listen')
    })
    return {
      protocolVersion,
      chainId,
      genesisHash,
      rulesHash,
      height,
      validator: validator.length === 0 ? null : addressFromBytes(validator),
      listen,
    }
  })
}
