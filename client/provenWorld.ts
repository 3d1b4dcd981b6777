/**
 * The records of native modules, read from a node that is not believed: every word comes with a Merkle
 * proof to a state root that was verified before. The registry's own readers run on top.
 */

import { moduleAddresses } from '../params/protocol.ts'
import type { Address } from '../primitives/address.ts'
import { bytesToUint, fromHex, type Hex, parseHex, uintBytes } from '../primitives/bytes.ts'
import { type Hash, hashBytes, hashFromBytes, keccakHash } from '../primitives/hash.ts'
import { Bug, type Fault } from '../primitives/result.ts'
import type { Records, World } from '../registry/records.ts'
import type { Ask } from './ask.ts'
import { decodeItem, provenValue } from './trie.ts'

/** The node showed something that does not follow from what is trusted. */
export class Unproven extends Error {
  override readonly name = 'Unproven'
  readonly fault: Fault

  constructor(fault: Fault) {
    super(fault.code)
    this.fault = fault
  }
}

type ProofWire = {
  readonly accountProof: readonly Hex[]
  readonly storageProof: readonly { readonly proof: readonly Hex[] }[]
}

/** Longest node of a trie: 17 digests and their lengths. */
const maxNode = 1_024

/**
 * The modules' records after block `height`, whose state root is `root`.
 *
 * Reading throws {@link Unproven} if the node's proof does not hold; writing is a bug.
 */
export function provenWorld(ask: Ask, height: bigint, root: Hash): World {
  const records = (address: Address): Records => ({
    get: (slot) => provenWord(ask, height, root, address, slot),
    put: readOnly,
  })
  return {
    staking: records(moduleAddresses.staking),
    registry: records(moduleAddresses.registry),
    jobs: records(moduleAddresses.jobs),
    reputation: records(moduleAddresses.reputation),
    treasury: records(moduleAddresses.treasury),
    purse: { balance: readOnly, transfer: readOnly, burn: readOnly },
  }
}

async function readOnly(): Promise<never> {
  throw new Bug('provenWorld: only records can be read')
}

async function provenWord(
  ask: Ask,
  height: bigint,
  root: Hash,
  address: Address,
  slot: bigint,
): Promise<bigint> {
  const key = uintBytes(slot, 32)
  const where = `0x${height.toString(16)}`
  const answer = await ask<ProofWire>('eth_getProof', address, [slotHex(slot)], where)
  const account = proven(root, fromHex(address), answer.accountProof)
  if (account === null) return 0n
  const fields = decodeItem(account)
  const storage = fields === null || fields instanceof Uint8Array ? undefined : fields[2]
  if (!(storage instanceof Uint8Array) || storage.length !== 32)
    throw new Unproven({ code: 'trie/malformed' })
  const value = proven(hashFromBytes(storage), key, answer.storageProof[0]?.proof ?? [])
  const word = value === null ? new Uint8Array() : decodeItem(value)
  if (!(word instanceof Uint8Array) || word.length > 32)
    throw new Unproven({ code: 'trie/malformed' })
  return bytesToUint(word)
}

function proven(root: Hash, key: Uint8Array, nodes: readonly Hex[]): Uint8Array | null {
  const proof = nodes.map((node) => {
    const bytes = parseHex(node, maxNode)
    if (!bytes.ok) throw new Unproven(bytes.fault)
    return bytes.value
  })
  const value = provenValue(root, hashBytes(keccakHash(key)), proof)
  if (!value.ok) throw new Unproven(value.fault)
  return value.value
}

function slotHex(slot: bigint): Hex {
  return `0x${slot.toString(16).padStart(64, '0')}`
}
