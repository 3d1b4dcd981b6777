/**
 * Makes `genesis.json`, the genesis of the development network: four validators with public keys, funded
 * accounts of the well-known test phrase, and a first job on MNIST paid by the treasury. Everything is a
 * function of this file and of the data, so that the same bytes come out everywhere.
 *
 * `node scripts/makeGenesis.ts [FILE]`
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { devnetValidator, validatorBalances } from '../cli/devnetGenesis.ts'
import { devnetAccount, devnetAccountCount } from '../node/keysDevnet.ts'
import { importSample } from '../node/sampleData.ts'
import { weiPerCoin } from '../primitives/brand.ts'
import { toHex } from '../primitives/bytes.ts'
import { describeFault, type Fault, type Result } from '../primitives/result.ts'
import { openBlobStore } from '../storage/blobStore.ts'
import { keyBytesOf } from '../zk/snarkjsJson.ts'

const validatorCount = 4

/** 2026-11-01T00:00:00Z. */
const timestamp = 1_793_491_200

/** The `params` of the development network; units are in the names. */
const params = {
  epochLength: 16,
  minBlockIntervalMs: 1_000,
  idleBlockIntervalMs: 5_000,
  proposeTimeoutMs: 3_000,
  prevoteTimeoutMs: 1_000,
  precommitTimeoutMs: 1_000,
  timeoutGrowthMs: 500,
  maxTimeoutMs: 30_000,
  clockPrecisionMs: 500,
  proposalDelayMs: 1_000,
  blockGasLimit: 30_000_000,
  executionBudgetMs: 300,
  executionLimitMs: 3_000,
  maxBlockBytes: 2_097_152,
  maxSidecarBytes: 4_194_304,
  maxVerifyMs: 1_500,
  certificateAgeMs: 500,
  basePrice: '100000000',
  certificateFee: '1000000000000000',
  openFee: '100000000000000000',
  macsPerBlock: '2147483648',
  replayMacsCap: '4294967296',
  maxActiveJobs: 256,
  declineBlocks: 3,
  reputationShift: 6,
  minStake: '1000000000000',
  unbondingEpochs: 8,
} as const

/** Shifts that suit this network on this data, found by a small search: about 77 % after the 32 steps. */
const model = {
  layers: [784, 32, 10],
  batch: 64,
  steps: 32,
  leaseSteps: 16,
  fractionBits: 16,
  forwardShifts: [9, 7],
  backwardShifts: [6],
  updateShifts: [2, 2],
  initBound: 16,
} as const

/** The text of the development network's `genesis.json`. Takes seconds: it imports and hashes MNIST. */
export async function makeGenesis(): Promise<string> {
  const accounts = Array.from({ length: devnetAccountCount }, (_, i) => devnetAccount(i))
  const funded = accounts.map(({ address }) => [address, coins(1_000_000)])
  const genesis = {
    name: 'waggle-devnet',
    chainId: 57_471,
    timestamp,
    // "waggle"
    extraData: '0x776167676c65',
    params,
    upgrades: [{ name: 'v1', height: 0 }],
    validators: Array.from({ length: validatorCount }, (_, i) => devnetValidator(i)),
    balances: { ...validatorBalances(validatorCount), ...Object.fromEntries(funded) },
    treasury: { balance: coins(1_000_000) },
    firstJob: { dataset: await mnist(), ...model, pricePerMac: params.basePrice },
    verificationKeys: await devnetVerificationKeys(),
    peers: [],
  }
  return `${inlineLists(JSON.stringify(genesis, null, 2))}\n`
}

/** Lists of numbers on one line each, as the repository's formatter has them. */
function inlineLists(json: string): string {
  return json.replace(/\[([\d,\s]+)\]/g, (_, items: string) => {
    return `[${items.trim().replace(/\s*,\s*/g, ', ')}]`
  })
}

/** The pinned keys of `circuits/keys`, whose secrets everybody knows. */
async function devnetVerificationKeys(): Promise<readonly object[]> {
  const folder = join(import.meta.dirname, '..', 'circuits', 'keys')
  const names = JSON.parse(await readFile(join(folder, 'names.json'), 'utf8')) as object
  return Promise.all(
    Object.entries(names).map(async ([file, name]) => {
      const json: unknown = JSON.parse(await readFile(join(folder, `${file}.json`), 'utf8'))
      const { protocol, bytes } = must(keyBytesOf(json))
      const title = `${file}: devnet only, anybody can forge under this key`
      return { title, name, protocol, key: toHex(bytes) }
    }),
  )
}

/** MNIST as a genesis names it; owned by the first funded account. */
async function mnist(): Promise<object> {
  const folder = await mkdtemp(join(tmpdir(), 'waggle-genesis-'))
  try {
    const path = join(folder, 'mnist')
    const { name, root, rows, features, classes } = must(importSample('mnist', path))
    const blobs = await openBlobStore(join(folder, 'blobs'))
    const blob = must(await blobs.putFile(path))
    return { name, root, blob, rows, features, classes, owner: devnetAccount(0).address }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function coins(count: number): string {
  return (BigInt(count) * weiPerCoin).toString()
}

function must<T>(result: Result<T, Fault>): T {
  if (result.ok) return result.value
  throw new Error(`cannot make the genesis: ${describeFault(result.fault)}`)
}

if (import.meta.main) {
  const path = process.argv[2] ?? join(import.meta.dirname, '..', 'genesis.json')
  await writeFile(path, await makeGenesis())
  process.stdout.write(`wrote ${path}\n`)
}
