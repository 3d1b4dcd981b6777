/**
 * A small dataset and job for tests of whole networks: two clouds of points, learned in moments.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseEventLogs } from 'viem'
import { type PrivateKeyAccount, privateKeyToAccount } from 'viem/accounts'
import { uploadBlob } from '../../cli/blob.ts'
import { processIo } from '../../cli/io.ts'
import { connect } from '../../cli/rpc.ts'
import { sendCall } from '../../cli/transaction.ts'
import { abiSpec, type JobSpec } from '../../client/jobWire.ts'
import { checkDataset, datasetFromBytes, encodeHeader, encodeRow } from '../../compute/dataset.ts'
import { devnetAccount } from '../../node/keysDevnet.ts'
import { moduleAddresses } from '../../params/protocol.ts'
import type { Address } from '../../primitives/address.ts'
import { concatBytes, toHex } from '../../primitives/bytes.ts'
import { type Hash, hashOf } from '../../primitives/hash.ts'
import { SeededRandom } from '../../primitives/random.ts'
import { ProofKind } from '../../registry/job.ts'
import { jobsAbi } from '../../vm/modules/jobsAbi.ts'
import { registryAbi } from '../../vm/modules/registry.ts'

/** An account of the devnet that signs. */
export const signerOf = (index: number): PrivateKeyAccount =>
  privateKeyToAccount(toHex(devnetAccount(index).privateKey))
const customer = 3
const features = 8
const registry = { address: moduleAddresses.registry, abi: registryAbi } as const

/** Rows of class 0 lie low, of class 1 high. */
function clouds(count: number): Uint8Array {
  const random = new SeededRandom('clouds', hashOf('test'))
  const rows = Array.from({ length: count }, (_, i) => {
    const label = i % 2
    const values = Int8Array.from(
      { length: features },
      () => (label === 0 ? -40 : 40) + random.below(61) - 30,
    )
    return encodeRow(values, label)
  })
  return concatBytes(encodeHeader({ rows: count, features, classes: 2 }), ...rows)
}

/** What an owner asks for its rows, and who alone may train on them. */
export type CloudTerms = {
  readonly rowPrice: bigint
  readonly licence: string
  readonly readers: readonly Address[]
}

/** Upload the rows to the node at `url` and register them there, free for all unless there are terms. */
export async function registerClouds(
  url: string,
  count = 512,
  owner: number = customer,
  terms: CloudTerms | null = null,
): Promise<Hash> {
  const blobBytes = clouds(count)
  const dataset = datasetFromBytes(blobBytes)
  if (!dataset.ok) throw new Error(dataset.fault.code)
  const manifest = checkDataset(dataset.value, 'clouds')
  if (!manifest.ok) throw new Error(manifest.fault.code)
  const folder = mkdtempSync(join(tmpdir(), 'waggle-clouds-'))
  try {
    const path = join(folder, 'rows')
    writeFileSync(path, blobBytes)
    const blob = await uploadBlob({ ...processIo(), err: () => {} }, url, path)
    const { root, rows, classes } = manifest.value
    const node = await connect(url)
    const call = (functionName: string, args: readonly unknown[]) =>
      sendCall(node, signerOf(owner), { ...registry, functionName, args })
    const entry = [root, 'clouds', blob, rows, features, classes]
    if (terms === null) await call('registerDataset', entry)
    else {
      const { rowPrice, licence, readers } = terms
      await call('registerDatasetWithTerms', [...entry, rowPrice, licence, true])
      for (const reader of readers) await call('allow', [root, reader, true])
    }
    return root
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Open a job of `leases` leases on the rows; returns its name. */
export async function openCloudJob(
  url: string,
  dataset: Hash,
  leases: number,
  proofKind: ProofKind = ProofKind.StepProof,
  { owner = customer, pricePerMac = 10_000_000_000n } = {},
): Promise<Hash> {
  const account = signerOf(owner)
  const spec: JobSpec = {
    proofKind,
    dataset,
    layers: [features, 16, 2],
    batch: 16,
    steps: 16 * leases,
    leaseSteps: 16,
    fractionBits: 16,
    forwardShifts: [6, 6],
    schedule: [{ fromStep: 0, updateShifts: [4, 4], backwardShifts: [5] }],
    initBound: 16,
    pricePerMac,
  }
  const node = await connect(url)
  const call = { address: moduleAddresses.jobs, abi: jobsAbi, args: [abiSpec(spec)] } as const
  const [escrow, openFee] = await node.client.readContract({
    ...call,
    functionName: 'quote',
    account,
  })
  const receipt = await sendCall(node, account, {
    ...call,
    functionName: 'open',
    value: escrow + openFee,
  })
  const [opened] = parseEventLogs({ abi: jobsAbi, eventName: 'JobOpened', logs: receipt.logs })
  if (opened === undefined) throw new Error('no JobOpened event')
  return opened.args.jobId as Hash
}
