/**
 * Ethereum's Merkle Patricia tries, read only: the root over a list, and the value that a proof shows.
 *
 * @see Ethereum yellow paper, appendix D
 */
import { fromRlp, toRlp } from 'viem'
import { fromHex, toHex } from '../primitives/bytes.ts'
import { type Hash, keccakHash } from '../primitives/hash.ts'
import { ok, type Result, refuse } from '../primitives/result.ts'

export type TrieFault =
  /** A node is missing, or is not the one that its parent names. */
  | { readonly code: 'trie/node'; readonly depth: number }
  | { readonly code: 'trie/malformed'; readonly depth: number }

type Item = Uint8Array | readonly Item[]
type Entry = { readonly nibbles: readonly number[]; readonly value: Uint8Array }

/** The empty trie's root: Keccak-256 of the RLP of nothing. */
const emptyRoot = keccakHash(fromHex('0x80'))

/** Root over a list, as headers name transactions and receipts: keys are the RLP of the index. */
export function orderedRoot(items: readonly Uint8Array[]): Hash {
  if (items.length === 0) return emptyRoot
  const entries = items.map((value, i) => ({ nibbles: nibblesOf(rlpOfIndex(i)), value }))
  return keccakHash(encodeItem(build(entries, 0)))
}

function rlpOfIndex(index: number): Uint8Array {
  if (index === 0) return fromHex('0x80')
  const hex = index.toString(16)
  return encodeItem(fromHex(hex.length % 2 === 0 ? hex : `0${hex}`))
}

/** The node over entries that agree before `depth`. */
function build(entries: readonly Entry[], depth: number): Item {
  const [first] = entries
  if (entries.length === 1) return [packed(first!.nibbles.slice(depth), true), first!.value]
  const shared = sharedFrom(entries, depth)
  if (shared > depth) {
    const path = packed(first!.nibbles.slice(depth, shared), false)
    return [path, reference(build(entries, shared))]
  }
  const children = Array.from({ length: 16 }, (_, nibble) => {
    const below = entries.filter(({ nibbles }) => nibbles[depth] === nibble)
    return below.length === 0 ? new Uint8Array() : reference(build(below, depth + 1))
  })
  const here = entries.find(({ nibbles }) => nibbles.length === depth)
  return [...children, here?.value ?? new Uint8Array()]
}

function sharedFrom(entries: readonly Entry[], depth: number): number {
  const [first, ...rest] = entries
  let shared = depth
  while (
    shared < first!.nibbles.length &&
    rest.every(({ nibbles }) => nibbles[shared] === first!.nibbles[shared])
  )
    shared++
  return shared
}

/** A short node stands for itself, a long one is named by its digest. */
function reference(node: Item): Item {
  const bytes = encodeItem(node)
  return bytes.length < 32 ? node : fromHex(keccakHash(bytes))
}

/** Hex-prefix encoding of a path. */
function packed(nibbles: readonly number[], isLeaf: boolean): Uint8Array {
  const flag = (isLeaf ? 2 : 0) + (nibbles.length % 2)
  const all = nibbles.length % 2 === 1 ? [flag, ...nibbles] : [flag, 0, ...nibbles]
  return Uint8Array.from({ length: all.length / 2 }, (_, i) => all[2 * i]! * 16 + all[2 * i + 1]!)
}

/**
 * The value that the trie of this root has at `key`; null: the proof shows that there is none.
 *
 * @param proof - nodes from the root down, as `eth_getProof` gives them.
 */
export function provenValue(
  root: Hash,
  key: Uint8Array,
  proof: readonly Uint8Array[],
): Result<Uint8Array | null, TrieFault> {
  if (root === emptyRoot) return ok(null)
  let path = nibblesOf(key)
  let wanted: Item = fromHex(root)
  for (let depth = 0; ; ) {
    let node: Item
    if (wanted instanceof Uint8Array) {
      const bytes = proof[depth]
      if (bytes === undefined || keccakHash(bytes) !== toHex(wanted))
        return refuse({ code: 'trie/node', depth })
      const decoded = decodeItem(bytes)
      if (decoded === null) return refuse({ code: 'trie/malformed', depth })
      node = decoded
      depth++
    } else node = wanted
    const next = follow(node, path)
    if (next === null) return refuse({ code: 'trie/malformed', depth })
    if (next.type === 'value') return ok(next.value)
    path = next.path
    wanted = next.child
  }
}

type Step =
  | { readonly type: 'value'; readonly value: Uint8Array | null }
  | { readonly type: 'child'; readonly child: Item; readonly path: readonly number[] }

/** Null: no node of a trie looks like this. */
function follow(node: Item, path: readonly number[]): Step | null {
  if (node instanceof Uint8Array) return null
  if (node.length === 17) return followBranch(node, path)
  const [head, tail] = node
  if (node.length !== 2 || !(head instanceof Uint8Array) || tail === undefined) return null
  const prefix = nibblesOf(head)
  const own = prefix.slice((prefix[0] ?? 0) % 2 === 1 ? 1 : 2)
  const agrees = own.every((nibble, i) => path[i] === nibble)
  if ((prefix[0] ?? 0) < 2)
    return agrees ? childStep(tail, path.slice(own.length)) : { type: 'value', value: null }
  if (!(tail instanceof Uint8Array)) return null
  return { type: 'value', value: agrees && own.length === path.length ? tail : null }
}

function followBranch(node: readonly Item[], [nibble, ...rest]: readonly number[]): Step | null {
  if (nibble !== undefined) return childStep(node[nibble]!, rest)
  return node[16] instanceof Uint8Array ? { type: 'value', value: some(node[16]) } : null
}

function childStep(child: Item, path: readonly number[]): Step {
  return child instanceof Uint8Array && child.length === 0
    ? { type: 'value', value: null }
    : { type: 'child', child, path }
}

function some(value: Uint8Array): Uint8Array | null {
  return value.length === 0 ? null : value
}

function nibblesOf(bytes: Uint8Array): readonly number[] {
  return [...bytes].flatMap((byte) => [byte >> 4, byte & 15])
}

function encodeItem(item: Item): Uint8Array {
  return toRlp(item as Uint8Array, 'bytes')
}

/** RLP from a stranger; null: it is none. */
export function decodeItem(bytes: Uint8Array): Item | null {
  try {
    return fromRlp(bytes, 'bytes') as Item
  } catch {
    return null
  }
}
