/**
 * `Groups`, the native module of anonymous speech: create a group, join it, and post a statement as
 * one of its members, once in each topic.
 */
import { parseAbi } from 'viem'
import { moduleAddresses } from '../../params/protocol.ts'
import { fromHex, type Hex } from '../../primitives/bytes.ts'
import { type Hash, zeroHash } from '../../primitives/hash.ts'
import type { Fault } from '../../primitives/result.ts'
import {
  createGroup,
  type Group,
  groupCount,
  groupPolicies,
  isSpent,
  joinGroup,
  memberAt,
  messageSignal,
  postStatement,
  readGroup,
  rootSize,
  statementAt,
  statementCount,
  topicSignal,
} from '../../registry/groups.ts'
import { readKey } from '../../registry/verificationKeys.ts'
import type { NativeCall, NativeModule, NativeOutcome } from '../nativeModule.ts'
import { answer, commonErrors, defineModule, refusal } from './module.ts'
import type { CheckCall } from './verifiers.ts'

export const groupsAbi = parseAbi([
  'struct GroupView { address owner; uint8 policy; bytes32 key; uint32 size; uint256 root; string title; }',

  'function create(bytes32 key, uint8 policy, string title) returns (uint256 group)',
  'function join(uint256 group, uint256 commitment) returns (uint256 index)',
  'function post(uint256 group, bytes32 topic, bytes32 content, uint256 root, uint256 nullifier, bytes proof) returns (uint256 index)',
  'function group(uint256 id) view returns (GroupView found)',
  'function groupCount() view returns (uint256 count)',
  'function memberAt(uint256 group, uint256 index) view returns (uint256 commitment)',
  'function rootSize(uint256 group, uint256 root) view returns (uint256 members)',
  'function spent(uint256 group, uint256 nullifier) view returns (bool yes)',
  'function statementCount(uint256 group, bytes32 topic) view returns (uint256 count)',
  'function statementAt(uint256 group, bytes32 topic, uint256 index) view returns (bytes32 content)',
  'function signals(uint256 group, bytes32 topic, bytes32 content) view returns (uint256 topicSignal, uint256 messageSignal)',

  'event GroupCreated(uint256 indexed group, address indexed owner, bytes32 key, uint8 policy, string title)',
  'event MemberJoined(uint256 indexed group, uint256 index, uint256 commitment, uint256 root)',
  'event StatementPosted(uint256 indexed group, bytes32 indexed topic, uint256 indexed nullifier, bytes32 content, uint256 index)',

  'error BadKey(bytes32 key)',
  'error BadPolicy(uint8 policy)',
  'error BadTitle(uint256 length, uint256 max)',
  'error UnknownGroup(uint256 group)',
  'error NotInvited(address owner)',
  'error JoinedBefore(address account)',
  'error BadCommitment(uint256 commitment)',
  'error KnownCommitment(uint256 commitment)',
  'error Full(uint256 max)',
  'error UnknownRoot(uint256 root)',
  'error Spoken(uint256 nullifier)',
  'error BadProof(string reason)',
  'error Unknown(bytes32 id)',
  ...commonErrors,
])

/** Public numbers of a membership proof: root, nullifier, topic, message. */
const membershipInputs = 4

/** Twenty Poseidon digests, 0.2 ms each. */
const joinGas = 80_000n

export function groupsModule(chainId: number, check: CheckCall): NativeModule {
  const refuseWith = (fault: Fault) => refusal(groupsAbi, fault)

  async function create(call: NativeCall): Promise<NativeOutcome> {
    const [key, code, title] = call.args as [Hash, number, string]
    const policy = groupPolicies[code]
    if (policy === undefined) return { ok: false, errorName: 'BadPolicy', args: [code] }
    const record = await readKey(call.world, key)
    if (record?.inputs !== membershipInputs) return { ok: false, errorName: 'BadKey', args: [key] }
    const owner = call.caller
    const group = await createGroup(call.world, { owner, policy, key, title })
    if (!group.ok) return refuseWith(group.fault)
    call.emit('GroupCreated', { group: group.value, owner, key, policy: code, title })
    return answer(group.value)
  }

  async function join(call: NativeCall): Promise<NativeOutcome> {
    const [group, commitment] = call.args as [bigint, bigint]
    call.charge(joinGas)
    const joined = await joinGroup(call.world, group, commitment, call.caller)
    if (!joined.ok) return refuseWith(joined.fault)
    const index = BigInt(joined.value.index)
    call.emit('MemberJoined', { group, index, commitment, root: joined.value.root })
    return answer(index)
  }

  async function post(call: NativeCall): Promise<NativeOutcome> {
    const [group, topic, content, root, nullifier, hex] = call.args as [
      ...[bigint, Hash, Hash],
      ...[bigint, bigint, Hex],
    ]
    const statement = { group, topic, content, root, nullifier, proof: fromHex(hex) }
    const posted = await postStatement(call.world, chainId, statement, (key, inputs, proof) =>
      check(call, key, inputs, proof),
    )
    if (!posted.ok) return refuseWith(posted.fault)
    const index = BigInt(posted.value)
    call.emit('StatementPosted', { group, topic, nullifier, content, index })
    return answer(index)
  }

  /** The view of a group that must exist. */
  async function ofGroup(
    call: NativeCall,
    then: (group: Group) => NativeOutcome | Promise<NativeOutcome>,
  ): Promise<NativeOutcome> {
    const [group] = call.args as [bigint]
    const found = await readGroup(call.world, group)
    return found === null
      ? refuseWith({ code: 'groups/unknownGroup', group } as Fault)
      : then(found)
  }

  return defineModule('Groups', moduleAddresses.groups, groupsAbi, {
    create,
    join,
    post,
    group: (call) =>
      ofGroup(call, (found) => answer({ ...found, policy: groupPolicies.indexOf(found.policy) })),
    groupCount: async (call) => answer(await groupCount(call.world)),
    memberAt: async (call) => {
      const [group, index] = call.args as [bigint, bigint]
      const found = await readGroup(call.world, group)
      if (found === null || index >= BigInt(found.size)) return answer(0n)
      return answer(await memberAt(call.world, group, Number(index)))
    },
    rootSize: async (call) => {
      const [group, root] = call.args as [bigint, bigint]
      return answer(BigInt(await rootSize(call.world, group, root)))
    },
    spent: async (call) => {
      const [group, nullifier] = call.args as [bigint, bigint]
      return answer(await isSpent(call.world, group, nullifier))
    },
    statementCount: async (call) => {
      const [group, topic] = call.args as [bigint, Hash]
      return answer(BigInt(await statementCount(call.world, group, topic)))
    },
    statementAt: async (call) => {
      const [group, topic, index] = call.args as [bigint, Hash, bigint]
      const count = BigInt(await statementCount(call.world, group, topic))
      if (index >= count) return { ok: false, errorName: 'Unknown', args: [zeroHash] }
      return answer(await statementAt(call.world, group, topic, Number(index)))
    },
    signals: async (call) => {
      const [group, topic, content] = call.args as [bigint, Hash, Hash]
      return answer(topicSignal(chainId, group, topic), messageSignal(content))
    },
  })
}
