/**
 * A data owner is paid: it registers rows with a price, lets one account train on them, and earns with
 * each lease. The model's owner then sells a copy.
 *
 * Run: `node examples/shareData.ts [RPC_URL]` against a devnet (`waggle devnet`).
 */
import { formatEther, parseEther, parseEventLogs } from 'viem'
import { waggleActions } from '../client/actions.ts'
import { checkDataset, datasetFromBytes, encodeHeader, encodeRow } from '../compute/dataset.ts'
import { moduleAddresses } from '../params/protocol.ts'
import type { Hash } from '../primitives/hash.ts'
import { ProofKind } from '../registry/job.ts'
import { jobsAbi } from '../vm/modules/jobsAbi.ts'
import { registryAbi } from '../vm/modules/registry.ts'
import { connect, developer, print, rpcUrl } from './devnet.ts'

const [dataOwner, modelOwner, reader] = [developer(4), developer(5), developer(6)]
const { node, wallet: data } = await connect(dataOwner)
const { wallet: model } = await connect(modelOwner)
const { wallet: buyer } = await connect(reader)
const jobs = { address: moduleAddresses.jobs, abi: jobsAbi } as const
const registry = { address: moduleAddresses.registry, abi: registryAbi } as const
const done = (hash: `0x${string}`) => node.waitForTransactionReceipt({ hash })

// 1. Rows: two clouds of points, as int8. Their Merkle root is the dataset's name; the salt makes it new.
const salt = Date.now() % 89
const rows = Array.from({ length: 256 }, (_, i) =>
  encodeRow(
    Int8Array.from(
      { length: 8 },
      (_, j) => (i % 2 === 0 ? 40 : -40) + ((salt + 7 * i + 5 * j) % 23),
    ),
    i % 2,
  ),
)
const header = encodeHeader({ rows: rows.length, features: 8, classes: 2 })
const bytes = Uint8Array.from([header, ...rows].flatMap((part) => [...part]))
const dataset = datasetFromBytes(bytes)
const manifest = dataset.ok ? checkDataset(dataset.value, 'clouds') : dataset
if (!manifest.ok) throw new Error(manifest.fault.code)
const { root, features, classes } = manifest.value
const upload = await fetch(`${rpcUrl}/blob`, { method: 'PUT', body: bytes })
const { hash: blob } = (await upload.json()) as { readonly hash: Hash }

// 2. Terms: a gigawei for each row that a step draws, and only for accounts on the list.
const price = 1_000_000_000n
await done(
  await data.writeContract({
    ...registry,
    functionName: 'registerDatasetWithTerms',
    args: [root, 'clouds', blob, rows.length, features, classes, price, 'CC-BY-4.0', true],
  }),
)
print(`registered ${rows.length} rows at ${price} wei each, for listed accounts`)

// 3. Who is not on the list is refused, and trains as soon as it is.
const trainer = model.extend(waggleActions({ url: rpcUrl }))
const order = {
  dataset: root,
  layers: [features, 8, classes],
  batch: 16,
  steps: 16,
  leaseSteps: 16,
  proofKind: ProofKind.Replay,
  recipe: {
    fractionBits: 16,
    forwardShifts: [8, 6],
    schedule: [{ fromStep: 0, updateShifts: [2, 2], backwardShifts: [6] }],
    initBound: 16,
  },
}
const refused = await trainer.openJob(order).catch((error: Error) => error.message)
print(`a stranger is refused: ${/NotAllowed/.exec(String(refused))?.[0]}`)
await done(
  await data.writeContract({
    ...registry,
    functionName: 'allow',
    args: [root, modelOwner.address, true],
  }),
)
const { job, escrow } = await trainer.openJob(order)
print(`job ${job} opened, escrow ${formatEther(escrow)} coins`)

// 4. Each lease pays for the rows that it drew; a part of its fee comes on top.
await trainer.watchJob(job)
const paid = parseEventLogs({
  abi: jobsAbi,
  eventName: 'RowsPaid',
  logs: await node.getLogs({ address: jobs.address, fromBlock: 1n }),
}).filter(({ args }) => args.jobId === job)
for (const { args } of paid) print(`${args.rows} rows paid ${formatEther(args.amount)} coins`)

// 5. The model is for sale: its weights come only to who has paid.
await done(
  await model.writeContract({
    ...registry,
    functionName: 'setModelTerms',
    args: [job, parseEther('2'), 500, 'MIT'],
  }),
)
const client = buyer.extend(waggleActions({ url: rpcUrl }))
const early = await client.pullModel(job).catch((error: Error) => error.message)
print(`before paying: ${String(early).replace(/0x\w+/, '…')}`)
await client.buyModel(job)
const { stepsDone, commitment } = await client.pullModel(job)
print(`bought: ${stepsDone} steps, commitment ${commitment}`)

// 6. Whoever trains on from there owes its owner 5 % on top of every lease.
await done(
  await data.writeContract({
    ...registry,
    functionName: 'allow',
    args: [root, reader.address, true],
  }),
)
const heir = await client.openJob({ ...order, base: job })
await client.watchJob(heir.job)
const lineage = await client.getLineage(heir.job)
print(`model ${heir.job} descends from ${lineage?.ancestors[0]?.job}`)
const [royalty] = parseEventLogs({
  abi: jobsAbi,
  eventName: 'RoyaltyPaid',
  logs: await node.getLogs({ address: jobs.address, fromBlock: 1n }),
}).filter(({ args }) => args.jobId === heir.job)
print(`royalty ${formatEther(royalty!.args.amount)} coins`)
process.exit(0)
