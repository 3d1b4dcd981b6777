/**
 * A model owner's day with viem: open a training job, follow it over WebSocket until it is paid, and
 * see who earned what.
 *
 * Run: `node examples/openJob.ts [RPC_URL]` against a devnet (`waggle devnet`), whose genesis registers
 * MNIST.
 */
import { createPublicClient, formatEther, parseEventLogs, webSocket } from 'viem'
import { moduleAddresses } from '../params/protocol.ts'
import { jobsAbi } from '../vm/modules/jobsAbi.ts'
import { registryAbi } from '../vm/modules/registry.ts'
import { connect, developer, print, rpcUrl } from './devnet.ts'

const account = developer(2)
const { chain, node, wallet } = await connect(account)
const live = createPublicClient({ chain, transport: webSocket(rpcUrl.replace(/^http/, 'ws')) })

const jobs = { address: moduleAddresses.jobs, abi: jobsAbi } as const
const registry = { address: moduleAddresses.registry, abi: registryAbi } as const

// 1. What to train on: the first registered dataset.
const root = await node.readContract({ ...registry, functionName: 'datasetAt', args: [0n] })
const dataset = await node.readContract({ ...registry, functionName: 'dataset', args: [root] })
print(`dataset ${dataset.title}: ${dataset.rows} rows, ${dataset.classes} classes`)

// 2. What to train: a small network, 16 steps in two leases. Shifts make the integers fit; `waggle job
// open` finds them by calibration, these are known to suit MNIST.
const spec = {
  proofKind: 0,
  dataset: root,
  layers: [dataset.features, 32, dataset.classes],
  batch: 64,
  steps: 16,
  leaseSteps: 8,
  fractionBits: 16,
  forwardShifts: [9, 7],
  schedule: [{ fromStep: 0, updateShifts: [2, 2], backwardShifts: [6] }],
  initBound: 16,
  pricePerMac: 100_000_000n,
  heldOut: { dataset: root, rows: 0 },
} as const

// 3. What it costs: the whole fee is held in escrow, and what is not earned comes back.
const [escrow, openFee] = await node.readContract({
  ...jobs,
  functionName: 'quote',
  args: [spec],
  account,
})
print(`escrow ${formatEther(escrow)} coins, open fee ${formatEther(openFee)} coins`)

// 4. Open it.
const { request } = await node.simulateContract({
  ...jobs,
  functionName: 'open',
  args: [spec],
  value: escrow + openFee,
  account,
})
const receipt = await node.waitForTransactionReceipt({ hash: await wallet.writeContract(request) })
const [opened] = parseEventLogs({ abi: jobsAbi, eventName: 'JobOpened', logs: receipt.logs })
const { jobId } = opened!.args
print(`job ${jobId} opened in block ${receipt.blockNumber}`)

// 5. Follow it: validators draw its leases, train, and certify; each certificate is paid at once.
const earned = new Map<string, bigint>()
await new Promise<void>((resolve, reject) => {
  const watch = { ...jobs, args: { jobId }, onError: reject } as const
  live.watchContractEvent({
    ...watch,
    eventName: 'Certified',
    onLogs: (logs) => {
      for (const { args } of logs) {
        print(`lease ${args.range}: ${args.steps} steps by ${args.worker}`)
        earned.set(args.worker!, (earned.get(args.worker!) ?? 0n) + args.fee!)
      }
    },
  })
  live.watchContractEvent({ ...watch, eventName: 'JobFinished', onLogs: () => resolve() })
})
for (const [worker, wei] of earned) print(`${worker} earned ${formatEther(wei)} coins in fees`)

// 6. The model is registered under the job's name; its weights are a blob of the node.
const model = await node.readContract({ ...registry, functionName: 'model', args: [jobId] })
const weights = await fetch(`${rpcUrl}/blob/${model.weights}`)
print(
  `model of ${(await weights.arrayBuffer()).byteLength} bytes at ${rpcUrl}/blob/${model.weights}`,
)
process.exit(0)
