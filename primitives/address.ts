/**
 * Account addresses: the last 20 bytes of the Keccak-256 of an uncompressed secp256k1 key.
 */
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { keccak_256 } from '@noble/hashes/sha3.js'
import type { Brand } from './brand.ts'
import { fromHex, toHex, utf8ToBytes } from './bytes.ts'
import { invariant, ok, type Result, refuse } from './result.ts'

/** 20-byte account address as lowercase 0x-hex. */
export type Address = Brand<`0x${string}`, 'Address'>

export type AddressFault = { readonly code: 'address/malformed'; readonly got: string }

export const zeroAddress: Address = `0x${'00'.repeat(20)}` as Address

/** The door from text: any case is accepted, a mixed-case text must carry a right EIP-55 checksum. */
export function parseAddress(text: string): Result<Address, AddressFault> {
  const fault = { code: 'address/malformed', got: text.slice(0, 80) } as const
  if (!/^0x[0-9a-fA-F]{40}$/.test(text)) return refuse(fault)
  const address = text.toLowerCase() as Address
  const digits = text.slice(2)
  const plain = digits === digits.toLowerCase() || digits === digits.toUpperCase()
  return plain || checksumAddress(address) === text ? ok(address) : refuse(fault)
}

export function addressFromBytes(bytes: Uint8Array): Address {
  invariant(bytes.length === 20, `addressFromBytes: ${bytes.length} bytes`)
  return toHex(bytes) as Address
}

export function addressBytes(address: Address): Uint8Array {
  return fromHex(address)
}

/** Address of the account that `privateKey` (32 bytes) controls. */
export function addressOfKey(privateKey: Uint8Array): Address {
  const publicKey = secp256k1.getPublicKey(privateKey, false)
  return addressFromBytes(keccak_256(publicKey.subarray(1)).subarray(12))
}

/** Mixed-case spelling with a checksum, for people. @see EIP-55 */
export function checksumAddress(address: Address): `0x${string}` {
  const digest = keccak_256(utf8ToBytes(address.slice(2)))
  const digits = [...address.slice(2)].map((digit, i) => {
    const nibble = i % 2 === 0 ? digest[i >> 1]! >> 4 : digest[i >> 1]! & 15
    return nibble >= 8 ? digit.toUpperCase() : digit
  })
  return `0x${digits.join('')}`
}
