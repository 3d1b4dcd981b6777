/**
 * `Custody`, the native module of what is kept: keepers answer challenges and step back, and everybody
 * sees who must keep what.
 */
import { parseAbi } from 'viem'
import type { ChainParams } from '../../params/chainParams.ts'
import { moduleAddresses } from '../../params/protocol.ts'
import { fromHex, type Hex } from '../../primitives/bytes.ts'
import type { Hash } from '../../primitives/hash.ts'
import { checkWeightsOpening } from '../../proof/weightsTree.ts'
import { answerChallenge, openChallenges, readChallenge } from '../../registry/challenges.ts'
import { readDataset } from '../../registry/datasets.ts'
import { readJob } from '../../registry/jobRecord.ts'
import { declineKeeping, keepersOf, type Subject } from '../../registry/keepers.ts'
import { readPenalties } from '../../registry/penaltyHistory.ts'
import type { World } from '../../registry/records.ts'
import type { NativeCall, NativeModule, NativeOutcome } from '../nativeModule.ts'
import { addressOf, answer, commonErrors, defineModule, refusal } from './module.ts'

export const custodyAbi = parseAbi([
  'struct MissView { uint64 height; uint256 penalty; }',
  'struct ChallengeView { uint64 drawnAt; string status; string kind; bytes32 job; bytes32 root; bytes32 blob; uint32 index; address keeper; }',

  'function answer(uint64 drawnAt, bytes data, bytes32[] path) returns (uint256 reward)',
  'function decline(bytes32 subject)',
  'function challenge(uint64 drawnAt) view returns (ChallengeView challenge)',
  'function openChallenges() view returns (uint64[] drawnAt)',
  'function keepers(bytes32 subject) view returns (address[] keepers)',
  'function missed(address keeper) view returns (MissView[] list)',
  'function pot() view returns (uint256 amount)',

  'event Shown(uint64 indexed drawnAt, address indexed keeper, bytes32 indexed job, uint256 reward)',
  'event Declined(bytes32 indexed subject, address indexed keeper)',

  'error Unknown(bytes32 subject)',
  'error NoChallenge(uint64 drawnAt)',
  'error NotKeeper(address keeper)',
  'error WrongPart(uint256 index)',
  'error Vouched(bytes32 subject)',
  'error HasDeclined(bytes32 subject)',
  ...commonErrors,
])

/** Gas of an answer besides storage: its hashes, and one for each byte of it. */
const answerGas = 50_000n

export function custodyModule(params: ChainParams): NativeModule {
  const refuse = (fault: { readonly code: string }) => refusal(custodyAbi, fault)

  async function answerCall(call: NativeCall): Promise<NativeOutcome> {
    const [drawnAt, data, path] = call.args as [bigint, Hex, readonly Hex[]]
    const part = { data: fromHex(data), path: path.map(fromHex) }
    call.charge(answerGas + BigInt(part.data.length + 32 * path.length))
    const { world, caller, block } = call
    const given = { drawnAt, part }
    const paid = await answerChallenge(
      world,
      params,
      given,
      caller,
      block.height,
      checkWeightsOpening,
    )
    if (!paid.ok) return refuse(paid.fault)
    const { job } = (await readChallenge(world, params, drawnAt))!
    call.emit('Shown', { drawnAt, keeper: caller, job, reward: paid.value })
    return answer(paid.value)
  }

  async function decline(call: NativeCall): Promise<NativeOutcome> {
    const [name] = call.args as [Hash]
    if ((await subjectOf(call.world, name)) === null) return unknown(name)
    const declined = await declineKeeping(call.world, name, call.caller)
    if (!declined.ok) return refuse(declined.fault)
    call.emit('Declined', { subject: name, keeper: call.caller })
    return answer()
  }

  async function keepers(call: NativeCall): Promise<NativeOutcome> {
    const [name] = call.args as [Hash]
    const subject = await subjectOf(call.world, name)
    if (subject === null) return unknown(name)
    return answer(await keepersOf(call.world, params, subject, call.block.height))
  }

  async function challenge(call: NativeCall): Promise<NativeOutcome> {
    const [drawnAt] = call.args as [bigint]
    const found = await readChallenge(call.world, params, drawnAt)
    return found === null
      ? refuse({ code: 'custody/noChallenge', drawnAt } as never)
      : answer(found)
  }

  const unknown = (subject: Hash) => refuse({ code: 'custody/unknown', subject } as never)

  return defineModule('Custody', moduleAddresses.custody, custodyAbi, {
    answer: answerCall,
    decline,
    challenge,
    openChallenges: async (call) => {
      const open = await openChallenges(call.world, params, call.block.height)
      return answer(open.map(({ drawnAt }) => drawnAt))
    },
    keepers,
    missed: async (call) => {
      const list = await readPenalties(call.world, 'missedChallenges', addressOf(call.args[0]))
      return answer(list.map(({ height, wei }) => ({ height, penalty: wei })))
    },
    pot: async (call) => answer(await call.world.purse.balance(moduleAddresses.custody)),
  })
}

/** A dataset's root or a job's name; null if it is neither. */
async function subjectOf(world: World, name: Hash): Promise<Subject | null> {
  if ((await readDataset(world, name)) !== null) return { kind: 'rows', name }
  const record = await readJob(world, name)
  return record === null ? null : { kind: 'weights', name, job: record.job }
}
