/**
 * `Treasury`, the native module of the chain's own coin: validators propose and approve what it pays for.
 */
import { parseAbi } from 'viem'
import type { ChainParams } from '../../params/chainParams.ts'
import { moduleAddresses } from '../../params/protocol.ts'
import { zeroAddress } from '../../primitives/address.ts'
import { type Hash, zeroHash } from '../../primitives/hash.ts'
import { costFault } from '../../proof/certificateCost.ts'
import { admitJob } from '../../registry/admission.ts'
import type { Job } from '../../registry/job.ts'
import {
  approve,
  openProposals,
  propose,
  readProposal,
  type Spending,
  type TreasuryFault,
} from '../../registry/treasury.ts'
import type { NativeCall, NativeModule, NativeOutcome } from '../nativeModule.ts'
import { type JobSpec, termsOf } from './jobs.ts'
import { addressOf, answer, commonErrors, defineModule, refusal } from './module.ts'

export const treasuryAbi = parseAbi([
  'struct Phase { uint32 fromStep; uint8[] updateShifts; uint8[] backwardShifts; }',
  'struct HeldOut { bytes32 dataset; uint32 rows; }',
  'struct JobSpec { uint8 proofKind; bytes32 dataset; uint32[] layers; uint32 batch; uint32 steps; uint16 leaseSteps; uint8 fractionBits; uint8[] forwardShifts; Phase[] schedule; uint8 initBound; uint128 pricePerMac; HeldOut heldOut; }',
  'struct ProposalView { uint256 id; address proposer; bool isJob; address to; uint256 amount; uint256 until; address[] approvers; }',

  'function proposeGrant(address to, uint256 amount, string purpose) returns (uint256 id)',
  'function proposeJob(JobSpec spec, string purpose) returns (uint256 id)',
  'function approve(uint256 id) returns (bool executed, bytes32 jobId)',
  'function proposal(uint256 id) view returns (ProposalView found)',
  'function openProposals() view returns (uint256[] ids)',

  'event Proposed(uint256 indexed id, address indexed proposer, uint256 amount, string purpose)',
  'event Approved(uint256 indexed id, address indexed validator)',
  'event Spent(uint256 indexed id, address indexed to, uint256 amount, bytes32 jobId)',

  'error Unknown(uint256 id)',
  'error NotMember(address caller)',
  'error Full(uint256 max)',
  'error Nothing()',
  'error Already(uint256 id)',
  'error TooMuch(uint256 got, uint256 max)',
  'error Unfit(string why)',
  ...commonErrors,
])

export function treasuryModule(params: ChainParams, chainId: number): NativeModule {
  const refuse = (fault: TreasuryFault) => refusal(treasuryAbi, fault)

  async function proposeCall(
    call: NativeCall,
    spending: Spending,
    purpose: string,
  ): Promise<NativeOutcome> {
    const { world, caller, block } = call
    const id = await propose(world, params, spending, caller, block.height)
    if (!id.ok) return refuse(id.fault)
    const amount = (await readProposal(world, id.value))!.amount
    call.emit('Proposed', { id: id.value, proposer: caller, amount, purpose })
    return answer(id.value)
  }

  async function proposeJob(call: NativeCall): Promise<NativeOutcome> {
    const [spec, purpose] = call.args as [JobSpec, string]
    const terms = termsOf(spec)
    if (terms === null) return refuse({ code: 'treasury/unfit', why: 'proof kind' })
    const job: Job = { chainId, owner: moduleAddresses.treasury, nonce: 0n, ...terms }
    const dear = admitJob(job, params).ok ? costFault(job, params) : null
    if (dear !== null) return refuse({ code: 'treasury/unfit', why: dear.code })
    return proposeCall(call, { kind: 'job', job }, purpose)
  }

  async function approveCall(call: NativeCall): Promise<NativeOutcome> {
    const [id] = call.args as [bigint]
    const { world, caller, block } = call
    const verdict = await approve(world, params, id, caller, block.height)
    if (!verdict.ok) return refuseApproval(verdict.fault)
    const { executed, job, amount, to } = verdict.value
    call.emit('Approved', { id, validator: caller })
    if (executed) call.emit('Spent', { id, to, amount, jobId: job ?? zeroHash })
    return answer(executed, (job ?? zeroHash) as Hash)
  }

  /** What the book of jobs refuses is told by its code. */
  function refuseApproval(fault: { readonly code: string }): NativeOutcome {
    return fault.code.startsWith('treasury/')
      ? refuse(fault as TreasuryFault)
      : refuse({ code: 'treasury/unfit', why: fault.code })
  }

  return defineModule('Treasury', moduleAddresses.treasury, treasuryAbi, {
    proposeGrant: (call) => {
      const [to, amount, purpose] = call.args as [string, bigint, string]
      return proposeCall(call, { kind: 'grant', to: addressOf(to), amount }, purpose)
    },
    proposeJob,
    approve: approveCall,
    proposal: async (call) => {
      const [id] = call.args as [bigint]
      const found = await readProposal(call.world, id)
      if (found === null) return refuse({ code: 'treasury/unknown', id })
      const { spending } = found
      const to = spending.kind === 'grant' ? spending.to : zeroAddress
      return answer({ ...found, isJob: spending.kind === 'job', to })
    },
    openProposals: async (call) => answer(await openProposals(call.world)),
  })
}
