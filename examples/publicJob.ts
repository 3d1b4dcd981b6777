/**
 * A job that belongs to everybody: a validator proposes it, more than two thirds of the voting power
 * approve, and the treasury pays.
 *
 * Run: `node examples/publicJob.ts [RPC_URL]` against a devnet of one validator
 * (`waggle devnet --validators 1`), whose genesis registers MNIST and whose validator's key everybody
 * knows. With more validators each runs the last step.
 */
import { formatEther, parseEventLogs } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { devnetKeys } from '../node/keysDevnet.ts'
import { moduleAddresses } from '../params/protocol.ts'
import { toHex } from '../primitives/bytes.ts'
import { registryAbi } from '../vm/modules/registry.ts'
import { treasuryAbi } from '../vm/modules/treasury.ts'
import { connect, print } from './devnet.ts'

const account = privateKeyToAccount(toHex(devnetKeys(0).accountKey))
const { node, wallet } = await connect(account)
const treasury = { address: moduleAddresses.treasury, abi: treasuryAbi } as const
const registry = { address: moduleAddresses.registry, abi: registryAbi } as const

const dataset = await node.readContract({ ...registry, functionName: 'datasetAt', args: [0n] })
const before = await node.getBalance({ address: treasury.address })
print(`the treasury has ${formatEther(before)} coins`)

// 1. Propose: the job is opened only when it is approved, at the treasury's cost.
const spec = {
  proofKind: 0,
  dataset,
  layers: [784, 32, 10],
  batch: 64,
  steps: 16,
  leaseSteps: 8,
  fractionBits: 16,
  forwardShifts: [9, 7],
  schedule: [{ fromStep: 0, updateShifts: [2, 2], backwardShifts: [6] }],
  initBound: 16,
  pricePerMac: 200_000_000n,
  heldOut: { dataset: dataset, rows: 0 },
} as const
const proposed = await node.waitForTransactionReceipt({
  hash: await wallet.writeContract({
    ...treasury,
    functionName: 'proposeJob',
    args: [spec, 'digits for everybody'],
  }),
})
const [proposal] = parseEventLogs({ ...treasury, eventName: 'Proposed', logs: proposed.logs })
const number = proposal!.args.id
print(
  `proposal ${number}: ${formatEther(proposal!.args.amount)} coins for ${proposal!.args.purpose}`,
)

// 2. Approve: with more than two thirds of the power the job opens in the same block.
const approved = await node.waitForTransactionReceipt({
  hash: await wallet.writeContract({ ...treasury, functionName: 'approve', args: [number] }),
})
const [spent] = parseEventLogs({ ...treasury, eventName: 'Spent', logs: approved.logs })
print(spent === undefined ? 'others must approve' : `job ${spent.args.jobId} opened`)
const after = await node.getBalance({ address: treasury.address })
print(`the treasury has ${formatEther(after)} coins`)
process.exit(0)
