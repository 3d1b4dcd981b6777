/**
 * The nodes that a state is made of, one by one: which others a node names, and whether bytes are the
 * node that a name stands for. With this a state can be copied between nodes that do not trust each
 * other, from its root down.
 */
import { type NestedUint8Array, RLP } from '@ethereumjs/rlp'
import { CODEHASH_PREFIX } from '@ethereumjs/statemanager'
import { toHex } from '../primitives/bytes.ts'
import { type Hash, hashFromBytes } from '../primitives/hash.ts'
import { ok, type Result, refuse } from '../primitives/result.ts'
import { keccak256 } from './keccak.ts'
import { emptyStateRoot } from './stateStore.ts'

/** Names a node of the account trie, of an account's storage trie, or a contract's code. */
export type NodeName = { readonly kind: 'account' | 'storage' | 'code'; readonly hash: Hash }

export type NodeFault = {
  readonly code: 'state/wrongNode' | 'state/malformedNode'
  readonly expected: Hash
}

/** Digest of no code. @see EIP-1052 */
const emptyCodeHash: Hash = hashFromBytes(keccak256(new Uint8Array()))

/** The key under which a state store keeps it. */
export function nodeKeyOf({ kind, hash }: NodeName): string {
  const hex = hash.slice(2)
  return kind === 'code' ? toHex(CODEHASH_PREFIX).slice(2) + hex : hex
}

/** What the node `bytes` names, if it is the one called `name`. */
export function namesIn(name: NodeName, bytes: Uint8Array): Result<readonly NodeName[], NodeFault> {
  if (hashFromBytes(keccak256(bytes)) !== name.hash)
    return refuse({ code: 'state/wrongNode', expected: name.hash })
  if (name.kind === 'code') return ok([])
  try {
    const found: NodeName[] = []
    visit(RLP.decode(bytes), name.kind, found)
    return ok(found)
  } catch {
    return refuse({ code: 'state/malformedNode', expected: name.hash })
  }
}

type Nested = Uint8Array | NestedUint8Array

function visit(node: Nested, kind: 'account' | 'storage', found: NodeName[]): void {
  if (!Array.isArray(node)) return
  if (node.length === 17) for (const child of node.slice(0, 16)) visitChild(child, kind, found)
  else if (!isLeaf(node[0])) visitChild(node[1], kind, found)
  else if (kind === 'account' && node[1] instanceof Uint8Array) visitAccount(node[1], found)
}

/** Children shorter than a hash are written into their parent. */
function visitChild(
  child: Nested | undefined,
  kind: 'account' | 'storage',
  found: NodeName[],
): void {
  if (child instanceof Uint8Array && child.length === 32)
    found.push({ kind, hash: hashFromBytes(child) })
  else if (Array.isArray(child)) visit(child, kind, found)
}

/** @see Ethereum yellow paper, section 4.1: nonce, balance, storage root, code hash */
function visitAccount(value: Uint8Array, found: NodeName[]): void {
  const [, , storageRoot, codeHash] = (RLP.decode(value) as Uint8Array[]).map((field) => field)
  const storage = hashFromBytes(storageRoot!)
  const code = hashFromBytes(codeHash!)
  if (storage !== emptyStateRoot) found.push({ kind: 'storage', hash: storage })
  if (code !== emptyCodeHash) found.push({ kind: 'code', hash: code })
}

/** The first nibble of a node's path says what it is; 2 and 3 are leaves. */
function isLeaf(path: Nested | undefined): boolean {
  return path instanceof Uint8Array && path[0]! >> 4 >= 2
}
