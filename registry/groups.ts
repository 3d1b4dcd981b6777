/**
 * Groups that speak without saying who: members are commitments in a Merkle tree, and a statement comes
 * with a proof that some member makes it, and a nullifier that the same member cannot make twice for
 * one topic. Statements are content hashes; their texts are blobs, or lie elsewhere.
 */
import type { Address } from '../primitives/address.ts'
import { uintBytes, utf8ToBytes } from '../primitives/bytes.ts'
import { type Hash, hashBytes, hashOf, hashToUint } from '../primitives/hash.ts'
import { poseidonOrder } from '../primitives/poseidon.ts'
import { type Fault, ok, type Result, refuse } from '../primitives/result.ts'
import { appendLeaf, maxGroupSize, zeroNodes } from './groupTree.ts'
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

/** Who may bring in members: everybody, one for each account; or the owner alone. */
export const groupPolicies = ['open', 'invited'] as const
export type GroupPolicy = (typeof groupPolicies)[number]

export type Group = {
  readonly owner: Address
  readonly policy: GroupPolicy
  /** Verification key of the members' proofs. */
  readonly key: Hash
  readonly size: number
  /** Root of the tree with all members. */
  readonly root: bigint
  readonly title: string
}

export type Statement = {
  readonly group: bigint
  readonly topic: Hash
  /** Hash of what is said. */
  readonly content: Hash
  /** A root that the group's tree has or had: members only ever join, so each of them still counts. */
  readonly root: bigint
  readonly nullifier: bigint
  readonly proof: Uint8Array
}

export type GroupFault =
  | { readonly code: 'groups/badTitle'; readonly length: bigint; readonly max: bigint }
  | { readonly code: 'groups/unknownGroup'; readonly group: bigint }
  | { readonly code: 'groups/notInvited'; readonly owner: Address }
  | { readonly code: 'groups/joinedBefore'; readonly account: Address }
  | { readonly code: 'groups/badCommitment'; readonly commitment: bigint }
  | { readonly code: 'groups/knownCommitment'; readonly commitment: bigint }
  | { readonly code: 'groups/full'; readonly max: bigint }
  | { readonly code: 'groups/unknownRoot'; readonly root: bigint }
  | { readonly code: 'groups/spoken'; readonly nullifier: bigint }
  | { readonly code: 'groups/badProof'; readonly reason: string }

/** Whether a proof under the group's key shows its public numbers; from the layer that knows proofs. */
export type CheckProof = (
  key: Hash,
  inputs: readonly bigint[],
  proof: Uint8Array,
) => Promise<Result<true, Fault>>

const maxTitleBytes = 64
const fields = ['owner', 'policy', 'key', 'size', 'root'] as const
const place = (group: bigint, field: (typeof fields)[number]): bigint =>
  slotOf('group', group) + BigInt(fields.indexOf(field))

/** Create an empty group; returns its number. The caller has checked that `key` fits. */
export async function createGroup(
  { groups }: PrivateFacts,
  { owner, policy, key, title }: Pick<Group, 'owner' | 'policy' | 'key' | 'title'>,
): Promise<Result<bigint, GroupFault>> {
  const titleBytes = utf8ToBytes(title)
  const length = BigInt(titleBytes.length)
  if (length === 0n || length > BigInt(maxTitleBytes))
    return refuse({ code: 'groups/badTitle', length, max: BigInt(maxTitleBytes) })
  const group = await groups.get(slotOf('groupCount'))
  await groups.put(slotOf('groupCount'), group + 1n)
  await groups.put(place(group, 'owner'), BigInt(owner))
  await groups.put(place(group, 'policy'), BigInt(groupPolicies.indexOf(policy)))
  await groups.put(place(group, 'key'), BigInt(key))
  await groups.put(place(group, 'root'), zeroNodes().at(-1)!)
  await putBytes(groups, slotOf('groupTitle', group), titleBytes)
  return ok(group)
}

export async function groupCount({ groups }: PrivateFacts): Promise<bigint> {
  return groups.get(slotOf('groupCount'))
}

export async function readGroup({ groups }: PrivateFacts, group: bigint): Promise<Group | null> {
  const get = (field: (typeof fields)[number]) => groups.get(place(group, field))
  if (group >= (await groups.get(slotOf('groupCount')))) return null
  const title = await getBytes(groups, slotOf('groupTitle', group), maxTitleBytes)
  return {
    owner: addressOfWord(await get('owner')),
    policy: groupPolicies[Number(await get('policy'))]!,
    key: hashOfWord(await get('key')),
    size: Number(await get('size')),
    root: await get('root'),
    title: new TextDecoder().decode(title),
  }
}

/** Add a member on behalf of `account`; returns the member's place and the new root. */
export async function joinGroup(
  world: PrivateFacts,
  group: bigint,
  commitment: bigint,
  account: Address,
): Promise<Result<{ readonly index: number; readonly root: bigint }, GroupFault>> {
  const { groups } = world
  const found = await readGroup(world, group)
  if (found === null) return refuse({ code: 'groups/unknownGroup', group })
  const { owner, policy, size } = found
  if (policy === 'invited' && account !== owner) return refuse({ code: 'groups/notInvited', owner })
  const joined = slotOf('groupJoined', group, account)
  if (policy === 'open' && (await groups.get(joined)) !== 0n)
    return refuse({ code: 'groups/joinedBefore', account })
  if (commitment === 0n || commitment >= poseidonOrder)
    return refuse({ code: 'groups/badCommitment', commitment })
  const known = slotOf('groupMember', group, commitment)
  if ((await groups.get(known)) !== 0n)
    return refuse({ code: 'groups/knownCommitment', commitment })
  if (size === maxGroupSize) return refuse({ code: 'groups/full', max: BigInt(maxGroupSize) })

  if (policy === 'open') await groups.put(joined, 1n)
  await groups.put(known, 1n)
  await listPush(groups, commitment, 'groupMembers', group)
  const node = (level: number) => slotOf('groupNode', group) + BigInt(level)
  const nodes = {
    get: (level: number) => groups.get(node(level)),
    put: (level: number, value: bigint) => groups.put(node(level), value),
  }
  const root = await appendLeaf(nodes, size, commitment)
  await groups.put(place(group, 'size'), BigInt(size + 1))
  await groups.put(place(group, 'root'), root)
  await groups.put(slotOf('groupRoot', group, root), BigInt(size + 1))
  return ok({ index: size, root })
}

/** Commitment of member `index`; 0 beyond the last. */
export async function memberAt(
  { groups }: PrivateFacts,
  group: bigint,
  index: number,
): Promise<bigint> {
  return index < (await listLength(groups, 'groupMembers', group))
    ? listItem(groups, index, 'groupMembers', group)
    : 0n
}

/** Members that the group had when its tree had this root; 0 if it never had. */
export async function rootSize(
  { groups }: PrivateFacts,
  group: bigint,
  root: bigint,
): Promise<number> {
  return Number(await groups.get(slotOf('groupRoot', group, root)))
}

export async function isSpent(
  { groups }: PrivateFacts,
  group: bigint,
  nullifier: bigint,
): Promise<boolean> {
  return (await groups.get(slotOf('groupNullifier', group, nullifier))) !== 0n
}

/**
 * Record a statement; returns its number in the topic. The nullifier, not the proof's bytes, is what
 * counts: anybody can make other bytes that prove the same.
 */
export async function postStatement(
  world: PrivateFacts,
  chainId: number,
  { group, topic, content, root, nullifier, proof }: Statement,
  check: CheckProof,
): Promise<Result<number, GroupFault>> {
  const { groups } = world
  const found = await readGroup(world, group)
  if (found === null) return refuse({ code: 'groups/unknownGroup', group })
  if ((await rootSize(world, group, root)) === 0)
    return refuse({ code: 'groups/unknownRoot', root })
  if (await isSpent(world, group, nullifier)) return refuse({ code: 'groups/spoken', nullifier })
  const inputs = [root, nullifier, topicSignal(chainId, group, topic), messageSignal(content)]
  const verdict = await check(found.key, inputs, proof)
  if (!verdict.ok) return refuse({ code: 'groups/badProof', reason: verdict.fault.code })
  await groups.put(slotOf('groupNullifier', group, nullifier), 1n)
  return ok(await listPush(groups, BigInt(content), 'groupStatements', group, topic))
}

export async function statementCount(
  { groups }: PrivateFacts,
  group: bigint,
  topic: Hash,
): Promise<number> {
  return listLength(groups, 'groupStatements', group, topic)
}

/** Content hash of statement `index` of a topic. */
export async function statementAt(
  { groups }: PrivateFacts,
  group: bigint,
  topic: Hash,
  index: number,
): Promise<Hash> {
  return hashOfWord(await listItem(groups, index, 'groupStatements', group, topic))
}

/** The proof's public number for a topic: 248 bits, another one on every chain and in every group. */
export function topicSignal(chainId: number, group: bigint, topic: Hash): bigint {
  const parts = [uintBytes(chainId, 8), uintBytes(group, 32), hashBytes(topic)]
  return hashToUint(hashOf('waggle/group/topic/v1', ...parts)) >> 8n
}

/** The proof's public number for what is said. */
export function messageSignal(content: Hash): bigint {
  return hashToUint(hashOf('waggle/group/message/v1', hashBytes(content))) >> 8n
}
