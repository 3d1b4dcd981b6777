/**
 * A Solidity contract that has a model trained: compiled with `solc`, deployed with viem, it opens a
 * job at the native module `Jobs`, reads the result there, and pays everyone.
 *
 * Run: `node examples/contract/commission.ts [RPC_URL]` against a devnet (`waggle devnet`), whose
 * genesis registers MNIST.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import solc from 'solc'
import {
  createWalletClient,
  formatEther,
  type Hex,
  http,
  parseAbi,
  parseEther,
  parseEventLogs,
} from 'viem'
import { moduleAddresses } from '../../params/protocol.ts'
import { registryAbi } from '../../vm/modules/registry.ts'
import { connect, developer, print, rpcUrl } from '../devnet.ts'

const sponsor = developer(4)
const settler = developer(5)
const { chain, node, wallet } = await connect(sponsor)

// 1. Compile. The contract reaches the module through an interface, as it would any other contract.
const files = Object.fromEntries(
  ['Commission.sol', 'Waggle.sol'].map((name) => [
    name,
    { content: readFileSync(join(import.meta.dirname, name), 'utf8') },
  ]),
)
const settings = {
  optimizer: { enabled: true, runs: 200 },
  viaIR: true,
  outputSelection: { '*': { '*': ['evm.bytecode.object'] } },
}
const compiled = JSON.parse(
  solc.compile(JSON.stringify({ language: 'Solidity', sources: files, settings })),
) as {
  readonly errors?: readonly { readonly severity: string; readonly formattedMessage: string }[]
  readonly contracts: {
    readonly 'Commission.sol': {
      readonly Commission: { readonly evm: { readonly bytecode: { readonly object: string } } }
    }
  }
}
const wrong = compiled.errors?.find(({ severity }) => severity === 'error')
if (wrong !== undefined) throw new Error(wrong.formattedMessage)
const bytecode: Hex = `0x${compiled.contracts['Commission.sol'].Commission.evm.bytecode.object}`
const abi = parseAbi([
  'struct Phase { uint32 fromStep; uint8[] updateShifts; uint8[] backwardShifts; }',
  'struct HeldOut { bytes32 dataset; uint32 rows; }',
  'struct JobSpec { uint8 proofKind; bytes32 dataset; uint32[] layers; uint32 batch; uint32 steps; uint16 leaseSteps; uint8 fractionBits; uint8[] forwardShifts; Phase[] schedule; uint8 initBound; uint128 pricePerMac; HeldOut heldOut; }',
  'constructor(JobSpec spec, uint256 royalty, uint256 tip) payable',
  'function settle()',
  'function progress() view returns (uint32 stepsDone, uint32 steps)',
  'function weights() view returns (bytes32)',
  'event Ordered(bytes32 indexed jobId, uint256 escrow, uint256 openFee)',
  'event Delivered(bytes32 indexed jobId, bytes32 weights, bytes32 commitment)',
  'error TooLittle(uint256 needed, uint256 got)',
  'error Running(uint32 stepsDone, uint32 steps)',
  'error Settled()',
])
print(`compiled to ${(bytecode.length - 2) / 2} bytes`)

// 2. What to train: a small network on the first registered dataset.
const registry = { address: moduleAddresses.registry, abi: registryAbi } as const
const root = await node.readContract({ ...registry, functionName: 'datasetAt', args: [0n] })
const { title, features, classes } = await node.readContract({
  ...registry,
  functionName: 'dataset',
  args: [root],
})
const spec = {
  proofKind: 0,
  dataset: root,
  layers: [features, 32, classes],
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

// 3. Deploy with 5 coins: the constructor asks for the price and opens the job in the same transaction.
const hash = await wallet.deployContract({
  abi,
  bytecode,
  args: [spec, parseEther('0.5'), parseEther('0.01')],
  value: parseEther('5'),
})
const deployed = await node.waitForTransactionReceipt({ hash })
const commission = { address: deployed.contractAddress!, abi } as const
const [ordered] = parseEventLogs({ abi, eventName: 'Ordered', logs: deployed.logs })
const { jobId, escrow } = ordered!.args
print(
  `${commission.address} ordered ${spec.steps} steps on ${title}: escrow ${formatEther(escrow)}`,
)

// 4. Until the job has ended the contract refuses to settle, and says how far it is.
const settle = { ...commission, functionName: 'settle', account: settler } as const
const early = await node.simulateContract(settle).then(
  () => 'nothing',
  (error: Error) => /Running\(.*?\)\s*\((.*?)\)/s.exec(error.message)?.[0] ?? error.message,
)
print(`settling early is refused: ${early.replace(/\s+/g, ' ')}`)

// 5. Validators train; anyone may settle then.
const progress = { ...commission, functionName: 'progress' } as const
for (let done = 0; done < spec.steps; ) {
  await new Promise((resolve) => setTimeout(resolve, 500))
  const [now] = await node.readContract(progress)
  if (now > done) print(`${now} of ${spec.steps} steps`)
  done = now
}
const before = await node.getBalance({ address: settler.address })
const { request } = await node.simulateContract(settle)
const settled = await node.waitForTransactionReceipt({
  hash: await createWalletClient({ account: settler, chain, transport: http() }).writeContract(
    request,
  ),
})
const [delivered] = parseEventLogs({ abi, eventName: 'Delivered', logs: settled.logs })
const gas = settled.gasUsed * settled.effectiveGasPrice
const tip = (await node.getBalance({ address: settler.address })) - before + gas
print(`delivered ${delivered!.args.weights}; the settler got ${formatEther(tip)}`)
print(`the contract keeps ${formatEther(await node.getBalance(commission))}`)

// 6. The name of the weights is the name of a blob.
const stored = await node.readContract({ ...commission, functionName: 'weights' })
const model = await fetch(`${rpcUrl}/blob/${stored}`)
print(`model of ${(await model.arrayBuffer()).byteLength} bytes from job ${jobId}`)
process.exit(0)
