/**
 * Verification keys of proof systems: anybody registers one, and its name is a digest of its content,
 * so a contract or a group that knows the name knows the key. What a key means is not judged here.
 */
import type { Address } from '../primitives/address.ts'
import type { Hash } from '../primitives/hash.ts'
import { ok, type Result, refuse } from '../primitives/result.ts'
import {
  addressOfWord,
  getBytes,
  hashOfWord,
  listItem,
  listLength,
  listPush,
  putBytes,
  slotOf,
} from './layout.ts'
import type { PrivateFacts } from './records.ts'

export type KeyRecord = {
  readonly name: Hash
  /** Number of the proof system. */
  readonly protocol: number
  /** Public numbers of its proofs. */
  readonly inputs: number
  /** Who registered it first. */
  readonly registrant: Address
  /** Canonical bytes; the layer that knows proof systems has parsed them. */
  readonly bytes: Uint8Array
}

export type KeyRecordFault = { readonly code: 'verifiers/known'; readonly name: Hash }

/** Bytes of the longest key: Groth16 with 64 public inputs. */
export const maxKeyBytes = 32 * (14 + 2 * 65)

const fields = ['protocol', 'inputs', 'registrant'] as const
const place = (name: Hash, field: (typeof fields)[number]): bigint =>
  slotOf('key', name) + BigInt(fields.indexOf(field))

/** Register a key that was parsed; returns its index in the list. */
export async function registerKey(
  world: PrivateFacts,
  { name, protocol, inputs, registrant, bytes }: KeyRecord,
): Promise<Result<number, KeyRecordFault>> {
  const { verifiers } = world
  if ((await verifiers.get(place(name, 'protocol'))) !== 0n)
    return refuse({ code: 'verifiers/known', name })
  await verifiers.put(place(name, 'protocol'), BigInt(protocol + 1))
  await verifiers.put(place(name, 'inputs'), BigInt(inputs))
  await verifiers.put(place(name, 'registrant'), BigInt(registrant))
  await putBytes(verifiers, slotOf('keyBytes', name), bytes)
  return ok(await listPush(verifiers, BigInt(name), 'keys'))
}

export async function readKey(world: PrivateFacts, name: Hash): Promise<KeyRecord | null> {
  const { verifiers } = world
  const protocol = Number(await verifiers.get(place(name, 'protocol')))
  if (protocol === 0) return null
  return {
    name,
    protocol: protocol - 1,
    inputs: Number(await verifiers.get(place(name, 'inputs'))),
    registrant: addressOfWord(await verifiers.get(place(name, 'registrant'))),
    bytes: await getBytes(verifiers, slotOf('keyBytes', name), maxKeyBytes),
  }
}

export async function keyCount(world: PrivateFacts): Promise<number> {
  return listLength(world.verifiers, 'keys')
}

/** Name of the key registered as number `index`. */
export async function keyAt(world: PrivateFacts, index: number): Promise<Hash> {
  return hashOfWord(await listItem(world.verifiers, index, 'keys'))
}
