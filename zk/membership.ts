/**
 * Anonymous membership: secrets, the group's tree as a client rebuilds it, and what the circuit takes.
 */
import { type Hash, hashOf, hashToUint } from '../primitives/hash.ts'
import { poseidon } from '../primitives/poseidon.ts'
import { invariant } from '../primitives/result.ts'
import { groupDepth, zeroNodes } from '../registry/groupTree.ts'
import type { CircuitInput } from './circuits.ts'

/** What a group's tree holds for the member with this secret. */
export function memberCommitment(secret: bigint): bigint {
  return poseidon([secret])
}

/** A secret from 32 bytes that nobody can guess: 248 bits, below the field's order. */
export function memberSecret(seed: Hash): bigint {
  return hashToUint(hashOf('waggle/zk/member/v1', new TextEncoder().encode(seed))) >> 8n
}

/** Equal for all that one member says in one topic; tells nothing across topics. */
export function nullifierOf(secret: bigint, topic: bigint): bigint {
  return poseidon([secret, topic, 1n])
}

export type Path = {
  readonly root: bigint
  /** Place of the leaf, lowest bit first. */
  readonly bits: readonly bigint[]
  readonly siblings: readonly bigint[]
}

/** The path of member `index` in the tree of `members`, in order of joining. */
export function pathOf(members: readonly bigint[], index: number): Path {
  invariant(index >= 0 && index < members.length, `pathOf: ${index} of ${members.length}`)
  const bits: bigint[] = []
  const siblings: bigint[] = []
  let level = members
  let at = index
  for (let depth = 0; depth < groupDepth; depth++) {
    const zero = zeroNodes()[depth]!
    bits.push(BigInt(at & 1))
    siblings.push(level[at ^ 1] ?? zero)
    level = Array.from({ length: Math.ceil(level.length / 2) }, (_, i) =>
      poseidon([level[2 * i]!, level[2 * i + 1] ?? zero]),
    )
    at >>= 1
  }
  return { root: level[0]!, bits, siblings }
}

export function membershipInput(
  secret: bigint,
  { bits, siblings }: Path,
  topic: bigint,
  message: bigint,
): CircuitInput {
  return { secret, bits, siblings, topic, message }
}
